// Fiber waits on Fiber: its page gets server-sent events and has a WebSocket, and both end when the session does.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"time"

	"github.com/fasthttp/websocket"
	"github.com/gofiber/fiber/v2"

	fibersession "github.com/coatcheck/coatcheck/adapters/fiber"
	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/examples/waiting/page"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "address to listen on")
	flag.Parse()
	// InsecureHTTP is for trying things out on plain http. Leave it out where there is https.
	sessions, err := session.New(memstore.New(), session.Options{InsecureHTTP: true})
	if err != nil {
		log.Fatal(err)
	}
	sessions.StartSweeper(context.Background())
	log.Fatal(site(sessions).Listen(*addr))
}

func site(sessions *session.Manager) *fiber.App {
	app, member := fiber.New(), fibersession.Require(session.Guard{})
	app.Use(fibersession.Middleware(sessions))
	app.Get("/", home)
	app.Post("/login", login)
	app.Post("/logout", logout)
	app.Get("/events", member, events)
	app.Get("/socket", member, socket)
	return app
}

func home(c *fiber.Ctx) error {
	c.Type("html", "utf-8")
	return page.Write(c, fibersession.From(c).Subject())
}

func login(c *fiber.Ctx) error {
	fibersession.From(c).Login(c.FormValue("user")) // a real app checks a password here
	return c.Redirect("/", fiber.StatusSeeOther)
}

func logout(c *fiber.Ctx) error {
	fibersession.From(c).Destroy()
	return c.Redirect("/", fiber.StatusSeeOther)
}

// events tells the time until the session ends or the client goes. The stream is written after the handler has
// returned, so all that it needs of the request is taken before.
func events(c *fiber.Ctx) error {
	stream, cancel := context.WithCancel(context.Background())
	ctx := fibersession.From(c).Watch(stream)
	c.Set(fiber.HeaderContentType, "text/event-stream")
	c.Context().SetBodyStreamWriter(func(w *bufio.Writer) {
		defer cancel()
		for {
			fmt.Fprintf(w, "data: %s\n\n", time.Now().Format(time.TimeOnly))
			if w.Flush() != nil {
				return // the client has gone, which only a write finds out
			}
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
				if errors.Is(context.Cause(ctx), session.ErrEnded) {
					fmt.Fprint(w, "event: ended\ndata:\n\n")
				}
				return
			}
		}
	})
	return nil
}

// statusEnded tells the page that the session is over. Applications choose from 4000 to 4999.
const statusEnded = 4001

// upgrader refuses the pages of other origins, because it has no CheckOrigin that lets them in.
var upgrader = websocket.FastHTTPUpgrader{}

// socket echoes messages until the session ends or the client goes. That happens after the handler has returned.
func socket(c *fiber.Ctx) error {
	ctx, cancel := context.WithCancel(context.Background())
	watch := fibersession.From(c).Watch(ctx)
	err := upgrader.Upgrade(c.Context(), func(conn *websocket.Conn) {
		defer cancel()
		stop := context.AfterFunc(watch, func() { closeEnded(conn) })
		defer stop()
		for {
			kind, message, err := conn.ReadMessage()
			if err != nil || conn.WriteMessage(kind, message) != nil {
				return
			}
		}
	})
	if err != nil {
		cancel() // Upgrade has answered
	}
	return nil
}

// closeEnded says goodbye and gives the client a second to answer, which ends the reading.
func closeEnded(conn *websocket.Conn) {
	soon := time.Now().Add(time.Second)
	_ = conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(statusEnded, "the session has ended"), soon)
	_ = conn.SetReadDeadline(soon)
}
