package session_test

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// asked is a request for a guarded page.
type asked struct {
	method, path, query string
	header              map[string]string
}

func (a asked) of(t *testing.T, m *session.Manager, cookie string) *visit {
	t.Helper()
	v := begin(t, m, cookie)
	v.x.method, v.x.header = a.method, map[string]string{"Host": "shop.example"}
	v.x.facts = session.RequestFacts{Path: a.path, Query: a.query}
	for name, value := range a.header {
		v.x.header[name] = value
	}
	return v
}

const browserAccept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

func going(method, path string) asked {
	return asked{method, path, "", map[string]string{"Accept": browserAccept, "Sec-Fetch-Mode": "navigate"}}
}

func (a asked) with(name, value string) asked {
	header := map[string]string{name: value}
	for n, v := range a.header {
		if n != name {
			header[n] = v
		}
	}
	a.header = header
	return a
}

func htmx(page string) asked {
	return asked{"POST", "/notes", "", map[string]string{"HX-Request": "true", "HX-Current-URL": page, "Accept": "*/*"}}
}

// Every way of asking has the answer that fits it, for visitors without a session and for those whose login is too old.
func TestAGuardAnswersInTheWayThatFits(t *testing.T) {
	w := newWorld(t, session.Options{})
	stale := w.read(t, "", func(s *session.Session) { s.Login("user:1") }).issued()
	w.now = w.now.Add(10 * time.Minute)
	query := going("GET", "/orders")
	query.query = "page=2&x=%26"
	odd := going("GET", "/a%2Fb")
	huge := going("GET", "/search")
	huge.query = "q=" + strings.Repeat("%2B", 600)
	for _, c := range []struct {
		why     string
		request asked
		status  int
		to      string
	}{
		{"a page", going("GET", "/orders"), 303, "/login?next=/orders"},
		{"a page with a query", query, 303, "/login?next=/orders%3Fpage%3D2%26x%3D%2526"},
		{"HEAD is asked for a page", going("HEAD", "/orders"), 303, "/login?next=/orders"},
		{"a browser on plain http", going("GET", "/orders").with("Sec-Fetch-Mode", ""), 303, "/login?next=/orders"},
		{"HTML among others", asked{"GET", "/", "", map[string]string{"Accept": "a/b, TEXT/HTML ;level=1;q=0.1"}}, 303,
			"/login?next=/"},
		{"a path that Next refuses", odd, 303, "/login"},
		{"a path that could be another site", going("GET", "//evil.example"), 303, "/login"},
		{"a page whose URL is too long to come back", huge, 303, "/login"},
		{"a line end that a server has let pass", going("GET", "/a\r\nSet-Cookie: a=b"), 303, "/login"},

		{"a form without Referer", going("POST", "/orders"), 303, "/login"},
		{"a form", going("POST", "/orders").with("Referer", "https://shop.example/cart?step=2"), 303,
			"/login?next=/cart%3Fstep%3D2"},
		{"a form on the first page", going("POST", "/orders").with("Referer", "http://SHOP.example"), 303, "/login?next=/"},
		{"a form on the login page", going("POST", "/orders").with("Referer", "https://shop.example/login?x"), 303, "/login"},
		{"a form elsewhere", going("POST", "/orders").with("Referer", "https://evil.example/cart"), 303, "/login"},
		{"user information in front of the host", going("POST", "/").with("Referer", "https://a@shop.example/"), 303,
			"/login"},
		{"a host that begins alike", going("POST", "/").with("Referer", "https://shop.example.evil/"), 303, "/login"},
		{"another scheme", going("POST", "/").with("Referer", "ftp://shop.example/x"), 303, "/login"},
		{"a page of ours that could be another site", going("POST", "/").with("Referer",
			"https://shop.example//evil.example"), 303,
			"/login"},

		{"htmx", htmx("https://shop.example/notes?tag=a#b"), 401, "/login?next=/notes%3Ftag%3Da"},
		{"htmx GET", asked{"GET", "/part", "", map[string]string{"HX-Request": "true"}}, 401, "/login"},
		{"htmx that also asks for HTML", htmx("http://shop.example/").with("Accept", "text/html"), 401, "/login?next=/"},
		{"htmx elsewhere", htmx("https://evil.example/notes"), 401, "/login"},
		{"htmx and splitting", htmx("https://shop.example/\r\nX: y"), 401, "/login"},

		{"curl", asked{"GET", "/orders", "", map[string]string{"Accept": "*/*"}}, 401, ""},
		{"nothing that says what is wanted", asked{"GET", "/orders", "", nil}, 401, ""},
		{"JSON", asked{"POST", "/orders", "", map[string]string{"Accept": "application/json"}}, 401, ""},
		{"HTML refused", asked{"GET", "/", "", map[string]string{"Accept": "text/html;q=0, text/html; a=b; Q=0.000"}}, 401,
			""},
		{"a script that takes anything", going("GET", "/orders").with("Sec-Fetch-Mode", "cors"), 401, ""},
		{"an image", going("GET", "/orders").with("Sec-Fetch-Mode", "no-cors"), 401, ""},
		{"a WebSocket", going("GET", "/orders").with("Sec-Fetch-Mode", "websocket"), 401, ""},
		{"a preflight", asked{"OPTIONS", "/orders", "", map[string]string{"Accept": "*/*", "Origin": "https://app.example",
			"Access-Control-Request-Method": "POST", "Sec-Fetch-Mode": "cors"}}, 401, ""},
	} {
		for cookie, text := range map[string]string{"": "Please log in first.\n", stale: "Please log in again.\n"} {
			v := c.request.of(t, w.Manager, cookie)
			instead, ok := session.Guard{Login: "/login", Within: 10 * time.Minute}.Admit(v.ctx)
			v.finish().untouched()
			to := instead.Header["Location"] + instead.Header["HX-Redirect"]
			if ok || instead.Status != c.status || to != c.to {
				t.Errorf("%s: %t, %d to %q, want %d to %q", c.why, ok, instead.Status, to, c.status, c.to)
			}
			if c.to != "" {
				text = ""
			}
			if string(instead.Body) != text || instead.ContentType != "text/plain; charset=utf-8" {
				t.Errorf("%s: body %q of %s, want %q", c.why, instead.Body, instead.ContentType, text)
			}
			if control := v.x.response.Get("Cache-Control"); control != "no-store" || v.x.response.Get("Vary") != "Cookie" {
				t.Errorf("%s: headers %v, want no-store and Vary: Cookie", c.why, v.x.response)
			}
			comesBack(t, c.why, instead, c.request)
		}
	}
}

// comesBack checks what the login page makes of its next, if it has one: a page that the browser is, or was going to
// be, on.
func comesBack(t *testing.T, why string, instead session.Response, a asked) {
	t.Helper()
	login, err := url.Parse(instead.Header["Location"] + instead.Header["HX-Redirect"])
	if err != nil || login.Host != "" {
		t.Fatalf("%s: %v (%v)", why, login, err)
	}
	next := login.Query().Get("next")
	page := "://shop.example" + next
	if next != "" && (session.Next(next, "") != next || next != a.path+"?"+a.query && next != a.path &&
		!strings.Contains(strings.ToLower(a.header["Referer"]+a.header["HX-Current-URL"])+"/", page)) {
		t.Errorf("%s: next is %q", why, next)
	}
}

func TestAGuardLetsPassWhoMay(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.read(t, "", func(s *session.Session) { s.Login("user:1"); name.Set(s, "staff") }).issued()
	anonymous := w.start(t)
	w.now = w.now.Add(10*time.Minute - time.Millisecond)
	staff := func(s *session.Session) bool { return name.Get(s) == "staff" }
	for _, c := range []struct {
		why    string
		guard  session.Guard
		cookie string
		want   error
	}{
		{"whoever is logged in", session.Guard{}, cookie, nil},
		{"nobody else", session.Guard{}, "", session.ErrLoginRequired},
		{"nor somebody who has a session", session.Guard{}, anonymous, session.ErrLoginRequired},
		{"a login that is younger", session.Guard{Within: 10 * time.Minute}, cookie, nil},
		{"not one that is just as old", session.Guard{Within: 10*time.Minute - time.Millisecond}, cookie,
			session.ErrLoginStale},
		{"whom the application allows", session.Guard{Allow: staff}, cookie, nil},
		{"not whom it does not", session.Guard{Allow: func(*session.Session) bool { return false }}, cookie,
			session.ErrForbidden},
		{"who may not pass is not asked to log in once more",
			session.Guard{Within: time.Minute, Allow: func(*session.Session) bool { return false }}, cookie,
			session.ErrForbidden},
		{"the application is asked about no stranger", session.Guard{Allow: func(*session.Session) bool { panic("asked") }},
			"",
			session.ErrLoginRequired},
	} {
		v := going("GET", "/").of(t, w.Manager, c.cookie)
		if err := c.guard.Check(v.Session); !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%s: Check %v, want %v", c.why, err, c.want)
		}
		instead, ok := c.guard.Admit(v.ctx)
		want := map[error]int{nil: 0, session.ErrForbidden: 403}
		if status, known := want[c.want]; ok != (c.want == nil) || known && instead.Status != status || !known &&
			instead.Status != 401 {
			t.Errorf("%s: Admit %t %d %q", c.why, ok, instead.Status, instead.Body)
		}
		v.finish().succeeded()
	}
}

func TestALoginOfThisRequestCountsForAGuard(t *testing.T) {
	w := newWorld(t, session.Options{})
	v := going("GET", "/").of(t, w.Manager, "")
	v.Login("user:1")
	if err := (session.Guard{Within: time.Second}).Check(v.Session); err != nil {
		t.Errorf("after Login: %v", err)
	}
	v.Destroy()
	if err := (session.Guard{}).Check(v.Session); !errors.Is(err, session.ErrLoginRequired) {
		t.Errorf("after Destroy: %v", err)
	}
	v.finish()
	if err := (session.Guard{}).Check(v.Session); !errors.Is(err, session.ErrRequestOver) {
		t.Errorf("after the request: %v", err)
	}
	if instead, ok := (session.Guard{Login: "/login"}).Admit(v.ctx); ok || instead.Status != 500 {
		t.Errorf("after the request: %t, %d", ok, instead.Status)
	}
}

// Nobody may pass on the strength of a session that could not be read, not even where the application serves on.
func TestAGuardAnswersAFailedLoadWith503(t *testing.T) {
	for _, serveOn := range []bool{false, true} {
		w := newWorld(t, session.Options{AnonymousWhenUnavailable: serveOn})
		cookie := w.read(t, "", func(s *session.Session) { s.Login("user:1") }).issued()
		w.store.Before(fail("Load"))
		v := going("GET", "/orders").of(t, w.Manager, cookie)
		instead, ok := session.Guard{Login: "/login"}.Admit(v.ctx)
		v.finish().untouched()
		if ok || instead.Status != 503 || v.ok != serveOn || v.x.response.Get("Cache-Control") != "no-store" {
			t.Errorf("serving on %t: admitted %t, %d, then %t %d with %v", serveOn, ok, instead.Status, v.ok, v.instead.Status,
				v.x.response)
		}
	}
}

// The login page can only say that the session has ended if the browser still brings its cookie along.
func TestAGuardLeavesTheCookieOfADeadSession(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.read(t, "", func(s *session.Session) { s.Login("user:1") }).issued()
	if _, err := w.RevokeAll(t.Context(), "user:1"); err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(2 * time.Minute)
	v := going("GET", "/orders").of(t, w.Manager, cookie)
	instead, _ := session.Guard{Login: "/login"}.Admit(v.ctx)
	v.finish().succeeded().untouched()
	w.events = nil
	login := begin(t, w.Manager, cookie)
	login.Exists()
	if _, deleted := login.finish().cookie(); instead.Status != 303 || !w.saw(session.ReasonAlreadyEnded) || !deleted {
		t.Errorf("answer %d; the login page sees %v and deletes the cookie: %t", instead.Status, w.events, deleted)
	}
}

// Cookie.Former is what else deletes cookies.
func TestAGuardLeavesFormerCookies(t *testing.T) {
	w := newWorld(t, session.Options{Cookie: session.Cookie{Name: "id", Domain: "example.com",
		Former: []session.Scope{{}}}})
	for guarded, want := range map[bool]int{true: 0, false: 1} {
		v := begin(t, w.Manager, "")
		v.x.lines = []string{"id=" + junkToken(t), "id=" + junkToken(t)}
		if guarded {
			session.Guard{}.Admit(v.ctx)
		} else {
			v.Exists()
		}
		if v.finish().succeeded(); len(v.x.response["Set-Cookie"]) != want {
			t.Errorf("behind a guard %t: cookies %q, want %d", guarded, v.x.response["Set-Cookie"], want)
		}
	}
}

// An API's clients get their problem, with the headers that the application wants, but no cookie past the session.
func TestAGuardAsksErrorResponse(t *testing.T) {
	var got error
	w := newWorld(t, session.Options{ErrorResponse: func(err error, header func(string) string) session.Response {
		got = err
		return session.Response{Status: 401, ContentType: "application/problem+json", Body: []byte(header("Accept")),
			Header: map[string]string{"www-authenticate": "Custom", "set-cookie": "a=b"}}
	}})
	v := asked{"GET", "/", "", map[string]string{"Accept": "application/json"}}.of(t, w.Manager, "")
	instead, ok := session.Guard{Login: "/login"}.Admit(v.ctx)
	v.finish()
	if ok || !errors.Is(got, session.ErrLoginRequired) || string(instead.Body) != "application/json" ||
		instead.ContentType != "application/problem+json" || instead.Header["www-authenticate"] != "Custom" ||
		len(instead.Header) != 1 {
		t.Errorf("%t %v %+v", ok, got, instead)
	}
}

func TestAGuardPicksAManager(t *testing.T) {
	outer, inner := newWorld(t, session.Options{Name: "outer"}), newWorld(t, session.Options{})
	cookie := inner.read(t, "", func(s *session.Session) { s.Login("user:1") }).issued()
	o := begin(t, outer.Manager, "")
	v := beginWith(o.ctx, t, inner.Manager, cookie)
	for m, want := range map[*session.Manager]bool{nil: true, inner.Manager: true, outer.Manager: false} {
		if _, ok := (session.Guard{Manager: m}).Admit(v.ctx); ok != want {
			t.Errorf("%v: admitted %t, want %t", m, ok, want)
		}
	}
	v.finish()
	o.finish()
}

func TestAGuardSaysWhatIsWiredWrongly(t *testing.T) {
	w := newWorld(t, session.Options{})
	v := going("GET", "/login").of(t, w.Manager, "")
	defer v.finish()
	for _, c := range []struct {
		why, says string
		run       func()
	}{
		{"another site", "path on this site", session.Guard{Login: "https://login.example/"}.Ready},
		{"no slash", "path on this site", session.Guard{Login: "login"}.Ready},
		{"a fragment", "path on this site", session.Guard{Login: "/login#form"}.Ready},
		{"a negative time", "negative", session.Guard{Within: -1}.Ready},
		{"an empty manager", "session.New", session.Guard{Manager: &session.Manager{}}.Ready},
		{"no middleware", "install the adapter's Middleware", func() { session.Guard{}.Admit(t.Context()) }},
		{"the login page behind its own guard", "outside of Require",
			func() { session.Guard{Login: "/login?lang=de"}.Admit(v.ctx) }},
	} {
		func() {
			defer func() {
				if text := fmt.Sprint(recover()); !strings.Contains(text, c.says) {
					t.Errorf("%s: panic %q, want one with %q", c.why, text, c.says)
				}
			}()
			c.run()
		}()
	}
	session.Guard{}.Ready()
	session.Guard{Login: "/login?lang=de", Within: time.Minute, Manager: w.Manager}.Ready()
	if instead, _ := (session.Guard{Login: "/login?lang=de"}).Admit(going("GET", "/a").of(t, w.Manager, "").ctx); instead.
		Header["Location"] != "/login?lang=de&next=/a" {
		t.Errorf("%+v", instead)
	}
}
