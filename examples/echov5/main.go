// Echov5 is the smallest honest app with sessions on Echo v5: it counts visits, logs in and logs out.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net/http"

	"github.com/labstack/echo/v5"

	echosession "github.com/coatcheck/coatcheck/adapters/echov5"
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
	e := echo.New()
	e.Use(echosession.Middleware(sessions))
	e.GET("/", visit)
	e.POST("/login", login)
	e.GET("/me", me)
	e.POST("/logout", logout)
	log.Fatal(e.Start(*addr))
}

func visit(c *echo.Context) error {
	n := visits.Update(echosession.From(c), func(n int) int { return n + 1 })
	return c.String(http.StatusOK, fmt.Sprintf("visit %d\n", n))
}

func login(c *echo.Context) error {
	user := c.FormValue("user") // a real app checks a password here
	if user == "" {
		return c.String(http.StatusBadRequest, "the form field user is missing\n")
	}
	echosession.From(c).Login(user)
	return c.String(http.StatusOK, "hello "+user+"\n")
}

func me(c *echo.Context) error {
	user := echosession.From(c).Subject()
	if user == "" {
		return c.String(http.StatusUnauthorized, "not logged in\n")
	}
	return c.String(http.StatusOK, "hello "+user+"\n")
}

func logout(c *echo.Context) error {
	echosession.From(c).Destroy()
	return c.String(http.StatusOK, "bye\n")
}
