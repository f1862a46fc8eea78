package proof_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// buildShop builds the example shop. It also writes a file, so that "go test", which does not see what the compiler
// reads, never repeats an earlier result.
func buildShop(t *testing.T) string {
	t.Helper()
	_ = os.WriteFile("last-run.test", []byte(time.Now().String()), 0o600) // in a read-only folder it cannot be helped
	binary := filepath.Join(t.TempDir(), "shop.exe")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-ldflags=-s -w", "-o", binary, "./shop")
	cmd.Dir, cmd.Env = filepath.Join("..", "..", "examples"), append(os.Environ(), "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return binary
}

// runShop runs the shop until the test ends, and returns its URL.
func runShop(t *testing.T, binary, store string, env ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, "-addr", "127.0.0.1:0", "-store", store, "-beside-until",
		time.Now().Add(30*24*time.Hour).Format(time.DateOnly))
	cmd.Env = append(os.Environ(), env...)
	var log bytes.Buffer
	cmd.Stderr = &log
	stdout, err := cmd.StdoutPipe()
	noError(t, err)
	noError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Wait() // the context has ended it
		if strings.Contains(log.String(), "panic") {
			t.Error("the shop has panicked")
		}
		if t.Failed() {
			t.Logf("shop:\n%s", &log)
		}
	})
	line, _ := bufio.NewReader(stdout).ReadString('\n') // "" if it has ended
	at, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if !ok {
		t.Fatal("the shop does not serve")
	}
	return at
}

// startHost puts the shop, Flask below /flask and Django below /django behind one host.
func startHost(t *testing.T, shop, flask, django string) *url.URL {
	t.Helper()
	mux := http.NewServeMux()
	for path, target := range map[string]string{"": shop, "/flask": flask, "/django": django} {
		to, err := url.Parse(target)
		noError(t, err)
		proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.SetXForwarded()
			r.Out.Host = r.In.Host
		}}
		mux.Handle(path+"/", http.StripPrefix(path, proxy))
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	at, err := url.Parse(server.URL)
	noError(t, err)
	return at
}

// guest is a browser. Flask-Login tells browsers apart by their User-Agent, and Flask two logins of one second by
// nothing else.
type guest struct {
	t      *testing.T
	host   *url.URL
	client *http.Client
	agent  string
}

var guests atomic.Int64

// newGuest is a browser with some cookies.
func newGuest(t *testing.T, host *url.URL, cookies ...*http.Cookie) guest {
	t.Helper()
	jar, err := cookiejar.New(nil)
	noError(t, err)
	jar.SetCookies(host, cookies)
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return guest{t, host, &http.Client{Jar: jar, CheckRedirect: stay}, fmt.Sprint("guest ", guests.Add(1))}
}

// cookies are copies of all that the browser has.
func (g guest) cookies() []*http.Cookie { return g.client.Jar.Cookies(g.host) }

// try sends a request. A form makes it a POST.
func (g guest) try(path string, form url.Values, into any) (status int, err error) {
	method := http.MethodGet
	if form != nil {
		method = http.MethodPost
	}
	r, err := http.NewRequestWithContext(g.t.Context(), method, g.host.String()+path, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", g.agent)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := g.client.Do(r)
	if err != nil {
		return 0, err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err == nil && into != nil && res.StatusCode == http.StatusOK {
		err = json.Unmarshal(body, into)
	}
	return res.StatusCode, err
}

func (g guest) send(path string, form url.Values, into any) {
	g.t.Helper()
	if status, err := g.try(path, form, into); status != http.StatusOK || err != nil {
		g.t.Fatalf("%s: status %d, error %v", path, status, err)
	}
}

// wantStatus checks what a request without a good answer gets.
func (g guest) wantStatus(path string, form url.Values, want int) {
	g.t.Helper()
	if status, err := g.try(path, form, nil); status != want || err != nil {
		g.t.Errorf("%s: status %d, error %v, want %d", path, status, err, want)
	}
}

// shopPage is what the shop says of a visitor.
type shopPage struct {
	User, Language string
	Cart           []string
}

func (g guest) shop() (p shopPage) {
	g.t.Helper()
	g.send("/", nil, &p)
	return p
}

func (g guest) flask() (p flaskPage) {
	g.t.Helper()
	g.send("/flask/", nil, &p)
	return p
}

func (g guest) django() (p djangoSees) {
	g.t.Helper()
	g.send("/django/", nil, &p)
	return p
}

// users are whom all three know, in the order of Django's ids.
var users = []string{"user1", "user2", "admin"}

func djangoID(user string) string {
	for i, name := range users {
		if name == user {
			return string(rune('1' + i))
		}
	}
	return ""
}

// is checks whom the three see, the shop first.
func (g guest) is(what, user string) {
	g.t.Helper()
	if got := g.shop().User; got != user {
		g.t.Errorf("%s: the shop sees %q, want %q", what, got, user)
	}
	if got := g.flask().User; got != user {
		g.t.Errorf("%s: Flask sees %q, want %q", what, got, user)
	}
	if got, want := g.django().User, djangoID(user); got != want {
		g.t.Errorf("%s: Django sees %q, want %q", what, got, want)
	}
}

// logIn and logOut use the pages of one of the three: "shop", "flask" or "django".
func (g guest) logIn(at, user, more string) {
	g.t.Helper()
	switch at {
	case "shop":
		g.send("/login", shopPassword(user), nil)
	case "flask":
		g.send("/flask/login?user="+user+more, url.Values{}, nil)
	case "django":
		g.send("/django/login?user="+user+"&password=secret+of+"+user+more, nil, nil)
	}
}

func (g guest) logOut(at string) {
	g.t.Helper()
	switch at {
	case "shop":
		g.send("/logout", url.Values{}, nil)
	case "flask":
		g.send("/flask/logout", url.Values{}, nil)
	case "django":
		g.send("/django/logout", nil, nil)
	}
}

func shopPassword(user string) url.Values {
	return url.Values{"username": {user}, "password": {"password" + djangoID(user)}}
}

// add puts something into the shop's cart.
func (g guest) add(item string) error {
	status, err := g.try("/cart/add", url.Values{"item": {item}}, nil)
	if err == nil && status != http.StatusOK {
		err = errors.New(http.StatusText(status))
	}
	return err
}
