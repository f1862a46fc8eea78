package sessionui_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
)

func TestSubject(t *testing.T) {
	s := newSite(t)
	s.login("user:7", firefox)
	s.login("user:7", safari)
	s.login("user:8", safari)
	a := s.get(about("user:7"))
	a.want(http.StatusOK, "Sessions of user:7", "2 live sessions", "Firefox on Windows", "Safari on iOS", "192.0.2.0/24",
		s.handles("user:7")[0], s.handles("user:7")[1], "End all of them")
	a.wantNot(s.handles("user:8")[0])
	s.get(about("user:9")).want(http.StatusOK, "No session is alive", "exactly")
}

func TestASubjectWithManySessions(t *testing.T) {
	s := newSite(t)
	for range 230 {
		s.login("bot", "curl/8")
	}
	a := s.get(about("bot"))
	a.want(http.StatusOK, "230 live sessions", "30 older ones not shown")
	if n := strings.Count(a.body, "<li>"); n != 200 {
		t.Errorf("%d sessions on one page, want 200", n)
	}
}

// A link asks, and only a form that is sent ends a session.
func TestRevoke(t *testing.T) {
	s := newSite(t)
	s.login("user:7", firefox)
	s.login("user:7", safari)
	s.login("user:7", safari)
	victim := s.handles("user:7")[1]
	one, all := about("user:7", "handle", victim), about("user:7", "all", "1")
	s.get(one).want(http.StatusOK, "End this session?", victim, `action="?handle=`+victim+`&amp;subject=user%3A7"`)
	s.get(all).want(http.StatusOK, "End all sessions of user:7?", "3 live sessions")
	if n := len(s.handles("user:7")); n != 3 {
		t.Fatalf("after two questions there are %d sessions, want 3", n)
	}
	s.post(one).want(http.StatusOK, "The session has ended.", `href="?subject=user%3A7"`)
	s.post(one).want(http.StatusNotFound, "Nothing to end")
	s.get(one).want(http.StatusNotFound, "Nothing to end")
	if left := s.handles("user:7"); len(left) != 2 || left[0] == victim || left[1] == victim {
		t.Errorf("left are %v, of which %s was ended", left, victim)
	}
	s.post(all).want(http.StatusOK, "2 sessions ended.")
	s.get(all).want(http.StatusNotFound, "Nothing to end")
	if left := s.handles("user:7"); len(left) != 0 {
		t.Errorf("left are %v", left)
	}
}

// One subject's page ends nobody else's session.
func TestAHandleBelongsToItsSubject(t *testing.T) {
	s := newSite(t)
	s.login("user:7", firefox)
	s.post(about("user:8", "handle", s.handles("user:7")[0])).want(http.StatusNotFound)
	if len(s.handles("user:7")) != 1 {
		t.Error("the session has ended")
	}
}

func TestFormsThatSayNothing(t *testing.T) {
	s := newSite(t)
	for _, query := range []string{"", about("user:7"), "?all=1", "?handle=x"} {
		s.post(query).want(http.StatusBadRequest, "nothing was done")
	}
	huge := url.Values{"token": {strings.Repeat("x", 1<<20)}}
	s.ask(http.MethodPost, about("user:7", "all", "1"), huge).want(http.StatusBadRequest, "nothing was done")
	if a := s.ask(http.MethodPut, "", nil); a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") == "" {
		t.Errorf("PUT: %d", a.status)
	}
}

// Another site's page cannot make the administrator's browser end anything.
func TestAFormOfAnotherSite(t *testing.T) {
	s := newSite(t)
	s.login("user:7", firefox)
	for _, header := range [][2]string{
		{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"},
		{"Origin", "null"},
	} {
		s.ask(http.MethodPost, about("user:7", "all", "1"), nil, func(r *http.Request) {
			r.Header.Set(header[0], header[1])
		}).want(http.StatusForbidden, "nothing was done")
	}
	if len(s.handles("user:7")) != 1 {
		t.Error("the session has ended")
	}
	s.ask(http.MethodPost, about("user:7", "all", "1"), nil, func(r *http.Request) {
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}).want(http.StatusOK)
}

var tokenField = regexp.MustCompile(`name="token" value="([^"]+)"`)

// Within the manager's middleware a form is good for the session that it was made for, and for no other.
func TestFormToken(t *testing.T) {
	s := newSite(t)
	admin, other := s.login("admin", firefox), s.login("other", firefox)
	s.login("user:7", safari)
	guarded := httpsession.Middleware(s.sessions)(httpsession.Require(session.Guard{})(s.ui))
	s.ui = guarded
	as := func(c *http.Cookie) func(*http.Request) { return func(r *http.Request) { r.AddCookie(c) } }
	all := about("user:7", "all", "1")
	form := func(c *http.Cookie) url.Values {
		found := tokenField.FindStringSubmatch(s.ask(http.MethodGet, all, nil, as(c)).body)
		if found == nil {
			t.Fatal("the form has no token")
		}
		return url.Values{"token": {found[1]}}
	}
	s.ask(http.MethodGet, all, nil).want(http.StatusUnauthorized)
	for _, wrong := range []url.Values{nil, {"token": {"x"}}, form(other)} {
		s.ask(http.MethodPost, all, wrong, as(admin)).want(http.StatusForbidden, "nothing was done")
	}
	if len(s.handles("user:7")) != 1 {
		t.Fatal("the session has ended")
	}
	s.ask(http.MethodPost, all, form(admin), as(admin)).want(http.StatusOK, "1 session ended")
}

// Where visitors have a session but nobody is logged in, the page starts none and asks for no token.
func TestNoTokenForNobody(t *testing.T) {
	s := newSite(t)
	s.login("user:7", safari)
	s.ui = httpsession.Middleware(s.sessions)(s.ui)
	a := s.get(about("user:7", "all", "1"))
	if a.header.Get("Set-Cookie") != "" || tokenField.MatchString(a.body) {
		t.Error("a form token was made for nobody")
	}
	s.post(about("user:7", "all", "1")).want(http.StatusOK)
}

// A long revoke does not end half way because the administrator closes the page.
func TestRevokeGoesOnWithoutItsVisitor(t *testing.T) {
	s := newSite(t)
	s.login("user:7", firefox)
	r := httptest.NewRequestWithContext(gone(t), http.MethodPost, "https://example.com/"+about("user:7", "all", "1"), nil)
	s.ui.ServeHTTP(httptest.NewRecorder(), r)
	if len(s.handles("user:7")) != 0 {
		t.Error("the session lives on")
	}
}
