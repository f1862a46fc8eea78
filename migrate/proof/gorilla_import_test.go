package proof_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/sessions"

	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
	fromgorilla "github.com/coatcheck/coatcheck/migrate/gorilla"
	"github.com/coatcheck/coatcheck/migrate/gorillastore"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

const (
	gorillaCartKey session.Key[gorillaCart] = "cart"
	gorillaLang    session.Key[string]      = "language"
)

// switched is the same site after the switch.
func (s gorillaSite) switched(t *testing.T, config fromgorilla.Config) http.Handler {
	t.Helper()
	old, err := s.importer(config)
	mustGorilla(t, err)
	old.Until = time.Now().Add(90 * 24 * time.Hour)
	old.Subject = func(_ context.Context, f session.Foreign) (string, error) {
		switch user := f.Values["user"].(type) {
		case int:
			return fmt.Sprint("user:", user), nil
		case json.RawMessage:
			return "user:" + string(user), nil
		}
		return "", nil
	}
	old.Values = map[string]session.AnyKey{"cart": gorillaCartKey, "lang": gorillaLang}
	m, err := session.New(memstore.New(), session.Options{Import: []session.Importer{old}})
	mustGorilla(t, err)
	return httpsession.Middleware(m)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		here := httpsession.From(r)
		_, _ = fmt.Fprint(w, here.Subject(), " ", gorillaCartKey.Get(here).Items, " ", gorillaLang.Get(here))
		if r.URL.Path == "/logout" {
			here.Destroy()
		}
	}))
}

// ask sends a browser's cookies, and returns what is shown and the cookies that are set or, empty, deleted.
func ask(site http.Handler, path string, cookies map[string]string) (shown string, set map[string]string) {
	r, w := httptest.NewRequest(http.MethodGet, "https://shop.example"+path, nil), httptest.NewRecorder()
	for name, value := range cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	site.ServeHTTP(w, r)
	set = map[string]string{}
	for _, c := range w.Result().Cookies() {
		set[c.Name] = c.Value
	}
	return w.Body.String(), set
}

// TestGorillaVisitorsStayLoggedIn: who has logged in on one of the libraries goes on with cart and language after the
// switch, in a session that a replay of the old cookie does not open again. A forged or expired cookie logs nobody in.
func TestGorillaVisitorsStayLoggedIn(t *testing.T) {
	redis := newGorillaServer(t)
	for name, site := range gorillaSites(redis) {
		t.Run(name, func(t *testing.T) {
			site.config.Cookie, site.config.Types = "shop", []any{gorillaCart{}}
			old, after := site.visit(t, gorillaValues), site.switched(t, site.config)
			const loggedIn, nobody = "user:42 [pear plum] de", " [] "
			shown, set := ask(after, "/", map[string]string{"shop": old})
			if gone, ok := set["shop"]; shown != loggedIn || len(set) != 2 || !ok || gone != "" {
				t.Fatalf("after the switch: %q, cookies %v", shown, set)
			}
			delete(set, "shop")
			if shown, _ := ask(after, "/logout", set); shown != loggedIn {
				t.Errorf("the next request: %q", shown)
			}
			later := site.config
			later.Now = func() time.Time { return time.Now().Add(31 * 24 * time.Hour) }
			for what, c := range map[string]struct {
				site   http.Handler
				cookie string
			}{
				"after the logout": {after, old},
				"expired":          {site.switched(t, later), old},
				"forged":           {after, strings.Replace(old, old[20:24], "AAAA", 1)},
			} {
				if shown, _ := ask(c.site, "/", map[string]string{"shop": c.cookie}); shown != nobody {
					t.Errorf("%s: %q", what, shown)
				}
			}
		})
	}
}

// TestOldHandlersAfterTheSwitch: handlers that have not changed show a visitor from before the switch what they showed
// then.
func TestOldHandlersAfterTheSwitch(t *testing.T) {
	cookies := sessions.NewCookieStore(gorillaHash)
	before := oldHandler(t, cookies)
	_, set := ask(before, "/add/pear", nil)
	want, _ := ask(before, "/flashes", set)
	old, err := fromgorilla.Cookie(fromgorilla.Config{
		Cookie: "shop", KeyPairs: [][]byte{gorillaHash}, Types: []any{gorillaCart{}},
	})
	mustGorilla(t, err)
	old.Until, old.Fill = time.Now().Add(90*24*time.Hour), gorillastore.Fill("shop")
	m, err := session.New(memstore.New(), session.Options{Import: []session.Importer{old}})
	mustGorilla(t, err)
	after := httpsession.Middleware(m)(oldHandler(t, gorillastore.New()))
	shown, set := ask(after, "/flashes", set)
	if want = strings.Replace(want, " 1 ", " <nil> ", 1); shown != want { // the key 7 is no string
		t.Errorf("after the switch: %q, want %q", shown, want)
	}
	if shown, _ := ask(after, "/", set); shown != "false [pear] <nil> " {
		t.Errorf("the next request: %q", shown)
	}
}
