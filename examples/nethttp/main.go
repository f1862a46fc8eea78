// Nethttp is the smallest honest app with sessions on net/http: it counts visits, logs in and logs out.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net/http"

	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
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
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", visit)
	mux.HandleFunc("POST /login", login)
	mux.HandleFunc("GET /me", me)
	mux.HandleFunc("POST /logout", logout)
	log.Fatal(http.ListenAndServe(*addr, httpsession.Middleware(sessions)(mux)))
}

func visit(w http.ResponseWriter, r *http.Request) {
	n := visits.Update(httpsession.From(r), func(n int) int { return n + 1 })
	fmt.Fprintf(w, "visit %d\n", n)
}

func login(w http.ResponseWriter, r *http.Request) {
	user := r.PostFormValue("user") // a real app checks a password here
	if user == "" {
		http.Error(w, "the form field user is missing", http.StatusBadRequest)
		return
	}
	httpsession.From(r).Login(user)
	fmt.Fprintf(w, "hello %s\n", user)
}

func me(w http.ResponseWriter, r *http.Request) {
	user := httpsession.From(r).Subject()
	if user == "" {
		http.Error(w, "not logged in", http.StatusUnauthorized)
		return
	}
	fmt.Fprintf(w, "hello %s\n", user)
}

func logout(w http.ResponseWriter, r *http.Request) {
	httpsession.From(r).Destroy()
	fmt.Fprintln(w, "bye")
}
