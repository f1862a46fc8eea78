// Login is the app of a Flask primer, on Gin: a login page, a page for whoever is logged in, a logout, and the end
// after three idle minutes. As in the primer any name will do.
package main

import (
	"cmp"
	"context"
	"log"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	ginsession "github.com/coatcheck/coatcheck/adapters/gin"
	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/examples/articles/pages"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

// InsecureHTTP is for trying things out on plain http. Leave it out where there is https.
var options = session.Options{InsecureHTTP: true, IdleTimeout: 3 * time.Minute}

func main() {
	sessions, err := session.New(memstore.New(), options)
	if err != nil {
		log.Fatal(err)
	}
	sessions.StartSweeper(context.Background())
	log.Fatal(site(sessions).Run("127.0.0.1:8080"))
}

func site(sessions *session.Manager) *gin.Engine {
	r := gin.Default()
	r.SetHTMLTemplate(pages.All)
	r.Use(ginsession.Middleware(sessions))
	home := func(c *gin.Context) { c.Redirect(http.StatusSeeOther, "/") }
	r.GET("/login", func(c *gin.Context) { c.HTML(http.StatusOK, "id.html", ginsession.From(c).Reason().Lapsed()) })
	r.POST("/login", func(c *gin.Context) { ginsession.From(c).Login(cmp.Or(c.PostForm("id"), "somebody")) }, home)
	r.POST("/logout", func(c *gin.Context) { ginsession.From(c).Destroy() }, home)
	r.Use(ginsession.Require(session.Guard{Login: "/login"})) // what follows is for whoever is logged in
	r.GET("/", func(c *gin.Context) { c.HTML(http.StatusOK, "member.html", ginsession.From(c).Subject()) })
	return r
}
