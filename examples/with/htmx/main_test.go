package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/core/sessiontest"
	"github.com/coatcheck/coatcheck/internal/probe"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

// visitor is alice, logged in.
type visitor struct {
	t        *testing.T
	store    *probe.Store
	clock    *sessiontest.Clock
	sessions *session.Manager
	cookie   *http.Cookie
}

func newVisitor(t *testing.T) visitor {
	t.Helper()
	v := visitor{t: t, store: probe.New(memstore.New()), clock: sessiontest.NewClock()}
	var err error
	v.sessions, err = session.New(v.store, session.Options{
		InsecureHTTP: true, ErrorResponse: failed, Now: v.clock.Now, OnEvent: func(context.Context, session.Event) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	v.cookie = sessiontest.Login(t, v.sessions, "alice")
	return v
}

// ask sends a request with these pairs of header names and values.
func (v visitor) ask(method, path, form string, headers ...string) *httptest.ResponseRecorder {
	v.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	r.AddCookie(v.cookie)
	w := httptest.NewRecorder()
	site(v.sessions).ServeHTTP(w, r)
	return w
}

func (v visitor) htmx(method, path, form string) *httptest.ResponseRecorder {
	v.t.Helper()
	return v.ask(method, path, form, "HX-Request", "true")
}

const noteA = "text=a"

func TestALoginPageNeverComesAsAFragment(t *testing.T) {
	v := newVisitor(t)
	v.clock.Advance(time.Hour) // idle for too long
	for _, r := range []struct{ method, path, page string }{
		{"GET", "/", "/login?next=/"}, {"POST", "/notes", "/login"}, {"POST", "/logout", "/login"},
	} {
		w := v.ask(r.method, r.path, noteA, "HX-Request", "true", "HX-Current-URL", "http://example.com/?tag=a")
		if w.Code != http.StatusUnauthorized || w.Header().Get("HX-Redirect") != "/login?next=/%3Ftag%3Da" ||
			w.Body.Len() > 0 {
			t.Errorf("%v for htmx: %d %v %q, want 401, HX-Redirect and nothing to swap", r, w.Code, w.Header(), w.Body)
		}
		w = v.ask(r.method, r.path, noteA, "Accept", "text/html")
		if w.Code != http.StatusSeeOther || w.Header().Get("Location") != r.page {
			t.Errorf("%v without htmx: %d %v, want a redirect to the login page", r, w.Code, w.Header())
		}
		if w = v.ask(r.method, r.path, noteA); w.Code != http.StatusUnauthorized ||
			w.Body.String() != "Please log in first.\n" {
			t.Errorf("%v by a program: %d %q, want 401", r, w.Code, w.Body)
		}
	}
}

func TestTheLoginLeadsBack(t *testing.T) {
	v := newVisitor(t)
	if page := v.ask("GET", "/login?next=/%3Ftag%3Da", "").Body.String(); !strings.Contains(page,
		`name="next" value="/?tag=a"`) {
		t.Errorf("the login page does not pass next on:\n%s", page)
	}
	for next, want := range map[string]string{"/?tag=a": "/?tag=a", "//evil.example": "/", "": "/"} {
		form := url.Values{"user": {"alice"}, "next": {next}}.Encode()
		if w := v.ask("POST", "/login", form); w.Header().Get("Location") != want {
			t.Errorf("next %q: %d %v, want %s", next, w.Code, w.Header(), want)
		}
	}
}

func TestLoginAndLogoutLoadAWholePage(t *testing.T) {
	for path, next := range map[string]string{"/login": "/", "/logout": "/login"} {
		v := newVisitor(t)
		w := v.htmx("POST", path, "user=alice")
		if w.Code != http.StatusOK || w.Header().Get("HX-Redirect") != next || w.Header().Get("Set-Cookie") == "" {
			t.Errorf("%s: %d %v, want 200, HX-Redirect: %s and a cookie", path, w.Code, w.Header(), next)
		}
	}
}

func TestAFragmentBringsItsNotice(t *testing.T) {
	v := newVisitor(t)
	want := `<li>a</li><p id="notice" hx-swap-oob="true">Saved.</p>`
	if w := v.htmx("POST", "/notes", noteA); w.Code != http.StatusOK || w.Body.String() != want {
		t.Errorf("for htmx: %d %q, want %q", w.Code, w.Body, want)
	}
	if page := v.ask("GET", "/", "").Body.String(); strings.Contains(page, "Saved.") {
		t.Errorf("the next page says it again:\n%s", page)
	}
}

func TestWithoutHTMXTheNextPageShowsTheNoticeOnce(t *testing.T) {
	v := newVisitor(t)
	if w := v.ask("POST", "/notes", noteA); w.Code != http.StatusSeeOther {
		t.Errorf("status %d, want 303", w.Code)
	}
	for _, shown := range []bool{true, false} {
		page := v.ask("GET", "/", "").Body.String()
		if strings.Contains(page, "Saved.") != shown || !strings.Contains(page, "<li>a</li>") {
			t.Errorf("want the note, and the notice: %t, in\n%s", shown, page)
		}
	}
}

// What cannot be saved is told in the page's notice, and nothing takes the fragment's place.
func TestAFailureIsALineForTheNotice(t *testing.T) {
	for _, test := range []struct {
		name   string
		before func(visitor) error
		status int
		says   string
	}{
		{"the store is down", func(visitor) error { return errors.New("down") }, http.StatusServiceUnavailable, "try again"},
		{"the session ended meanwhile", visitor.revoke, http.StatusConflict, "logged out"},
	} {
		for _, htmx := range []string{"true", ""} {
			v := newVisitor(t)
			v.store.Before(func(c probe.Call) error {
				if c.Method != "Update" {
					return nil
				}
				v.store.Before(nil)
				return test.before(v)
			})
			w := v.ask("POST", "/notes", noteA, "HX-Request", htmx)
			fragment := strings.HasPrefix(w.Body.String(), `<p id="notice" hx-swap-oob="true">`)
			if w.Code != test.status || !strings.Contains(w.Body.String(), test.says) || fragment != (htmx != "") {
				t.Errorf("%s, HX-Request %q: %d %q, want %d and %q", test.name, htmx, w.Code, w.Body, test.status, test.says)
			}
		}
	}
}

// revoke ends alice's sessions, as another device of hers may.
func (v visitor) revoke() error {
	_, err := v.sessions.RevokeAll(v.t.Context(), "alice")
	return err
}

func TestOtherSitesCannotPost(t *testing.T) {
	v := newVisitor(t)
	w := v.ask("POST", "/notes", noteA, "Sec-Fetch-Site", "cross-site", "HX-Request", "true")
	if w.Code != http.StatusForbidden || w.Header().Get("HX-Redirect") != "" {
		t.Errorf("from another site: %d %v, want 403 and no way to the login", w.Code, w.Header())
	}
	w = v.ask("POST", "/login", "user=mallory", "Sec-Fetch-Site", "cross-site")
	if w.Code != http.StatusForbidden || w.Header().Get("Set-Cookie") != "" {
		t.Errorf("a login from another site: %d %v, want 403 and the cookie left alone", w.Code, w.Header())
	}
	w = v.ask("POST", "/notes", noteA, "Sec-Fetch-Site", "same-origin", "HX-Request", "true")
	if strings.Count(w.Body.String(), "<li>") != 1 {
		t.Errorf("from this site: %d %q, want one note", w.Code, w.Body)
	}
}

func TestNotesAreText(t *testing.T) {
	v := newVisitor(t)
	w := v.htmx("POST", "/notes", "text="+url.QueryEscape("<b>"))
	if !strings.HasPrefix(w.Body.String(), "<li>&lt;b&gt;</li>") {
		t.Errorf("%q", w.Body)
	}
}
