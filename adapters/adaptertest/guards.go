package adaptertest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

var guards = []testCase{
	{"guard", "a browser comes back", "a visitor who had to log in wants the page that was asked for, not the home page",
		guardBrowser, Guards},
	{"guard", "a form is not sent again", "what was typed before the login may be somebody else's wish", guardForm,
		Guards},
	{"guard", "htmx loads the login page", "a redirect would put the login page into the fragment's place", guardHTMX,
		Guards},
	{"guard", "programs get an error", "a script that follows a redirect takes the login page for its data",
		guardPrograms, Guards},
	{"guard", "an old login is not enough", "whoever finds a browser open must not change the password", guardStale,
		Guards},
	{"guard", "the application turns down", "a visitor without the right gets no other answer by logging in",
		guardForbidden, Guards},
	{"guard", "a dead session's cookie stays", "the login page says that the session has ended", guardDead, Guards},
	{"guard", "a failed load admits nobody", "an unreadable session is no permission, also where the site serves on",
		guardFailedLoad, Guards},
	{"guard", "one of several managers", "administrators are not the shop's customers", guardManager, Guards},
	{"guard", "no answer leads elsewhere", "the visitor chooses the path, and anybody the Host", guardElsewhere, Guards},
	{"wiring", "Require says what is wrong", "a guard that sends people nowhere must stop the program", guardWiring,
		Guards},
}

// guarded serves one manager's sessions twice: in the open, and behind a guard. What is behind answers "inside".
func (s *suite) guarded(o session.Options, g session.Guard) (open, behind *site) {
	s.Helper()
	open = s.stored(o)
	behind = s.newSite()
	behind.store, behind.guard = open.store, &g
	behind.start(open.manager)
	for _, path := range []string{"/orders", "/a/b"} {
		behind.on(path, func(c *Call) error { return c.Respond(200, "inside") })
	}
	open.on("/login", func(c *Call) error {
		c.Session.Login("user:1")
		query, err := url.ParseQuery(open.exchangeOf(c).Facts().Query)
		c.SetHeader("Location", session.Next(query.Get("next"), "/"))
		return errors.Join(err, c.Respond(303, ""))
	})
	return open, behind
}

// asks sends a request with these headers, given as name and value in turn.
func (st *site) asks(method, path, cookie string, headers ...string) *answer {
	st.s.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, st.url+path, nil)
	if err != nil {
		st.s.Fatal(err)
	}
	if cookie != "" {
		r.Header.Set("Cookie", cookieName+"="+cookie)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return st.do(r)
}

// sends fails the case unless the answer has this status and leads to a page, by the header of that name.
func (a *answer) sends(status int, header, page string) *answer {
	a.s.Helper()
	if got := a.header.Get(header); a.err != nil || a.status != status || got != page || a.body != "" {
		a.s.Errorf("answer %d %q (%v), %s: %q; want %d and %q", a.status, a.body, a.err, header, got, status, page)
	}
	return a.fromGuard()
}

// fromGuard fails the case unless the answer says to caches what each of a guard's does, and leaves other headers
// alone.
func (a *answer) fromGuard() *answer {
	a.s.Helper()
	vary := strings.Join(a.header.Values("Vary"), ", ")
	if control := a.header.Get("Cache-Control"); control != "no-store" || strings.Count(vary, "Cookie") != 1 ||
		a.header.Get("X-Request-Id") != outerHeaders["X-Request-Id"] {
		a.s.Errorf("headers %v, want Cache-Control: no-store, Vary: Cookie, and what was there before", a.header)
	}
	return a.untouched()
}

const acceptPages = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"

func guardBrowser(s *suite) {
	open, behind := s.guarded(session.Options{}, session.Guard{Login: "/login"})
	for _, headers := range [][]string{
		{"Accept", acceptPages}, {"Sec-Fetch-Mode", "navigate", "Accept", "*/*"},
	} {
		a := behind.asks("GET", "/orders?page=2&q=a%26b", "", headers...)
		a.sends(303, "Location", "/login?next=/orders%3Fpage%3D2%26q%3Da%2526b")
		in := open.get(a.header.Get("Location"), "")
		back := in.header.Get("Location")
		if back != "/orders?page=2&q=a%26b" {
			s.Errorf("the login leads to %q, want the page that was asked for", back)
		}
		behind.asks("GET", back, in.issued(), headers...).is(200, "inside").untouched()
	}
	behind.asks("HEAD", "/orders", "", "Accept", acceptPages).sends(303, "Location", "/login?next=/orders")
	behind.asks("GET", "/a/b", open.begun(), "Accept", acceptPages).sends(303, "Location", "/login?next=/a/b")
}

func guardForm(s *suite) {
	_, behind := s.guarded(session.Options{}, session.Guard{Login: "/login"})
	for referer, page := range map[string]string{
		"": "/login", behind.url + "/cart?step=2": "/login?next=/cart%3Fstep%3D2", "https://evil.example/cart": "/login",
		behind.url + ".evil.example/cart": "/login", behind.url + "//evil.example": "/login",
	} {
		behind.asks("POST", "/orders", "", "Accept", acceptPages, "Referer", referer).sends(303, "Location", page)
	}
}

func guardHTMX(s *suite) {
	_, behind := s.guarded(session.Options{}, session.Guard{Login: "/login"})
	for current, page := range map[string]string{
		"": "/login", behind.url + "/cart?step=2#top": "/login?next=/cart%3Fstep%3D2", "https://evil.example/cart": "/login",
	} {
		for _, method := range []string{"GET", "POST", "DELETE"} {
			behind.asks(method, "/orders", "", "Accept", "*/*", "HX-Request", "true", "HX-Current-URL", current).
				sends(401, "HX-Redirect", page)
		}
	}
}

// problem is how an API answers.
func problem(err error, header func(string) string) session.Response {
	status := 500
	for e, known := range map[error]int{
		session.ErrLoginRequired: 401, session.ErrLoginStale: 401, session.ErrForbidden: 403, session.ErrUnavailable: 503,
	} {
		if errors.Is(err, e) {
			status = known
		}
	}
	return session.Response{
		Status: status, ContentType: "application/problem+json", Body: fmt.Appendf(nil, `{"status":%d,"detail":%q}`, status,
			err),
		Header: map[string]string{"X-Asked-For": header("Accept"), "set-cookie": cookieName + "=planted"},
	}
}

// isProblem fails the case unless the answer is the application's own.
func (a *answer) isProblem(status int, err error) {
	a.s.Helper()
	a.is(status, fmt.Sprintf(`{"status":%d,"detail":%q}`, status, err)).fromGuard()
	if kind := a.header.Get("Content-Type"); kind != "application/problem+json" || a.header.Get("Location") != "" ||
		a.header.Get("X-Asked-For") != "application/json" {
		a.s.Errorf("headers %v, want those of the application's error response", a.header)
	}
}

func guardPrograms(s *suite) {
	_, behind := s.guarded(session.Options{ErrorResponse: problem}, session.Guard{Login: "/login"})
	for _, method := range []string{"GET", "POST", "PUT", "OPTIONS"} {
		behind.asks(method, "/orders", "", "Accept", "application/json").isProblem(401, session.ErrLoginRequired)
		behind.asks(method, "/orders", "", "Accept", "application/json", "Sec-Fetch-Mode", "cors").
			isProblem(401, session.ErrLoginRequired)
	}
	_, behind = s.guarded(session.Options{}, session.Guard{})
	behind.asks("GET", "/orders", "", "Accept", acceptPages).is(401, "Please log in first.\n").fromGuard()
	behind.asks("GET", "/orders", "").is(401, "Please log in first.\n").fromGuard()
}

func guardStale(s *suite) {
	open, behind := s.guarded(session.Options{ErrorResponse: problem},
		session.Guard{Login: "/login", Within: 10 * time.Minute})
	cookie := open.get("/login", "").issued()
	open.pass(10*time.Minute - time.Second)
	behind.asks("GET", "/orders", cookie, "Accept", acceptPages).is(200, "inside")
	open.pass(time.Second)
	behind.asks("GET", "/orders", cookie, "Accept", acceptPages).sends(303, "Location", "/login?next=/orders")
	behind.asks("GET", "/orders", cookie, "Accept", "application/json").isProblem(401, session.ErrLoginStale)
	behind.asks("GET", "/orders", open.get("/login", cookie).issued(), "Accept", acceptPages).is(200, "inside")
}

func guardForbidden(s *suite) {
	staff := func(s *session.Session) bool { return note.Get(s) == "staff" }
	open, behind := s.guarded(session.Options{}, session.Guard{Login: "/login", Allow: staff})
	open.on("/promote", func(c *Call) error { note.Set(c.Session, "staff"); return c.Respond(200, "promoted") })
	cookie := open.get("/login", "").issued()
	for _, headers := range [][]string{{"Accept", acceptPages}, {"HX-Request", "true"}, {}} {
		behind.asks("GET", "/orders", cookie, headers...).is(403, "You are not allowed to do this.\n").fromGuard()
	}
	open.get("/promote", cookie).is(200, "promoted")
	behind.asks("GET", "/orders", cookie).is(200, "inside")
}

func guardDead(s *suite) {
	open, behind := s.guarded(session.Options{}, session.Guard{Login: "/login"})
	cookie := open.get("/login", "").issued()
	if _, err := open.manager.RevokeAll(s.Context(), "user:1"); err != nil {
		s.Fatal(err)
	}
	open.pass(2 * time.Minute) // after that its cookie is deleted
	behind.asks("GET", "/orders", cookie, "Accept", acceptPages).sends(303, "Location", "/login?next=/orders")
	if a := open.get("/read", cookie).is(200, "/0"); !open.saw(session.ReasonAlreadyEnded) {
		s.Errorf("the page after that does not see the session which has ended: %v", a.header)
	} else if _, deleted := a.cookie(); !deleted {
		s.Error("the page after that does not delete the cookie")
	}
}

func guardFailedLoad(s *suite) {
	for _, serveOn := range []bool{false, true} {
		open, behind := s.guarded(session.Options{AnonymousWhenUnavailable: serveOn}, session.Guard{Login: "/login"})
		cookie := open.get("/login", "").issued()
		open.failing("Load")
		behind.asks("GET", "/orders", cookie, "Accept", acceptPages).refused(503).fromGuard()
	}
}

func guardManager(s *suite) {
	behind := s.newSite()
	outer, err := session.New(behind.store, session.Options{Name: "outer"})
	inner, err2 := session.New(behind.store, behind.observed(session.Options{}))
	if err != nil || err2 != nil {
		s.Fatal(err, err2)
	}
	open := s.newSite()
	open.store = behind.store
	cookie := open.start(inner).get("/login", "").issued()
	for m, status := range map[*session.Manager]int{nil: 200, inner: 200, outer: 401} {
		st := s.newSite()
		st.guard = &session.Guard{Manager: m}
		st.start(outer, inner).asks("GET", "/unused", cookie).untouched().hasStatus(status)
	}
}

func (a *answer) hasStatus(status int) {
	a.s.Helper()
	if a.err != nil || a.status != status {
		a.s.Errorf("answer %d %q (%v), want %d", a.status, a.body, a.err, status)
	}
}

func guardElsewhere(s *suite) {
	_, behind := s.guarded(session.Options{}, session.Guard{Login: "/login"})
	for _, path := range []string{
		"/x?q=" + strings.Repeat("a", 3000), "/a%2Fb", "/a%5Cb", "/a%0D%0ASet-Cookie:%20id=1",
	} {
		a := behind.asks("GET", path, "", "Accept", acceptPages)
		if a.status != 303 || a.header.Get("Location") != "/login" { // unless the framework knows a better answer
			s.Logf("%.30s: answer %d to %q", path, a.status, a.header.Get("Location"))
		}
		if to, err := url.Parse(a.header.Get("Location")); err != nil || to.Host != "" || strings.Contains(to.RawQuery,
			"next") {
			s.Errorf("%.30s: leads to %v (%v)", path, to, err)
		}
	}
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, behind.url+"/orders", nil)
	if err != nil {
		s.Fatal(err)
	}
	r.Host = "evil.example"
	r.Header.Set("Accept", acceptPages)
	r.Header.Set("X-Forwarded-Host", "evil.example")
	behind.do(r).sends(303, "Location", "/login?next=/orders")
}

func guardWiring(s *suite) {
	m, err := session.New(s.newSite().store, session.Options{})
	if err != nil {
		s.Fatal(err)
	}
	for _, login := range []string{"https://login.example/", "//login.example", "login"} {
		panicked := func() (p any) {
			defer func() { p = recover() }()
			s.serve(s, App{Managers: []*session.Manager{m}, Guard: &session.Guard{Login: login},
				Handle: func(c *Call) error { return c.Respond(200, "") }})
			return nil
		}()
		if !strings.Contains(fmt.Sprint(panicked), "Guard.Login") {
			s.Errorf("Require with the login page %q: panic %v, want one that names Guard.Login; call Guard.Ready first",
				login, panicked)
		}
	}
}
