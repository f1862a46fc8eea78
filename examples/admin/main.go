// Admin is a site whose administrators see who is logged in, and can log anybody out: package sessionui behind a guard.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net/http"
	"time"

	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/sessionui"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "address to listen on")
	flag.Parse()

	// InsecureHTTP is for trying things out on plain http. Leave it out where there is https.
	sessions, err := session.New(memstore.New(), session.Options{InsecureHTTP: true, ClientHints: true})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	sessions.StartSweeper(ctx) // gives the room of expired sessions back
	log.Fatal(http.ListenAndServe(*addr, site(ctx, sessions)))
}

func site(ctx context.Context, sessions *session.Manager) http.Handler {
	// The page of sessions has no guard of its own. Whoever passes this one has logged in as an administrator, and lately.
	admins := httpsession.Require(session.Guard{Login: "/login", Allow: isAdmin, Within: 15 * time.Minute})

	mux := http.NewServeMux()
	mux.HandleFunc("GET /login", loginPage)
	mux.HandleFunc("POST /login", login)
	mux.Handle("/admin/sessions", admins(sessionui.New(ctx, sessions, sessionui.Options{Title: "Sessions of the site"})))
	return httpsession.Middleware(sessions)(mux)
}

// isAdmin is what a real app asks its database, or a value of the session that it set at the login.
func isAdmin(s *session.Session) bool { return s.Subject() == "admin" }

func loginPage(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprint(w, `<form method="post"><input name="user" aria-label="name"><button>Log in</button></form>`)
}

func login(w http.ResponseWriter, r *http.Request) {
	user := r.PostFormValue("user") // a real app checks a password here
	if user == "" {
		http.Error(w, "the form field user is missing", http.StatusBadRequest)
		return
	}
	httpsession.From(r).Login(user)
	next := session.Next(r.URL.Query().Get("next"), "/admin/sessions")
	http.Redirect(w, r, next, http.StatusSeeOther) //nolint:gosec // Next lets nothing pass but pages of this site
}
