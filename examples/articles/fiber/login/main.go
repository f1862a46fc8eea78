// Login is the app of a Flask primer, on Fiber: a login page, a page for whoever is logged in, a logout, and the end
// after three idle minutes. As in the primer any name will do.
package main

import (
	"cmp"
	"context"
	"log"
	"time"

	"github.com/gofiber/fiber/v2"

	fibersession "github.com/coatcheck/coatcheck/adapters/fiber"
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
	log.Fatal(site(sessions).Listen("127.0.0.1:8080"))
}

func site(sessions *session.Manager) *fiber.App {
	app := fiber.New()
	app.Use(fibersession.Middleware(sessions))
	app.Get("/login", func(c *fiber.Ctx) error {
		return pages.All.ExecuteTemplate(c.Type("html", "utf-8"), "id.html", fibersession.From(c).Reason().Lapsed())
	})
	app.Post("/login", func(c *fiber.Ctx) error {
		fibersession.From(c).Login(cmp.Or(c.FormValue("id"), "somebody"))
		return c.Redirect("/", fiber.StatusSeeOther)
	})
	app.Post("/logout", func(c *fiber.Ctx) error {
		fibersession.From(c).Destroy()
		return c.Redirect("/", fiber.StatusSeeOther)
	})
	app.Use(fibersession.Require(session.Guard{Login: "/login"})) // what follows is for whoever is logged in
	app.Get("/", func(c *fiber.Ctx) error {
		return pages.All.ExecuteTemplate(c.Type("html", "utf-8"), "member.html", fibersession.From(c).Subject())
	})
	return app
}
