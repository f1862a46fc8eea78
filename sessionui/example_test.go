package sessionui_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/sessionui"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

// The page has no guard of its own, and can log everybody out: it belongs behind one that only administrators pass.
func ExampleNew() {
	sessions, err := session.New(memstore.New(), session.Options{ClientHints: true})
	if err != nil {
		log.Fatal(err)
	}
	isAdmin := func(s *session.Session) bool { return s.Subject() == "user:admin" } // your own rule
	admin := httpsession.Require(session.Guard{Login: "/login", Allow: isAdmin, Within: 15 * time.Minute})

	mux := http.NewServeMux()
	mux.Handle("/admin/sessions", admin(sessionui.New(context.Background(), sessions, sessionui.Options{})))
	site := httpsession.Middleware(sessions)(mux)

	// Somebody who is not logged in sees nothing of it.
	w := httptest.NewRecorder()
	site.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/admin/sessions", nil))
	fmt.Println(w.Code)
	// Output: 401
}
