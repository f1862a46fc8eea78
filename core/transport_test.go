package session_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// bearer is a world whose tokens travel in headers.
func bearer(t *testing.T, o session.Options) *world {
	t.Helper()
	o.Transport = session.Bearer
	return newWorld(t, o)
}

// bear begins a request with an Authorization header, unless that is "".
func bear(t *testing.T, m *session.Manager, authorization string) *visit {
	t.Helper()
	v := &visit{t: t, x: exchange{response: map[string][]string{}, header: map[string]string{}}}
	if authorization != "" {
		v.x.header["Authorization"] = authorization
	}
	var ok bool
	if v.ctx, ok = m.Begin(t.Context(), &v.request, &v.x); !ok {
		t.Fatal("Begin: the manager is at work already")
	}
	v.Session = v.request.Session()
	return v
}

// handed returns the token that the response gives, "" for none. It fails the test if the response sets a cookie.
func (v *visit) handed() string {
	v.t.Helper()
	if lines := v.x.response["Set-Cookie"]; len(lines) > 0 {
		v.t.Errorf("a bearer gets cookies: %q", lines)
	}
	return v.x.response.Get("Session-Token")
}

// bears runs f on the session behind a token and returns the token that the response gives.
func (w *world) bears(t *testing.T, token string, f func(*session.Session)) string {
	t.Helper()
	v := bear(t, w.Manager, "Bearer "+token)
	f(v.Session)
	return v.finish().succeeded().handed()
}

func TestTransportIsChecked(t *testing.T) {
	for _, transport := range []session.Transport{-1, session.Either + 1} {
		_, err := session.NewSealed(session.TemporaryKeys(), session.Options{Transport: transport})
		if err == nil || !strings.Contains(err.Error(), "Bearer") {
			t.Errorf("Transport %d: error %v", transport, err)
		}
	}
}

// A new session has a header of its own, so that two managers would take each other's tokens.
func TestTwoManagersOfBearersDoNotShareARoute(t *testing.T) {
	outer, inner := bearer(t, session.Options{Name: "outer"}), newWorld(t, session.Options{Transport: session.Either})
	v := bear(t, outer.Manager, "")
	defer v.finish()
	func() {
		defer func() {
			if text := fmt.Sprint(recover()); !strings.Contains(text, "Options.Transport") {
				t.Errorf("panic %q, want one that names the option", text)
			}
		}()
		beginWith(v.ctx, t, inner.Manager, "")
	}()
	beginWith(v.ctx, t, newWorld(t, session.Options{}).Manager, "").finish()
}

func TestEventsTellTheTransport(t *testing.T) {
	w := newWorld(t, session.Options{Transport: session.Either})
	token := bear(t, w.Manager, "Bearer")
	count.Set(token.Session, 1)
	if token.finish().handed() == "" {
		t.Fatal("no token")
	}
	bear(t, w.Manager, "Bearer x").Exists()
	w.start(t)
	v := begin(t, w.Manager, "junk")
	v.Exists()
	v.finish()
	w.login(t, "user:1")
	if _, err := w.RevokeAll(t.Context(), "user:1"); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range w.events {
		got = append(got, string(e.Reason)+" "+e.Transport)
	}
	want := "created bearer, malformed bearer, created cookie, malformed cookie, created cookie, login cookie, revoked "
	if text := strings.Join(got, ", "); text != want {
		t.Errorf("events %q, want %q", text, want)
	}
}

// There is no cookie to delete, so a Destroy asks for no header, even one that Save has done before the connection is
// taken over; and what Save gave before that is dead.
func TestABearersDestroyNeedsNoHeader(t *testing.T) {
	w := bearer(t, session.Options{})
	token := w.bears(t, "", func(s *session.Session) { count.Set(s, 1) })
	v := bear(t, w.Manager, "Bearer "+token)
	v.Login("user:1")
	if err := v.Save(); err != nil {
		t.Fatal(err)
	}
	v.Destroy()
	if err := v.Save(); err != nil {
		t.Fatal(err)
	}
	if instead, ok := v.request.CommitHeaderless(); !ok {
		t.Errorf("answer %d %q", instead.Status, instead.Body)
	}
	v.request.End()
	if got := v.handed(); got != "" || w.alive(t) != 0 {
		t.Errorf("token %q; %d sessions live", got, w.alive(t))
	}
}

// Nothing could be sent of it in time either.
func TestABearersSealedSessionMayBeDestroyedLate(t *testing.T) {
	w := newSealed(t, session.TemporaryKeys(), session.Options{Transport: session.Bearer})
	token := w.bears(t, "", func(s *session.Session) { s.Login("user:1") })
	v := bear(t, w.Manager, "Bearer "+token)
	v.Exists()
	v.commit().succeeded()
	v.Destroy()
	v.request.End()
	if w.saw(session.ReasonTooLate) || !w.saw(session.ReasonEnded) {
		t.Errorf("events %+v", w.events)
	}
}

// The token of a login that Save has made has to reach the client all the same.
func TestABearersTokenIsOwedToWhoTakesOverTheConnection(t *testing.T) {
	w := bearer(t, session.Options{})
	v := bear(t, w.Manager, "")
	v.Login("user:1")
	if err := v.Save(); err != nil {
		t.Fatal(err)
	}
	if _, ok := v.request.CommitHeaderless(); ok || v.handed() == "" {
		t.Errorf("took over: %t, token %q", ok, v.handed())
	}
}

// The attributes of a cookie are nothing to a bearer, and the change costs no header and no second write.
func TestALifetimeIsNoTokenForABearer(t *testing.T) {
	w := bearer(t, session.Options{})
	token := w.bears(t, "", func(s *session.Session) { s.Login("user:1") })
	got := w.bears(t, token, func(s *session.Session) { s.SetLifetime(session.Lifetime{Persistent: session.Keep}) })
	if got != "" {
		t.Error("a change of persistence hands out a token")
	}
	w.store.Reset()
	if got := w.bears(t, token, func(s *session.Session) { s.Exists() }); got != "" || w.store.Count("Update") != 0 {
		t.Errorf("token %q, %d updates by a request that reads", got, w.store.Count("Update"))
	}
}

// In Either a cookie whose attributes another request has changed is owed to the browser still after a bearer came by,
// for whom nothing is written.
func TestABearerDoesNotTakeWhatABrowserIsOwed(t *testing.T) {
	w := newWorld(t, session.Options{Transport: session.Either})
	cookie := w.login(t, "user:1")
	late := begin(t, w.Manager, cookie)
	late.Exists()
	fresh := w.read(t, cookie, func(s *session.Session) { s.Renew() }).issued()
	late.SetLifetime(session.Lifetime{Persistent: session.Keep}) // and cannot know the new token
	late.finish().succeeded().untouched()
	w.store.Reset()
	if got := w.bears(t, fresh, func(s *session.Session) { s.Exists() }); got != "" || w.store.Count("Update") != 0 {
		t.Errorf("token %q, %d updates by a bearer that reads", got, w.store.Count("Update"))
	}
	w.bears(t, fresh, func(s *session.Session) { count.Set(s, 1) })
	v := w.read(t, fresh, func(s *session.Session) { s.Exists() })
	if line := v.x.response.Get("Set-Cookie"); !strings.Contains(line, "Max-Age") {
		t.Errorf("Set-Cookie %q, want a persistent one", line)
	}
}

func TestABearersDeadTokenCostsNoWrite(t *testing.T) {
	w := bearer(t, session.Options{})
	token := w.bears(t, "", func(s *session.Session) { s.Login("user:1") })
	if _, err := w.RevokeAll(t.Context(), "user:1"); err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(2 * time.Minute)
	w.store.Reset()
	got := w.bears(t, token, func(s *session.Session) { s.Exists() })
	if n := w.store.Count("Update"); n != 0 || got != "" {
		t.Errorf("%d updates to delete a cookie that is not there; token %q", n, got)
	}
}

// What Begin has read counts: handlers and framework may change the request's headers later.
func TestTheHeaderIsReadWhenTheRequestBegins(t *testing.T) {
	w := bearer(t, session.Options{RenewAfter: time.Minute})
	token := w.bears(t, "", func(s *session.Session) { s.Login("user:1") })
	w.now = w.now.Add(time.Minute)
	v := bear(t, w.Manager, "Bearer "+token)
	v.x.header["Authorization"] = "Bearer junk"
	if v.Subject() != "user:1" || v.FormToken() == "" {
		t.Error("the header was read when the session was used")
	}
	if v.finish().succeeded().handed() == "" {
		t.Error("the periodic renewal did not find the presented token")
	}
}

func TestAFormTokenIsGoodForABearer(t *testing.T) {
	w := bearer(t, session.Options{})
	form := ""
	token := w.bears(t, "", func(s *session.Session) { form = s.FormToken() })
	w.bears(t, token, func(s *session.Session) {
		if !s.CheckFormToken(form) || s.CheckFormToken("x") {
			t.Error("the form token is not the session's")
		}
	})
}

// A sealed token is as long as a cookie may be, because nothing else bounds what clients have to store.
func TestASealedTokenIsBounded(t *testing.T) {
	m, err := session.NewSealed(session.TemporaryKeys(), session.Options{Transport: session.Bearer})
	if err != nil {
		t.Fatal(err)
	}
	v := bear(t, m, "")
	name.Set(v.Session, strings.Repeat("x", 4000))
	v.finish().failedWith(500)
	if v.handed() != "" {
		t.Error("a token was handed out")
	}
}

// An application's own answer may ask for something else, and keeps its map.
func TestAGuardsChallengeLeavesTheApplicationsOwn(t *testing.T) {
	for _, own := range []map[string]string{nil, {"Retry-After": "1"}, {"www-authenticate": "DPoP"}} {
		w := bearer(t, session.Options{ErrorResponse: func(error, func(string) string) session.Response {
			return session.Response{Status: 401, Header: own}
		}})
		before := maps.Clone(own)
		v := bear(t, w.Manager, "")
		instead, ok := session.Guard{Login: "/login"}.Admit(v.ctx)
		v.finish()
		want := "Bearer"
		if own["www-authenticate"] != "" {
			want = ""
		}
		if ok || instead.Header["WWW-Authenticate"] != want || !maps.Equal(before, own) {
			t.Errorf("%v: admitted %t, %v", own, ok, instead.Header)
		}
	}
}
