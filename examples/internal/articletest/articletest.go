// Package articletest walks through the articles' apps as their visitors do, with sessions in every kind of store.
package articletest

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/core/sessiontest"
)

// App makes an app with these sessions.
type App func(*session.Manager) http.Handler

// Fiber is an app on Fiber as an http.Handler.
func Fiber(app *fiber.App) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		response, err := app.Test(r, -1)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer response.Body.Close()
		maps.Copy(w.Header(), response.Header)
		w.WriteHeader(response.StatusCode)
		_, _ = io.Copy(w, response.Body)
	})
}

// site is an app at work, with its clock.
type site struct {
	*testing.T
	*sessiontest.Clock
	sessions *session.Manager
	app      http.Handler
	sealed   bool // there is no store
	sweeps   bool // somebody has to remove what has expired
}

// everywhere runs a walk through an app with each carrier of sessions.
func everywhere(t *testing.T, o session.Options, app App, walk func(*site)) {
	t.Helper()
	for _, c := range carriers() {
		t.Run(c.name, func(t *testing.T) {
			s := &site{T: t, Clock: sessiontest.NewClock(), sealed: c.open == nil, sweeps: c.sweeps}
			o := o
			o.Now = s.Now
			s.sessions = c.manager(t, o)
			s.app = app(s.sessions)
			walk(s)
		})
	}
}

// browser keeps cookies, as browsers do, and follows no redirect.
type browser struct {
	*site
	cookies map[string]string
}

func (s *site) browser() *browser { return &browser{s, map[string]string{}} }

// copied is somebody else with the same cookies.
func (b *browser) copied() *browser {
	c := b.site.browser()
	maps.Copy(c.cookies, b.cookies)
	return c
}

// answer is a response that has been read to its end.
type answer struct {
	*browser
	what   string
	status int
	header http.Header
	body   string
}

func (b *browser) get(path string) answer { b.Helper(); return b.ask(http.MethodGet, path, nil) }

// post sends a form of pairs: a name and a value each.
func (b *browser) post(path string, pairs ...string) answer {
	b.Helper()
	return b.ask(http.MethodPost, path, formOf(pairs))
}

// crossSite posts as another site's page does.
func (b *browser) crossSite(path string, pairs ...string) answer {
	b.Helper()
	return b.ask(http.MethodPost, path, formOf(pairs), "Sec-Fetch-Site", "cross-site")
}

func formOf(pairs []string) url.Values {
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return form
}

func (b *browser) ask(method, path string, form url.Values, header ...string) answer {
	b.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	r.Header.Set("Accept", "text/html")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	b.app.ServeHTTP(w, r)
	response := w.Result()
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range response.Cookies() {
		if b.cookies[c.Name] = c.Value; c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
	return answer{b, method + " " + path, response.StatusCode, response.Header, string(body)}
}

// says fails the test unless the answer has this status and contains these texts.
func (a answer) says(status int, texts ...string) answer {
	a.Helper()
	if a.status != status {
		a.Errorf("%s: status %d, want %d: %s", a.what, a.status, status, a.body)
	}
	for _, text := range texts {
		if !strings.Contains(a.body, text) {
			a.Errorf("%s: no %q in %q", a.what, text, a.body)
		}
	}
	return a
}

func (a answer) lacks(text string) answer {
	a.Helper()
	if strings.Contains(a.body, text) {
		a.Errorf("%s: %q in %q", a.what, text, a.body)
	}
	return a
}

// leadsTo fails the test unless the answer is a redirect to this place.
func (a answer) leadsTo(place string) answer {
	a.Helper()
	if got := a.header.Get("Location"); a.status != http.StatusSeeOther || got != place {
		a.Errorf("%s: status %d, Location %q, want 303 to %q: %s", a.what, a.status, got, place, a.body)
	}
	return a
}

// cookie is the line that sets the session's cookie, "" if there is none.
func (a answer) cookie() string { return a.header.Get("Set-Cookie") }
