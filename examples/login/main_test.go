package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/core/sessiontest"
	"github.com/coatcheck/coatcheck/examples/internal/exampletest"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

// website is the program behind a clock that a test moves.
type website struct {
	*testing.T
	url   string
	clock *sessiontest.Clock
	app   *app
}

func serve(t *testing.T) *website {
	gin.SetMode(gin.TestMode)
	gin.DefaultWriter = io.Discard
	clock := sessiontest.NewClock()
	sessions, err := session.New(memstore.New(), options(session.Options{InsecureHTTP: true, Now: clock.Now}))
	if err != nil {
		t.Fatal(err)
	}
	a := newApp(sessions)
	server := httptest.NewServer(a.routes())
	t.Cleanup(server.Close)
	return &website{t, server.URL, clock, a}
}

// browser follows redirects and keeps cookies.
type browser struct {
	site   *website
	client *http.Client
	at     string // path and query of the page that it shows
	page   string
	status int
}

func (w *website) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.Fatal(err)
	}
	return &browser{site: w, client: &http.Client{Jar: jar, Timeout: 10 * time.Second}}
}

func (b *browser) do(method, path string, form url.Values) *browser {
	b.site.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, b.site.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.site.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Referer", b.site.url+b.at)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	response, err := b.client.Do(r)
	if err != nil {
		b.site.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		b.site.Fatal(err)
	}
	b.at, b.page, b.status = response.Request.URL.RequestURI(), string(body), response.StatusCode
	return b
}

func (b *browser) get(path string) *browser { b.site.Helper(); return b.do(http.MethodGet, path, nil) }

func (b *browser) post(path string, fields ...string) *browser {
	b.site.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return b.do(http.MethodPost, path, form)
}

func (b *browser) login(user, password string, more ...string) *browser {
	b.site.Helper()
	_, next, _ := strings.Cut(b.at, "next=")
	next, _ = url.QueryUnescape(next)
	return b.post("/login", append([]string{"user", user, "password", password, "next", next}, more...)...)
}

// shows fails the test unless the browser is at a page that has these texts.
func (b *browser) shows(at string, texts ...string) *browser {
	b.site.Helper()
	if b.at != at {
		b.site.Errorf("the browser is at %s (%d), want %s\n%s", b.at, b.status, at, b.page)
	}
	for _, text := range texts {
		if !strings.Contains(b.page, text) {
			b.site.Errorf("%s does not show %q:\n%s", b.at, text, b.page)
		}
	}
	return b
}

func TestTheLoginLeadsBackToThePageThatWasWanted(t *testing.T) {
	b := serve(t).browser()
	b.get("/password?from=mail").shows("/login?next=/password%3Ffrom%3Dmail", "Log in")
	b.login("alice", "wrong").shows("/login", "Wrong name or password.", `value="/password?from=mail"`)
	b.at = "/login?next=/password%3Ffrom%3Dmail"
	b.login("alice", "correct horse").shows("/password?from=mail", "New password")
	b.get("/login?next=https://evil.example").login("alice", "correct horse").shows("/", "Hello alice")
	b.get("/admin")
	if b.status != http.StatusForbidden {
		t.Errorf("alice gets %d from /admin, want 403", b.status)
	}
}

func TestAnExpiredSessionIsToldOf(t *testing.T) {
	site := serve(t)
	b := site.browser()
	b.get("/login").login("alice", "correct horse").shows("/", "Hello alice")
	site.clock.Advance(34 * time.Minute)
	b.get("/").shows("/login?next=/", "Your session has expired")
	if stranger := site.browser().get("/login"); strings.Contains(stranger.page, "expired") {
		t.Error("a stranger is told of an expired session")
	}
}

func TestRememberMeOutlivesTheWeek(t *testing.T) {
	site := serve(t)
	b := site.browser()
	b.get("/login").login("alice", "correct horse", "remember", "yes").shows("/", "Hello alice")
	site.clock.Advance(7 * day)
	b.get("/").shows("/", "Hello alice")
	b.get("/password").shows("/login?next=/password", `value="alice"`) // known, and asked once more all the same
	b.login("alice", "correct horse").shows("/password", "New password")
	site.clock.Advance(20 * day)
	b.get("/").shows("/", "Hello alice") // that login has not made the device a forgotten one
}

func TestAdministratorsHaveLessTime(t *testing.T) {
	site := serve(t)
	b := site.browser()
	b.get("/login").login("admin", "battery staple")
	site.clock.Advance(12 * time.Minute)
	b.get("/admin").shows("/login?next=/admin", "expired")
}

func TestAChangedPasswordLogsTheOthersOut(t *testing.T) {
	site := serve(t)
	mine, other := site.browser(), site.browser()
	mine.get("/login").login("alice", "correct horse")
	other.get("/login").login("alice", "correct horse")
	token := regexp.MustCompile(`name="token" value="([^"]+)"`).FindStringSubmatch(mine.get("/password").page)
	if token == nil {
		t.Fatalf("the form has no token:\n%s", mine.page)
	}
	if mine.post("/password", "password", "a new password"); mine.status != http.StatusForbidden {
		t.Errorf("a form without a token is answered with %d, want 403", mine.status)
	}
	mine.post("/password", "token", token[1], "password", "a new password").shows("/", "has been changed")
	other.get("/").shows("/login?next=/", "expired")
	other.login("alice", "a new password").shows("/", "2 device(s)")
	other.post("/logout-everywhere").shows("/login")
	mine.get("/").shows("/login?next=/")
}

// partner logs everybody in as carol who comes back with the code 7.
type partner struct{}

func (partner) page(state string) string { return "/oauth/callback?code=7&state=" + state }

func (partner) user(_ context.Context, code string) (string, error) {
	if code != "7" {
		return "", errors.New("unknown code")
	}
	return "carol", nil
}

func TestAnotherSitesLogin(t *testing.T) {
	site := serve(t)
	if b := site.browser().get("/oauth"); !strings.Contains(b.page, "The login did not work") {
		t.Errorf("a code that nobody knows logs in:\n%s", b.page)
	}
	site.app.provider = partner{}
	site.browser().get("/oauth").shows("/", "Hello carol")
	b := site.browser().get("/oauth/callback?code=7&state=made-up")
	b.shows("/oauth/callback?code=7&state=made-up", "began in another browser")
}

func TestThePageShowsThisProgram(t *testing.T) {
	program, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	shown := 0
	for _, b := range exampletest.Blocks(t, "../../docs/login.md") {
		if b.Language != "go" {
			continue
		}
		shown++
		if !strings.Contains(outdented(string(program)), outdented(b.Text)) {
			t.Errorf("examples/login/main.go does not have this:\n%s", b.Text)
		}
	}
	if shown < 8 {
		t.Errorf("docs/login.md has %d snippets, want 8 or more", shown)
	}
}

// outdented takes the tabs off that lines begin with.
func outdented(s string) string { return regexp.MustCompile(`(?m)^\t+`).ReplaceAllString(s, "") }
