package adapters_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/gofiber/fiber/v2"
	"github.com/labstack/echo/v4"

	chisession "github.com/coatcheck/coatcheck/adapters/chi"
	echosession "github.com/coatcheck/coatcheck/adapters/echo"
	fibersession "github.com/coatcheck/coatcheck/adapters/fiber"
	ginsession "github.com/coatcheck/coatcheck/adapters/gin"
	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

// send sends a request to a site.
type send func(*http.Request) (status int, header http.Header)

// mounted builds, for each framework, a site whose part below /shop/account is guarded, and whose /next redirects to
// what Next makes of the query's next.
func mounted(t *testing.T) map[string]send {
	m, err := session.New(memstore.New(), session.Options{})
	if err != nil {
		t.Fatal(err)
	}
	guard := session.Guard{Login: "/login"}
	reached := func(w http.ResponseWriter, _ *http.Request) { t.Error("the handler behind the guard has run") }
	next := func(r *http.Request) string { return session.Next(r.URL.Query().Get("next"), "/fallback") }
	redirect := func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, next(r), http.StatusSeeOther) }

	inner, mux := http.NewServeMux(), http.NewServeMux()
	inner.Handle("/account/", http.StripPrefix("/account", httpsession.Require(guard)(http.HandlerFunc(reached))))
	mux.Handle("/shop/", http.StripPrefix("/shop", inner))
	mux.HandleFunc("/next", redirect)

	account, router := chi.NewRouter(), chi.NewRouter()
	account.Use(chisession.Require(guard))
	account.HandleFunc("/{page}", reached)
	router.Use(chisession.Middleware(m))
	router.Route("/shop", func(r chi.Router) { r.Mount("/account", account) })
	router.HandleFunc("/next", redirect)

	engine := gin.New()
	engine.Use(ginsession.Middleware(m))
	engine.Group("/shop").Group("/account", ginsession.Require(guard)).GET("/:page", func(c *gin.Context) {
		reached(nil,
			nil)
	})
	engine.GET("/next", func(c *gin.Context) { c.Redirect(http.StatusSeeOther, next(c.Request)) })

	e := echo.New()
	e.Use(echosession.Middleware(m))
	e.Group("/shop").Group("/account", echosession.Require(guard)).GET("/:page", func(echo.Context) error {
		reached(nil, nil)
		return nil
	})
	e.GET("/next", func(c echo.Context) error { return c.Redirect(http.StatusSeeOther, next(c.Request())) })

	app, sub := fiber.New(), fiber.New()
	sub.Use(fibersession.Require(guard))
	sub.Get("/:page", func(*fiber.Ctx) error { reached(nil, nil); return nil })
	app.Use(fibersession.Middleware(m))
	app.Group("/shop").Mount("/account", sub)
	app.Get("/next", func(c *fiber.Ctx) error {
		return c.Redirect(session.Next(c.Query("next"), "/fallback"), http.StatusSeeOther)
	})

	recorded := func(h http.Handler) send {
		return func(r *http.Request) (int, http.Header) {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			return w.Code, w.Header()
		}
	}
	return map[string]send{
		"nethttp": recorded(httpsession.Middleware(m)(mux)), "chi": recorded(router), "gin": recorded(engine),
		"echo": recorded(e), "fiber": func(r *http.Request) (int, http.Header) {
			response, err := app.Test(r)
			if err != nil {
				t.Fatal(err)
			}
			_ = response.Body.Close()
			return response.StatusCode, response.Header
		},
	}
}

// A router that takes a prefix off must not send the visitor back to a page that does not exist.
func TestAGuardInAMountedRouterRemembersTheWholePath(t *testing.T) {
	for name, do := range mounted(t) {
		r := httptest.NewRequest(http.MethodGet, "/shop/account/orders?page=2", nil)
		r.Header.Set("Accept", "text/html")
		status, header := do(r)
		if to := header.Get("Location"); status != 303 || to != "/login?next=/shop/account/orders%3Fpage%3D2" {
			t.Errorf("%s: answer %d to %q", name, status, to)
		}
	}
}

// What Next lets pass leads to the same page of this site, whichever function redirects to it.
func TestFrameworksRedirectToWhatNextReturns(t *testing.T) {
	base, _ := url.Parse("https://shop.example/login")
	for name, do := range mounted(t) {
		for _, target := range []string{
			"/", "/orders/42/?page=2", "/view?u=https://evil.example//x", `/search?q=\\evil`, "/k%C3%A4se/%F0%9F%A7%80",
			"/sale/100%25",
			"/user:42;v=1/@me", "/a|b/[1]", "/what%3F/no%23", "/app#/inbox", "/search?q=a%0D%0AX:%20y", "/~a/...//b",
			"//evil.example",
			`/\evil.example`, "/%2f/evil.example", "/a/../..//evil.example", "/\t/evil.example",
		} {
			_, header := do(httptest.NewRequest(http.MethodGet, "/next?next="+url.QueryEscape(target), nil))
			want, _ := base.Parse(session.Next(target, "/fallback"))
			to, err := base.Parse(header.Get("Location"))
			if err != nil || to.String() != want.String() || to.Host != "shop.example" || header.Get("X") != "" {
				t.Errorf("%s: %q leads to %v (%v), want %v", name, target, to, err, want)
			}
		}
	}
}
