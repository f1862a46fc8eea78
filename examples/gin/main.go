// Gin is the smallest honest app with sessions on Gin: it counts visits, logs in and logs out.
package main

import (
	"context"
	"flag"
	"log"
	"net/http"

	"github.com/gin-gonic/gin"

	ginsession "github.com/coatcheck/coatcheck/adapters/gin"
	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

const visits session.Key[int] = "visits"

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "address to listen on")
	flag.Parse()

	// InsecureHTTP is for trying things out on plain http. Leave it out where there is https.
	sessions, err := session.New(memstore.New(), session.Options{InsecureHTTP: true})
	if err != nil {
		log.Fatal(err)
	}
	sessions.StartSweeper(context.Background()) // gives the room of expired sessions back
	r := gin.Default()
	r.Use(ginsession.Middleware(sessions))
	r.GET("/", visit)
	r.POST("/login", login)
	r.GET("/me", me)
	r.POST("/logout", logout)
	log.Fatal(r.Run(*addr))
}

func visit(c *gin.Context) {
	n := visits.Update(ginsession.From(c), func(n int) int { return n + 1 })
	c.String(http.StatusOK, "visit %d\n", n)
}

func login(c *gin.Context) {
	user := c.PostForm("user") // a real app checks a password here
	if user == "" {
		c.String(http.StatusBadRequest, "the form field user is missing\n")
		return
	}
	ginsession.From(c).Login(user)
	c.String(http.StatusOK, "hello %s\n", user)
}

func me(c *gin.Context) {
	user := ginsession.From(c).Subject()
	if user == "" {
		c.String(http.StatusUnauthorized, "not logged in\n")
		return
	}
	c.String(http.StatusOK, "hello %s\n", user)
}

func logout(c *gin.Context) {
	ginsession.From(c).Destroy()
	c.String(http.StatusOK, "bye\n")
}
