// Echo is the smallest honest app with sessions on Echo: it counts visits, logs in and logs out.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"

	"github.com/labstack/echo/v4"

	echosession "github.com/coatcheck/coatcheck/adapters/echo"
	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

const visits session.Key[int] = "visits"

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "address to listen on")
	flag.Parse()

	sessions, err := session.New(memstore.New(), session.Options{InsecureHTTP: true}) // plain http: loopback only
	if err != nil {
		log.Fatal(err)
	}
	sessions.StartSweeper(context.Background())
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.Use(echosession.Middleware(sessions))
	e.GET("/", func(c echo.Context) error {
		n := visits.Update(echosession.From(c), func(n int) int { return n + 1 })
		return c.String(http.StatusOK, fmt.Sprintf("visit %d\n", n))
	})
	e.POST("/login", func(c echo.Context) error {
		user := c.FormValue("user") // a real app checks a password here
		if user == "" {
			return c.String(http.StatusBadRequest, "the form field user is missing\n")
		}
		echosession.From(c).Login(user)
		return c.String(http.StatusOK, "hello "+user+"\n")
	})
	e.GET("/me", func(c echo.Context) error {
		user := echosession.From(c).Subject()
		if user == "" {
			return c.String(http.StatusUnauthorized, "not logged in\n")
		}
		return c.String(http.StatusOK, "hello "+user+"\n")
	})
	e.POST("/logout", func(c echo.Context) error {
		echosession.From(c).Destroy()
		return c.String(http.StatusOK, "bye\n")
	})

	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on http://%s\n", listener.Addr())
	e.Listener = listener
	log.Fatal(e.Start(""))
}
