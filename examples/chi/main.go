// Chi is the smallest honest app with sessions on chi: it counts visits, logs in and logs out.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"

	"github.com/go-chi/chi/v5"

	chisession "github.com/coatcheck/coatcheck/adapters/chi"
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
	r := chi.NewRouter()
	r.Use(chisession.Middleware(sessions))
	r.Get("/", func(w http.ResponseWriter, r *http.Request) {
		n := visits.Update(chisession.From(r), func(n int) int { return n + 1 })
		fmt.Fprintf(w, "visit %d\n", n)
	})
	r.Post("/login", func(w http.ResponseWriter, r *http.Request) {
		user := r.PostFormValue("user") // a real app checks a password here
		if user == "" {
			http.Error(w, "the form field user is missing", http.StatusBadRequest)
			return
		}
		chisession.From(r).Login(user)
		fmt.Fprintf(w, "hello %s\n", user)
	})
	r.Get("/me", func(w http.ResponseWriter, r *http.Request) {
		user := chisession.From(r).Subject()
		if user == "" {
			http.Error(w, "not logged in", http.StatusUnauthorized)
			return
		}
		fmt.Fprintf(w, "hello %s\n", user)
	})
	r.Post("/logout", func(w http.ResponseWriter, r *http.Request) {
		chisession.From(r).Destroy()
		fmt.Fprintln(w, "bye")
	})

	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on http://%s\n", listener.Addr())
	log.Fatal(http.Serve(listener, r))
}
