package proof_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/servers"
	fromexpress "github.com/coatcheck/coatcheck/migrate/express"
	"github.com/coatcheck/coatcheck/stores/redisstore"
)

// TestExpress has the server that testdata/express is, with the versions in its lock file.
func TestExpress(t *testing.T) {
	folder := nodeFolder(t, "express")
	rdb := goredis.NewClient(&goredis.Options{Addr: servers.Redis(t).Addr})
	t.Cleanup(func() { _ = rdb.Close() })
	for maxAge, lifetime := range map[string]time.Duration{"null": 0, "3600000": time.Hour} {
		e := expressApp{t, rdb, startNode(t, folder, "app.js", "REDIS=redis://"+rdb.Options().Addr,
			`SECRETS=["present","former"]`, "MAX_AGE="+maxAge)}
		e.goesOn(lifetime)
		e.ends()
		e.extends()
	}
}

// expressApp is an application that runs in Node.
type expressApp struct {
	t   *testing.T
	rdb *goredis.Client
	url string
}

// visit sends a request, and returns the answer and the cookie that the visitor has afterwards.
func (e expressApp) visit(path string, cookie *http.Cookie) (answer string, after *http.Cookie) {
	e.t.Helper()
	r, err := http.NewRequestWithContext(e.t.Context(), http.MethodGet, e.url+path, nil)
	if err != nil {
		e.t.Fatal(err)
	}
	if cookie != nil {
		r.AddCookie(cookie)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		e.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		e.t.Fatalf("%s: %s: %s, %v", path, response.Status, text, err)
	}
	for _, after := range response.Cookies() {
		return string(text), after
	}
	return string(text), cookie
}

// login logs a visitor in as the user whose id is a JSON value.
func (e expressApp) login(user string) *http.Cookie {
	e.t.Helper()
	answer, cookie := e.visit("/login?user="+url.QueryEscape(user), nil)
	if answer != user || cookie == nil {
		e.t.Fatalf("logged in as %s: %v", answer, cookie)
	}
	return cookie
}

func (e expressApp) importer(secrets ...string) session.Importer {
	e.t.Helper()
	i, err := fromexpress.ConnectRedis(fromexpress.Config{Secrets: secrets, Server: redisstore.KeyValue(e.rdb)})
	if err != nil {
		e.t.Fatal(err)
	}
	return i
}

func (e expressApp) goesOn(lifetime time.Duration) {
	e.t.Helper()
	i := e.importer("next", "present")
	openShop(e.t, i, func(f session.Foreign) any { return f.Subject }).takesOver(e.login(`42`))
	for user, subject := range map[string]string{`42`: "42", `"ann"`: "ann", `{"id":42}`: ""} {
		cookie := e.login(user)
		f, err := i.Open(e.t.Context(), cookie.Value)
		if err != nil {
			e.t.Fatal(err)
		}
		cart, _ := f.Values["cart"].(json.RawMessage)
		language, _ := f.Values["language"].(json.RawMessage)
		if f.Subject != subject || string(cart) != `[{"name":"tea","count":2}]` || string(language) != `"de"` {
			e.t.Errorf("%s: subject %q, %s, %s", user, f.Subject, cart, language)
		}
		if age := time.Since(f.Written); f.Written.IsZero() != (lifetime == 0) ||
			lifetime > 0 && (age < -time.Minute || age > time.Minute) {
			e.t.Errorf("written at %s", f.Written)
		}
		if c := i.Cookie; c.Name != cookie.Name || c.Insecure == cookie.Secure || c.Readable == cookie.HttpOnly ||
			c.SameSite != cookie.SameSite || c.Domain != cookie.Domain || cookie.Path != "/" {
			e.t.Errorf("express-session sets %q, the importer %+v", cookie, c)
		}
	}
}

func (e expressApp) ends() {
	e.t.Helper()
	i := e.importer("next", "present")
	loggedOut, expired, alive := e.login(`42`), e.login(`42`), e.login(`42`).Value
	e.visit("/logout", loggedOut)
	if n, err := e.rdb.ExpireAt(e.t.Context(), e.key(expired), time.Unix(1, 0)).Result(); err != nil || !n {
		e.t.Fatalf("%t, %v", n, err)
	}
	for why, test := range map[string]struct {
		value string
		i     session.Importer
		want  session.Reason
	}{
		"forged":            {alive[:len(alive)-1] + "!", i, session.ReasonUnopenable},
		"of another secret": {alive, e.importer("former"), session.ReasonUnopenable},
		"not signed":        {"s%3A" + strings.Repeat("x", 32), i, session.ReasonMalformed},
		"logged out":        {loggedOut.Value, i, session.ReasonUnknown},
		"expired":           {expired.Value, i, session.ReasonUnknown},
	} {
		_, err := test.i.Open(e.t.Context(), test.value)
		if got := refusedFor(e.t, err); got != test.want {
			e.t.Errorf("%s: %s, want %s", why, got, test.want)
		}
	}
}

// extends shows why a session's own time of expiry says nothing: a request extends the session and leaves it behind.
func (e expressApp) extends() {
	e.t.Helper()
	cookie := e.login(`42`)
	key, ctx := e.key(cookie), e.t.Context()
	before := e.rdb.Get(ctx, key).Val()
	if err := e.rdb.Expire(ctx, key, time.Minute).Err(); err != nil {
		e.t.Fatal(err)
	}
	if answer, _ := e.visit("/visit", cookie); answer != "42" {
		e.t.Fatalf("the visitor is %s", answer)
	}
	after, ttl := e.rdb.Get(ctx, key).Val(), e.rdb.TTL(ctx, key).Val()
	if before == "" || after != before || ttl <= time.Minute {
		e.t.Errorf("before %s\nafter  %s, for %s", before, after, ttl)
	}
}

// key is where connect-redis keeps a session.
func (e expressApp) key(cookie *http.Cookie) string {
	e.t.Helper()
	value, err := url.PathUnescape(cookie.Value)
	if err != nil {
		e.t.Fatal(err)
	}
	id, _, _ := strings.Cut(strings.TrimPrefix(value, "s:"), ".")
	return "sess:" + id
}
