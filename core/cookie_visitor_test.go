package session_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
)

// P10 to P15: tokens and cookies.

func TestAClientsValueIsNeverAdopted(t *testing.T) {
	w := newWorld(t, session.Options{})
	chosen := strings.Repeat("A", 43)
	v := w.read(t, chosen, func(s *session.Session) { count.Set(s, 1) }).succeeded()
	if v.issued() == chosen || w.countOf(t, chosen) != 0 {
		t.Error("a token chosen by the client became a session's")
	}
	if !w.saw(session.ReasonUnknown) {
		t.Error("a well-formed token that was never issued was not counted")
	}
}

func TestABadCookieIsAnAnonymousVisitor(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	sealed := newSealed(t, session.TemporaryKeys(), session.Options{})
	sealedCookie := sealed.start(t)
	foreign := newSealed(t, session.TemporaryKeys(), session.Options{}).start(t)
	for what, c := range map[string]struct {
		w      *world
		value  string
		reason session.Reason
	}{
		"truncated":        {w, cookie[:20], session.ReasonMalformed},
		"tampered":         {w, flip(cookie), session.ReasonUnknown},
		"1 MB":             {w, strings.Repeat("x", 1<<20), session.ReasonOversized},
		"control bytes":    {w, cookie[:42] + "\x01", session.ReasonMalformed},
		"sealed truncated": {sealed, sealedCookie[:30], session.ReasonUnopenable},
		"sealed tampered":  {sealed, flip(sealedCookie), session.ReasonUnopenable},
		"sealed foreign":   {sealed, foreign, session.ReasonUnopenable},
		"sealed 1 MB":      {sealed, strings.Repeat("x", 1<<20), session.ReasonOversized},
		"a token, sealed":  {sealed, cookie, session.ReasonUnopenable},
		"sealed, a token":  {w, sealedCookie, session.ReasonMalformed},
	} {
		c.w.events = nil
		v := c.w.read(t, c.value, func(s *session.Session) {
			if s.Exists() || count.Get(s) != 0 || s.Err() != nil {
				t.Errorf("%s: exists %t, error %v; want an anonymous visitor", what, s.Exists(), s.Err())
			}
		}).succeeded()
		v.untouched()
		if !c.w.saw(c.reason) {
			t.Errorf("%s: events %v, want %s", what, c.w.events, c.reason)
		}
	}
}

func TestSeveralCookiesOfOneName(t *testing.T) {
	w := newWorld(t, session.Options{})
	a, b, junk := w.start(t), w.start(t), strings.Repeat("A", 43)
	for what, c := range map[string]struct {
		values []string
		want   int // what count reads as
		loads  int
	}{
		"junk first":       {[]string{junk, a}, 1, 2},
		"malformed first":  {[]string{"x", a}, 1, 1},
		"the same twice":   {[]string{a, a}, 1, 1},
		"two valid":        {[]string{a, b}, 0, 2},
		"too many to try":  {[]string{junk, strings.Repeat("B", 42) + "A", strings.Repeat("C", 42) + "A", a}, 0, 3},
		"none of them any": {[]string{junk, "y"}, 0, 1},
	} {
		w.store.Reset()
		v := begin(t, w.Manager, "")
		v.x.lines = []string{cookieName + "=" + c.values[0]}
		for i, value := range c.values[1:] {
			if i%2 == 0 {
				v.x.lines = append(v.x.lines, cookieName+"="+value) // a Cookie line of its own
			} else {
				v.x.lines[0] += "; " + cookieName + "=" + value
			}
		}
		if n := count.Get(v.Session); n != c.want {
			t.Errorf("%s: count = %d, want %d", what, n, c.want)
		}
		v.finish().succeeded().untouched()
		if n := w.store.Count("Load"); n != c.loads {
			t.Errorf("%s: %d loads, want %d", what, n, c.loads)
		}
	}
	if !w.saw(session.ReasonAmbiguous) {
		t.Error("two different valid cookies were not counted")
	}
}

// Logs lead from an event to a session: one about a cookie that opens nothing must not name the session beside it.
func TestAnUnknownCookieBesideAGoodOneHasNoHandle(t *testing.T) {
	w := newWorld(t, session.Options{})
	good, junk := w.start(t), strings.Repeat("A", 43)
	w.events = nil
	v := begin(t, w.Manager, "")
	v.x.lines = []string{cookieName + "=" + good + "; " + cookieName + "=" + junk}
	if n := count.Get(v.Session); n != 1 {
		t.Errorf("count = %d, want 1", n)
	}
	v.finish().succeeded()
	for _, e := range w.events {
		if e.Reason == session.ReasonUnknown && e.Handle != "" {
			t.Errorf("the event about an unknown cookie names session %s", e.Handle)
		}
	}
	if !w.saw(session.ReasonUnknown) {
		t.Error("the unknown cookie was not reported")
	}
}

func TestATokenOfOneManagerIsNothingToAnother(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	other, err := session.New(w.store, session.Options{Name: "admin", Cookie: session.Cookie{Name: cookieName}})
	if err != nil {
		t.Fatal(err)
	}
	v := begin(t, other, cookie)
	if count.Get(v.Session) != 0 || v.Exists() {
		t.Error("one store, two managers: a token opened the other's session")
	}
	v.finish().succeeded()
}

func TestOneManagerWorksOnceInARequest(t *testing.T) {
	w := newWorld(t, session.Options{})
	v := begin(t, w.Manager, "")
	var again session.Request
	if _, ok := w.Begin(v.ctx, &again, &v.x); ok {
		t.Error("the same middleware, mounted twice, made two sessions of one")
	}
}

func TestTwoManagersShareARequest(t *testing.T) {
	w, admin := newWorld(t, session.Options{}), newWorld(t, session.Options{Name: "admin"})
	v := begin(t, w.Manager, "")
	var inner session.Request
	ctx, ok := admin.Begin(v.ctx, &inner, &v.x)
	if !ok || session.From(ctx) != inner.Session() || w.From(ctx) != v.Session || admin.From(ctx) != inner.Session() {
		t.Fatal("From does not find each manager's session")
	}
	count.Set(w.From(ctx), 1)
	count.Set(admin.From(ctx), 2)
	for _, r := range []*session.Request{&inner, &v.request} {
		if _, ok := r.Commit(http.StatusOK); !ok {
			t.Fatal("commit failed")
		}
		r.End()
	}
	if lines := v.x.response["Set-Cookie"]; len(lines) != 2 {
		t.Errorf("Set-Cookie lines %q, want one for each manager", lines)
	}
}

func TestCachesAreToldAboutTheSession(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	for _, c := range []struct{ vary, control, wantVary, wantControl string }{
		{"", "", "Cookie", "private"},
		{"Accept", "", "Accept, Cookie", "private"},
		{"accept, cookie", "", "accept, cookie", "private"},
		{"*", "", "*", "private"},
		{"", "public, max-age=60", "Cookie", "public, max-age=60"},
	} {
		v := begin(t, w.Manager, cookie)
		set(v.x.response, "Vary", c.vary)
		set(v.x.response, "Cache-Control", c.control)
		count.Get(v.Session)
		v.finish().succeeded()
		if got := v.x.response; got.Get("Vary") != c.wantVary || got.Get("Cache-Control") != c.wantControl {
			t.Errorf("%+v: headers %v", c, got)
		}
	}
	v := begin(t, w.Manager, "")
	set(v.x.response, "Cache-Control", "public")
	count.Set(v.Session, 1)
	if v.finish().succeeded(); v.x.response.Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v: a response that carries a session's cookie must not be stored", v.x.response)
	}
}

func TestTokensAndValuesAreNeverPrinted(t *testing.T) {
	w := newWorld(t, session.Options{})
	v := begin(t, w.Manager, "")
	name.Set(v.Session, "secret-value")
	v.finish().succeeded()
	cookie := v.issued()
	v = begin(t, w.Manager, cookie)
	name.Get(v.Session)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		text := fmt.Sprintf(verb, v.Session) + fmt.Sprintf(verb, w.Manager)
		for _, secret := range []string{cookie, "secret-value", fmt.Sprintf("%x", "secret-value"),
			fmt.Sprint([]byte("secret-value"))} {
			if strings.Contains(text, secret) {
				t.Errorf("%s prints %q", verb, secret)
			}
		}
	}
	v.finish()
	for _, e := range w.events {
		if text := fmt.Sprintf("%+v", e); strings.Contains(text, cookie) || strings.Contains(text, "secret-value") {
			t.Errorf("event %s prints a secret", text)
		}
	}
}

func TestAPersistentCookieLastsAsLongAsTheSessionCan(t *testing.T) {
	w := newWorld(t, session.Options{Cookie: session.Cookie{Persistent: true}})
	v := begin(t, w.Manager, "")
	count.Set(v.Session, 1)
	if v.finish(); !strings.HasSuffix(v.x.response.Get("Set-Cookie"), "; Max-Age=43200") {
		t.Errorf("Set-Cookie %q, want the absolute timeout as Max-Age", v.x.response.Get("Set-Cookie"))
	}
}
