package fromflask_test

import (
	"context"
	"log"
	"net/http"
	"os"
	"strings"
	"time"

	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
	fromflask "github.com/coatcheck/coatcheck/migrate/flask"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

const (
	cart     session.Key[[]string] = "cart"
	language session.Key[string]   = "language"
)

// Who has logged in with Flask goes on logged in, with cart and language.
func ExampleCookie() {
	old, err := fromflask.Cookie(fromflask.Config{
		Secrets:  []string{os.Getenv("SECRET_KEY")},
		Lifetime: 7 * 24 * time.Hour, // PERMANENT_SESSION_LIFETIME
	})
	if err != nil {
		log.Fatal(err)
	}
	old.Until = time.Date(2027, time.March, 1, 0, 0, 0, 0, time.UTC)
	old.Values = map[string]session.AnyKey{"cart": cart, "lang": language}
	old.Subject = func(_ context.Context, f session.Foreign) (string, error) {
		if f.Subject == "" {
			return "", nil // nobody, who may have a cart
		}
		return "user:" + f.Subject, nil
	}
	sessions, err := session.New(memstore.New(), session.Options{Import: []session.Importer{old}})
	if err != nil {
		log.Fatal(err)
	}
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, httpsession.From(r).Subject(), http.StatusOK)
	})
	log.Fatal(http.ListenAndServe(":8080", httpsession.Middleware(sessions)(page)))
}

// For as long as both run behind one host, who logs in on either is logged in on both.
func ExampleCookie_mirror() {
	old, err := fromflask.Cookie(fromflask.Config{
		Secrets: []string{os.Getenv("SECRET_KEY")},
		Mirror: &fromflask.Mirror{
			User: func(_ context.Context, subject string) (any, error) {
				return strings.TrimPrefix(subject, "user:"), nil
			},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	old.Cookie.Insecure = false // SESSION_COOKIE_SECURE is set
	_ = old                     // and on as in the other example
}
