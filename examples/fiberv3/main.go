// Fiberv3 is the smallest honest app with sessions on Fiber v3: it counts visits, logs in and logs out.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"

	"github.com/gofiber/fiber/v3"

	fibersession "github.com/coatcheck/coatcheck/adapters/fiberv3"
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
	app := fiber.New()
	app.Use(fibersession.Middleware(sessions))
	app.Get("/", visit)
	app.Post("/login", login)
	app.Get("/me", me)
	app.Post("/logout", logout)
	log.Fatal(app.Listen(*addr))
}

func visit(c fiber.Ctx) error {
	n := visits.Update(fibersession.From(c), func(n int) int { return n + 1 })
	return c.SendString(fmt.Sprintf("visit %d\n", n))
}

func login(c fiber.Ctx) error {
	user := c.FormValue("user") // a real app checks a password here
	if user == "" {
		return c.Status(fiber.StatusBadRequest).SendString("the form field user is missing\n")
	}
	fibersession.From(c).Login(user)
	return c.SendString("hello " + user + "\n")
}

func me(c fiber.Ctx) error {
	user := fibersession.From(c).Subject()
	if user == "" {
		return c.Status(fiber.StatusUnauthorized).SendString("not logged in\n")
	}
	return c.SendString("hello " + user + "\n")
}

func logout(c fiber.Ctx) error {
	fibersession.From(c).Destroy()
	return c.SendString("bye\n")
}
