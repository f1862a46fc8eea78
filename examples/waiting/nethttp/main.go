// Nethttp waits on net/http: its page gets server-sent events and has a WebSocket, and both end when the session does.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/coder/websocket"

	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
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
	log.Fatal(http.ListenAndServe(*addr, site(sessions)))
}

func site(sessions *session.Manager) http.Handler {
	mux, member := http.NewServeMux(), httpsession.Require(session.Guard{})
	mux.HandleFunc("GET /{$}", home)
	mux.HandleFunc("POST /login", login)
	mux.HandleFunc("POST /logout", logout)
	mux.Handle("GET /events", member(http.HandlerFunc(events)))
	mux.Handle("GET /socket", member(http.HandlerFunc(socket)))
	return httpsession.Middleware(sessions)(mux)
}

func home(w http.ResponseWriter, r *http.Request) {
	if err := page.Write(w, httpsession.From(r).Subject()); err != nil {
		log.Print(err)
	}
}

func login(w http.ResponseWriter, r *http.Request) {
	httpsession.From(r).Login(r.PostFormValue("user")) // a real app checks a password here
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func logout(w http.ResponseWriter, r *http.Request) {
	httpsession.From(r).Destroy()
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// events tells the time until the session ends or the client goes.
func events(w http.ResponseWriter, r *http.Request) {
	ctx := httpsession.From(r).Watch(r.Context())
	w.Header().Set("Content-Type", "text/event-stream")
	for out := http.NewResponseController(w); ; {
		fmt.Fprintf(w, "data: %s\n\n", time.Now().Format(time.TimeOnly))
		if out.Flush() != nil {
			return
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
}

// statusEnded tells the page that the session is over. Applications choose from 4000 to 4999.
const statusEnded websocket.StatusCode = 4001

// socket echoes messages until the session ends or the client goes. Accept refuses the pages of other origins.
func socket(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithCancel(r.Context()) // which ends when the handler returns
	defer cancel()
	watch := httpsession.From(r).Watch(ctx)
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // Accept has answered
	}
	defer func() { _ = conn.CloseNow() }()
	context.AfterFunc(watch, func() { _ = conn.Close(statusEnded, "the session has ended") })
	for {
		kind, message, err := conn.Read(ctx)
		if err != nil || conn.Write(ctx, kind, message) != nil {
			return
		}
	}
}
