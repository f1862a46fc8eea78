package shop

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// command is the shop's own, with each framework that fits into one build.
const command = "github.com/coatcheck/coatcheck/examples/shop"

const patience = 30 * time.Second

// newShop is the app with passwords that are quick to check.
func newShop(t *testing.T, log io.Writer) *App {
	t.Helper()
	return newShopAt(t, log, time.Now)
}

// newShopAt is one by a clock of the test's.
func newShopAt(t *testing.T, log io.Writer, now func() time.Time) *App {
	t.Helper()
	a, err := newApp(slog.New(slog.NewTextHandler(log, nil)), now)
	if err != nil {
		t.Fatal(err)
	}
	quick := quickAccounts()
	a.accounts = &accounts{byName: quick.all(), nobody: quick.nobody}
	return a
}

var quickAccounts = sync.OnceValue(func() *accounts {
	quick := demoAccounts()
	for name, password := range map[string]string{"user1": "password1", "user2": "password2", "admin": "password3"} {
		hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
		if err != nil {
			panic(err)
		}
		quick.byName[name] = account{quick.role(name), string(hash)}
		quick.nobody.hash = string(hash)
	}
	return quick
})

// open serves a shop on a framework until the test ends and returns its URL.
func open(t *testing.T, o options) string {
	t.Helper()
	return serve(t, newShop(t, t.Output()), o)
}

func serve(t *testing.T, a *App, o options) string {
	t.Helper()
	store, closeStore, err := openStore(t.Context(), o.store)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := closeStore(); err != nil {
			t.Errorf("close the store: %v", err)
		}
	})
	sessions, err := newSessions(o, a, store, func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	a.use(t.Context(), sessions, o.allowDelay)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := mounts[o.framework](a, sessions)
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = s.Serve(listener)
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-served
	})
	return "http://" + listener.Addr().String()
}

// clocked runs a test on every framework and store, with a clock that it moves.
func clocked(t *testing.T, o options, test func(t *testing.T, url string, c *clock)) {
	for _, store := range stores {
		for _, framework := range frameworks {
			t.Run(framework+"/"+store, func(t *testing.T) {
				t.Parallel()
				o, c := o, &clock{}
				o.framework, o.store, o.sealer = framework, store, "aead"
				test(t, serve(t, newShopAt(t, t.Output(), c.now), o), c)
			})
		}
	}
}

// everywhere runs a test on every framework and store.
func everywhere(t *testing.T, test func(t *testing.T, url string)) {
	for _, store := range stores {
		on(t, options{store: store, sealer: "aead", allowDelay: true}, test)
	}
}

// on runs a test on every framework.
func on(t *testing.T, o options, test func(t *testing.T, url string)) {
	for _, framework := range frameworks {
		t.Run(framework+"/"+o.store, func(t *testing.T) {
			t.Parallel()
			o := o
			o.framework = framework
			test(t, open(t, o))
		})
	}
}

// visitor is a browser, or with asJSON a program. It follows no redirect and keeps the session cookie.
type visitor struct {
	t      *testing.T
	url    string
	cookie string
	header map[string]string // of every request
	client *http.Client
	name   string // of the session cookie
}

func browser(t *testing.T, url string) *visitor {
	return newVisitor(t, url, "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
}

func program(t *testing.T, url string) *visitor {
	return newVisitor(t, url, "application/json")
}

func newVisitor(t *testing.T, url, accept string) *visitor {
	return &visitor{t: t, url: url, header: map[string]string{"Accept": accept}, client: client}
}

// copied is somebody else with the same cookie.
func (v *visitor) copied() *visitor {
	other := *v
	return &other
}

type answer struct {
	status int
	header http.Header
	body   string
}

func (v *visitor) get(path string, header ...string) answer {
	v.t.Helper()
	return v.ask(http.MethodGet, path, "", header...)
}

// post sends a form, or with another Content-Type whatever body is.
func (v *visitor) post(path, body string, header ...string) answer {
	v.t.Helper()
	return v.ask(http.MethodPost, path, body, append([]string{"Content-Type", "application/x-www-form-urlencoded"},
		header...)...)
}

func (v *visitor) ask(method, path, body string, header ...string) answer {
	v.t.Helper()
	a, err := v.try(method, path, body, header...)
	if err != nil {
		v.t.Fatal(err)
	}
	return a
}

var client = &http.Client{
	Timeout:       patience,
	Transport:     &http.Transport{MaxIdleConnsPerHost: 50},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func (v *visitor) try(method, path, body string, header ...string) (answer, error) {
	r := httptest.NewRequest(method, v.url+path, strings.NewReader(body))
	r.RequestURI = ""
	for name, value := range v.header {
		r.Header.Set(name, value)
	}
	for pair := range slices.Chunk(header, 2) {
		r.Header.Set(pair[0], pair[1])
	}
	if v.cookie != "" {
		r.Header.Set("Cookie", v.name+"="+v.cookie)
	}
	response, err := v.client.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	for _, c := range response.Cookies() {
		v.name, v.cookie = c.Name, c.Value
	}
	return answer{response.StatusCode, response.Header, string(content)}, err
}

// state decodes a program's answer.
func (a answer) state(t *testing.T) (st state) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader([]byte(a.body)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&st); err != nil || a.status != http.StatusOK {
		t.Fatalf("answer %d %q: %v", a.status, a.body, err)
	}
	return st
}

func (a answer) has(t *testing.T, status int, parts ...string) answer {
	t.Helper()
	if a.status != status {
		t.Errorf("status %d, want %d: %s", a.status, status, a.body)
	}
	for _, part := range parts {
		if !strings.Contains(a.body, part) {
			t.Errorf("the answer does not contain %q: %s", part, a.body)
		}
	}
	return a
}

func (a answer) leadsTo(t *testing.T, location string) answer {
	t.Helper()
	if got := a.header.Get("Location"); a.status != http.StatusSeeOther || got != location {
		t.Errorf("status %d, Location %q, want 303 to %q: %s", a.status, got, location, a.body)
	}
	return a
}
