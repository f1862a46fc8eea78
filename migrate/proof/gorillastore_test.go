package proof_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	ginsessions "github.com/gin-contrib/sessions"
	gincookie "github.com/gin-contrib/sessions/cookie"
	"github.com/gin-gonic/gin"
	"github.com/gorilla/sessions"
	echosessions "github.com/labstack/echo-contrib/session"
	"github.com/labstack/echo/v4"
	"github.com/markbates/goth"
	"github.com/markbates/goth/gothic"
	"github.com/markbates/goth/providers/faux"

	echosession "github.com/coatcheck/coatcheck/adapters/echo"
	ginsession "github.com/coatcheck/coatcheck/adapters/gin"
	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/migrate/gorillastore"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

// visitor is a browser that follows no redirects.
type visitor struct {
	t      *testing.T
	client *http.Client
	site   string
}

func visitorOf(t *testing.T, site http.Handler) visitor {
	t.Helper()
	server := httptest.NewTLSServer(site)
	t.Cleanup(server.Close)
	jar, err := cookiejar.New(nil)
	mustGorilla(t, err)
	client := server.Client()
	client.Jar = jar
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return visitor{t, client, server.URL}
}

// get returns what a browser shows: the status, and the body or where it is sent to.
func (v visitor) get(path string) string {
	v.t.Helper()
	res, err := v.client.Get(v.site + path)
	mustGorilla(v.t, err)
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	mustGorilla(v.t, err)
	if to := res.Header.Get("Location"); to != "" {
		return to
	}
	return fmt.Sprint(res.StatusCode, " ", strings.TrimSpace(string(body)))
}

func newCoatcheck(t *testing.T) *session.Manager {
	t.Helper()
	m, err := session.New(memstore.New(), session.Options{})
	mustGorilla(t, err)
	return m
}

// oldHandler is what somebody wrote for gorilla/sessions, without a thought of Coatcheck.
func oldHandler(t *testing.T, store sessions.Store) http.Handler {
	t.Helper()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		shop, err := store.Get(r, "shop")
		mustGorilla(t, err)
		_, _ = fmt.Fprint(w, act(t, r.URL.Path, shop, func() error { return shop.Save(r, w) }))
	})
}

// act does what the page at a path does to a session, and returns what it shows.
func act(t *testing.T, path string, shop *sessions.Session, save func() error) string {
	t.Helper()
	cart, _ := shop.Values["cart"].(gorillaCart)
	shown := fmt.Sprint(shop.IsNew, cart.Items, shop.Values[7], " ")
	switch item, adds := strings.CutPrefix(path, "/add/"); {
	case adds:
		cart.Items = append(cart.Items, item)
		shop.Values["cart"], shop.Values[7] = cart, len(cart.Items)
		shop.AddFlash(item + " added")
	case path == "/flashes":
		shown += fmt.Sprint(shop.Flashes())
	case path == "/forget":
		shop.Options.MaxAge = -1
	default:
		return shown
	}
	mustGorilla(t, save())
	return shown
}

func oldGin(t *testing.T, store ginsessions.Store, before ...gin.HandlerFunc) http.Handler {
	t.Helper()
	engine := gin.New()
	engine.Use(append(before, ginsessions.Sessions("shop", store))...)
	engine.NoRoute(func(c *gin.Context) {
		shop := ginsessions.Default(c)
		shop.AddFlash("seen")
		n, _ := shop.Get("n").(int)
		shop.Set("n", n+1)
		shown := fmt.Sprint(n, shop.Flashes("others"))
		if c.Request.URL.Path == "/flashes" {
			shown = fmt.Sprint(n, shop.Flashes())
		}
		mustGorilla(t, shop.Save())
		c.String(http.StatusOK, shown)
	})
	return engine
}

// ginStore is what gin-contrib/sessions wants besides.
type ginStore struct{ *gorillastore.Store }

func (ginStore) Options(ginsessions.Options) {}

func oldEcho(t *testing.T, store sessions.Store, before ...echo.MiddlewareFunc) http.Handler {
	t.Helper()
	e := echo.New()
	e.Use(append(before, echosessions.Middleware(store))...)
	e.GET("/*", func(c echo.Context) error {
		shop, err := echosessions.Get("shop", c)
		if err != nil {
			return err
		}
		save := func() error { return shop.Save(c.Request(), c.Response()) }
		return c.String(http.StatusOK, act(t, c.Request().URL.Path, shop, save))
	})
	return e
}

// TestOldHandlers: handlers for gorilla/sessions, gin-contrib and echo-contrib show the same, page for page, on
// Coatcheck as on a CookieStore.
func TestOldHandlers(t *testing.T) {
	cookies, m := sessions.NewCookieStore(gorillaHash), newCoatcheck(t)
	for name, site := range map[string]struct{ before, after http.Handler }{
		"gorilla/sessions": {
			oldHandler(t, cookies), httpsession.Middleware(m)(oldHandler(t, gorillastore.New())),
		},
		"gin-contrib/sessions": {
			oldGin(t, gincookie.NewStore(gorillaHash)), oldGin(t, ginStore{gorillastore.New()}, ginsession.Middleware(m)),
		},
		"echo-contrib/session": {
			oldEcho(t, cookies), oldEcho(t, gorillastore.New(), echosession.Middleware(m)),
		},
	} {
		before, after := visitorOf(t, site.before), visitorOf(t, site.after)
		pages := []string{"/", "/add/pear", "/", "/add/plum", "/flashes", "/flashes", "/forget", "/", "/add/apple", "/"}
		var shown []string
		for _, page := range pages {
			want, got := before.get(page), after.get(page)
			if got != want {
				t.Errorf("%s: %s shows %q, and with gorilla's own store %q", name, page, got, want)
			}
			shown = append(shown, want)
		}
		if slices.Sort(shown); len(slices.Compact(shown)) < 5 {
			t.Errorf("%s: the pages hardly differ: %q", name, shown)
		}
	}
}

// gothSite logs visitors in through goth, whose state between the two requests is in the Coatcheck session.
func gothSite(m *session.Manager) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/auth/{provider}", gothic.BeginAuthHandler)
	mux.HandleFunc("/auth/{provider}/callback", func(w http.ResponseWriter, r *http.Request) {
		user, err := gothic.CompleteUserAuth(w, r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		session.From(r.Context()).Login("user:" + user.UserID)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s := session.From(r.Context())
		_, _ = fmt.Fprint(w, s.Subject(), s.Keys())
	})
	return httpsession.Middleware(m)(mux)
}

// TestGothFlow: who comes back from the provider with the state that the site gave is logged in, once, and nobody else.
func TestGothFlow(t *testing.T) {
	goth.UseProviders(&faux.Provider{})
	gothic.Store = gorillastore.New()
	site := gothSite(newCoatcheck(t))
	v, stranger := visitorOf(t, site), visitorOf(t, site)
	provider, err := url.Parse(v.get("/auth/faux"))
	mustGorilla(t, err)
	callback := "/auth/faux/callback?state=" + url.QueryEscape(provider.Query().Get("state"))
	if shown := stranger.get(callback); !strings.HasPrefix(shown, "403") {
		t.Errorf("another visitor's callback: %s", shown)
	}
	if shown := v.get(callback); shown != "200" && shown != "200 " {
		t.Errorf("the callback: %s", shown)
	}
	if shown := v.get("/"); shown != "200 user:id[]" {
		t.Errorf("after the login: %s", shown)
	}
	if shown := v.get(callback); !strings.HasPrefix(shown, "403") {
		t.Errorf("the callback a second time: %s", shown)
	}
	_ = v.get("/auth/faux")
	if shown := v.get("/auth/faux/callback?state=forged"); !strings.HasPrefix(shown, "403") {
		t.Errorf("a forged state: %s", shown)
	}
}
