package proof_test

import (
	"encoding/gob" //nolint:depguard // gorilla's users register their types
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/boj/redistore"
	ginsessions "github.com/gin-contrib/sessions"
	gincookie "github.com/gin-contrib/sessions/cookie"
	ginredis "github.com/gin-contrib/sessions/redis"
	"github.com/gin-gonic/gin"
	"github.com/gorilla/sessions"
	echosessions "github.com/labstack/echo-contrib/session"
	"github.com/labstack/echo/v4"
	"github.com/redis/go-redis/v9"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/servers"
	fromgorilla "github.com/coatcheck/coatcheck/migrate/gorilla"
	"github.com/coatcheck/coatcheck/stores/redisstore"
)

// gorillaCart is what a program called Cart in its package main.
type gorillaCart struct{ Items []string }

var gorillaHash, gorillaBlock = []byte(strings.Repeat("k", 32)), []byte(strings.Repeat("b", 32))

func init() {
	gob.RegisterName("main.Cart", gorillaCart{})
	gin.SetMode(gin.ReleaseMode)
}

// gorillaSite is a program on one of the libraries: it keeps values in the session "shop" and saves it.
type gorillaSite struct {
	serve    func(t *testing.T, values map[string]any) http.Handler
	importer func(c fromgorilla.Config) (session.Importer, error)
	config   fromgorilla.Config
}

// onGorilla is a handler on gorilla/sessions, of any store.
func onGorilla(store func(t *testing.T) sessions.Store) func(*testing.T, map[string]any) http.Handler {
	return func(t *testing.T, values map[string]any) http.Handler {
		t.Helper()
		s := store(t)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			shop, err := s.Get(r, "shop")
			mustGorilla(t, err)
			for key, v := range values {
				shop.Values[key] = v
			}
			mustGorilla(t, shop.Save(r, w))
		})
	}
}

func onGin(store func(t *testing.T) ginsessions.Store) func(*testing.T, map[string]any) http.Handler {
	return func(t *testing.T, values map[string]any) http.Handler {
		t.Helper()
		engine := gin.New()
		engine.GET("/", ginsessions.Sessions("shop", store(t)), func(c *gin.Context) {
			shop := ginsessions.Default(c)
			for key, v := range values {
				shop.Set(key, v)
			}
			mustGorilla(t, shop.Save())
		})
		return engine
	}
}

func onEcho(t *testing.T, values map[string]any) http.Handler {
	t.Helper()
	e := echo.New()
	e.Use(echosessions.Middleware(sessions.NewCookieStore(gorillaHash)))
	e.GET("/", func(c echo.Context) error {
		shop, err := echosessions.Get("shop", c)
		mustGorilla(t, err)
		for key, v := range values {
			shop.Values[key] = v
		}
		return shop.Save(c.Request(), c.Response())
	})
	return e
}

func mustGorilla(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// visit returns the cookie that the site sets, as a browser sends it.
func (s gorillaSite) visit(t *testing.T, values map[string]any) string {
	t.Helper()
	w := httptest.NewRecorder()
	s.serve(t, values).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	for _, c := range w.Result().Cookies() {
		if c.Name == "shop" {
			return c.Value
		}
	}
	t.Fatal("no cookie")
	return ""
}

// gorillaServer is a Redis that both sides see.
type gorillaServer struct {
	addr   string
	client *redis.Client
}

func newGorillaServer(t *testing.T) gorillaServer {
	t.Helper()
	addr := servers.Redis(t).Addr
	client := redis.NewClient(&redis.Options{Addr: addr})
	t.Cleanup(func() { _ = client.Close() })
	return gorillaServer{addr, client}
}

func (s gorillaServer) redistore(change func(*redistore.RediStore)) func(t *testing.T) sessions.Store {
	return func(t *testing.T) sessions.Store {
		t.Helper()
		store, err := redistore.NewRediStore(1, "tcp", s.addr, "", "", gorillaHash)
		mustGorilla(t, err)
		t.Cleanup(func() { _ = store.Close() })
		if change != nil {
			change(store)
		}
		return store
	}
}

func (s gorillaServer) gin(t *testing.T) ginsessions.Store {
	t.Helper()
	store, err := ginredis.NewStore(1, "tcp", s.addr, "", "", gorillaHash)
	mustGorilla(t, err)
	return store
}

func gorillaSites(redis gorillaServer) map[string]gorillaSite {
	fromRedis := func(c fromgorilla.Config) (session.Importer, error) {
		return fromgorilla.Redis(redisstore.KeyValue(redis.client), c)
	}
	cookies := func(keys ...[]byte) func(*testing.T) sessions.Store {
		return func(*testing.T) sessions.Store { return sessions.NewCookieStore(keys...) }
	}
	ginCookies := func(*testing.T) ginsessions.Store { return gincookie.NewStore(gorillaHash, gorillaBlock) }
	signed := fromgorilla.Config{KeyPairs: [][]byte{gorillaHash}}
	sealed := fromgorilla.Config{KeyPairs: [][]byte{gorillaHash, gorillaBlock}}
	rotated := fromgorilla.Config{KeyPairs: [][]byte{[]byte(strings.Repeat("n", 32)), nil, gorillaHash, gorillaBlock}}
	asJSON := fromgorilla.Config{KeyPairs: signed.KeyPairs, JSON: true, KeyPrefix: "shop_"}
	prepareJSON := func(s *redistore.RediStore) {
		s.SetSerializer(redistore.JSONSerializer{})
		s.SetKeyPrefix("shop_")
	}
	return map[string]gorillaSite{
		"gorilla/sessions":           {onGorilla(cookies(gorillaHash)), fromgorilla.Cookie, signed},
		"gorilla/sessions, sealed":   {onGorilla(cookies(gorillaHash, gorillaBlock)), fromgorilla.Cookie, sealed},
		"gorilla/sessions, rotated":  {onGorilla(cookies(gorillaHash, gorillaBlock)), fromgorilla.Cookie, rotated},
		"gin-contrib/sessions":       {onGin(ginCookies), fromgorilla.Cookie, sealed},
		"echo-contrib/session":       {onEcho, fromgorilla.Cookie, signed},
		"boj/redistore":              {onGorilla(redis.redistore(nil)), fromRedis, signed},
		"boj/redistore, JSON":        {onGorilla(redis.redistore(prepareJSON)), fromRedis, asJSON},
		"gin-contrib/sessions/redis": {onGin(redis.gin), fromRedis, signed},
	}
}

var gorillaValues = map[string]any{"user": 42, "cart": gorillaCart{[]string{"pear", "plum"}}, "lang": "de"}

// wantGorilla says what gorillaValues are after the switch.
func wantGorilla(c fromgorilla.Config) map[string]any {
	if !c.JSON {
		return gorillaValues
	}
	return map[string]any{
		"user": json.RawMessage("42"), "cart": json.RawMessage(`{"Items":["pear","plum"]}`), "lang": json.RawMessage(`"de"`),
	}
}

// TestGorillaSessions: what gorilla/sessions and its relatives have written opens with everything in it, and neither a
// forged one nor an expired one does.
func TestGorillaSessions(t *testing.T) {
	redis := newGorillaServer(t)
	var vectors []gorillaVector
	for name, site := range gorillaSites(redis) {
		t.Run(name, func(t *testing.T) {
			site.config.Cookie, site.config.Types = "shop", []any{gorillaCart{}}
			cookie, before := site.visit(t, gorillaValues), time.Now().Add(-time.Minute)
			i, err := site.importer(site.config)
			mustGorilla(t, err)
			f, err := i.Open(t.Context(), cookie)
			if want := wantGorilla(site.config); err != nil || !reflect.DeepEqual(f.Values, want) || f.Written.Before(before) {
				t.Errorf("%v: %#v, written %v\nwant %#v", err, f.Values, f.Written, want)
			}
			site.refuses(t, i, cookie)
			vectors = append(vectors, site.vector(t, name, cookie, redis))
			mustGorilla(t, redis.client.FlushDB(t.Context()).Err())
			if _, err := i.Open(t.Context(), cookie); i.Name == "redistore" && !errors.Is(err, session.ErrNotFound) {
				t.Errorf("a row that has expired: %v", err)
			}
		})
	}
	keepGorillaVectors(t, vectors)
}

func (s gorillaSite) refuses(t *testing.T, i session.Importer, cookie string) {
	t.Helper()
	later, stranger, unnamed := s.config, s.config, s.config
	later.Now = func() time.Time { return time.Now().Add(31 * 24 * time.Hour) }
	stranger.KeyPairs = [][]byte{[]byte(strings.Repeat("x", 32))}
	unnamed.Types = nil
	wantGorillaRefusal(t, "forged", i, cookie[:20]+"AAAA"+cookie[24:], session.ReasonUnopenable)
	for reason, c := range map[session.Reason]fromgorilla.Config{
		session.ReasonExpiredIdle: later, session.ReasonUnopenable: stranger, session.ReasonCorrupt: unnamed,
	} {
		if reason == session.ReasonCorrupt && c.JSON {
			continue
		}
		other, err := s.importer(c)
		mustGorilla(t, err)
		wantGorillaRefusal(t, string(reason), other, cookie, reason)
	}
}

func wantGorillaRefusal(t *testing.T, what string, i session.Importer, cookie string, reason session.Reason) {
	t.Helper()
	_, err := i.Open(t.Context(), cookie)
	if refused := (*session.NotImportedError)(nil); !errors.As(err, &refused) || refused.Reason != reason {
		t.Errorf("%s: %v, want %s", what, err, reason)
	}
}
