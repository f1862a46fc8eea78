package gorillastore_test

import (
	"context"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/gorilla/sessions"

	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
	"github.com/coatcheck/coatcheck/migrate/gorillastore"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

// site is a manager and a browser. Its handlers know gorilla alone.
type site struct {
	t       *testing.T
	store   *probe.Store
	manager *session.Manager
	jar     *cookiejar.Jar
}

var address = &url.URL{Scheme: "https", Host: "shop.example"}

func newSite(t *testing.T) *site {
	t.Helper()
	store := probe.New(memstore.New())
	m, err := session.New(store, session.Options{OnEvent: func(context.Context, session.Event) {}})
	if err != nil {
		t.Fatal(err)
	}
	return siteOn(t, m, store)
}

func siteOn(t *testing.T, m *session.Manager, store *probe.Store) *site {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &site{t, store, m, jar}
}

// visit serves one request of the browser and returns the status.
func (s *site) visit(handler http.HandlerFunc) int {
	s.t.Helper()
	r, w := httptest.NewRequest(http.MethodGet, address.String(), nil), httptest.NewRecorder()
	for _, c := range s.jar.Cookies(address) {
		r.AddCookie(c)
	}
	httpsession.Middleware(s.manager)(handler).ServeHTTP(w, r)
	s.jar.SetCookies(address, w.Result().Cookies())
	return w.Code
}

var store = gorillastore.New()

// change lets f change the gorilla session "shop" and saves it.
func (s *site) change(f func(values map[any]any)) {
	s.t.Helper()
	s.visit(func(w http.ResponseWriter, r *http.Request) {
		shop, err := store.Get(r, "shop")
		if err != nil {
			s.t.Error(err)
		}
		f(shop.Values)
		if err := shop.Save(r, w); err != nil {
			s.t.Error(err)
		}
	})
}

// look shows the gorilla session of that name to f.
func (s *site) look(name string, f func(found *sessions.Session)) {
	s.t.Helper()
	s.visit(func(_ http.ResponseWriter, r *http.Request) {
		found, err := store.Get(r, name)
		if err != nil {
			s.t.Error(err)
		}
		f(found)
	})
}
