package session_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

const oldCookie = "old_session"

// elsewhere is another system: its cookie is a name, a colon and "good", or what is wrong with it.
type elsewhere struct {
	opened  int
	down    bool
	foreign func(f *session.Foreign)
}

func (e *elsewhere) open(_ context.Context, value string) (session.Foreign, error) {
	e.opened++
	who, state, _ := strings.Cut(value, ":")
	switch {
	case e.down:
		return session.Foreign{}, errDown
	case state == "gone":
		return session.Foreign{}, fmt.Errorf("look up: %w", session.ErrNotFound)
	case state != "good":
		return session.Foreign{}, &session.NotImportedError{Reason: session.Reason(state)}
	}
	f := session.Foreign{ID: value, Subject: who, Values: map[string]any{
		"cart": json.RawMessage(`["coat"]`), "lang": "de", "visits": 3, "secret": "stays there",
	}}
	if e.foreign != nil {
		e.foreign(&f)
	}
	return f, nil
}

// importer takes e's sessions over for a month.
func (e *elsewhere) importer() session.Importer {
	return session.Importer{
		Name: "elsewhere", Cookie: session.ForeignCookie{Name: oldCookie, Path: "/app", SameSite: http.SameSiteLaxMode},
		Open: e.open, Until: time.Now().Add(30 * 24 * time.Hour),
		Values: map[string]session.AnyKey{"cart": items, "lang": name, "visits": count},
	}
}

func newImporting(t *testing.T, o session.Options) (*world, *elsewhere) {
	t.Helper()
	e := &elsewhere{}
	o.Import = append(o.Import, e.importer())
	return newWorld(t, o), e
}

// bring begins a request with another system's cookie, and ours if there is one.
func bring(t *testing.T, m *session.Manager, old, own string) *visit {
	t.Helper()
	v := begin(t, m, own)
	v.x.lines = append(v.x.lines, oldCookie+"="+old)
	return v
}

// dropped reports whether the response deletes the other system's cookie, and with the right attributes.
func (v *visit) dropped() bool {
	v.t.Helper()
	for _, line := range v.x.response["Set-Cookie"] {
		if strings.HasPrefix(line, oldCookie+"=") {
			if want := oldCookie + "=; Path=/app; HttpOnly; Secure; SameSite=Lax; Max-Age=0"; line != want {
				v.t.Errorf("the other system's cookie gets %q, want %q", line, want)
			}
			return true
		}
	}
	return false
}

// has fails the test unless the session is the imported one of who.
func (v *visit) has(who string) *visit {
	v.t.Helper()
	cart, lang, visits := items.Get(v.Session), name.Get(v.Session), count.Get(v.Session)
	if v.Subject() != who || !slices.Equal(cart, []string{"coat"}) || lang != "de" || visits != 3 {
		v.t.Errorf("subject %q, cart %v, language %q, visits %d; want %q, coat, de, 3", v.Subject(), cart, lang, visits, who)
	}
	return v
}

func reasonsOf(w *world) (reasons []session.Reason) {
	for _, e := range w.events {
		reasons = append(reasons, e.Reason)
	}
	return reasons
}

func TestImport(t *testing.T) {
	w, e := newImporting(t, session.Options{})
	v := bring(t, w.Manager, "ann:good", "").has("ann").finish().succeeded()
	own := v.issued()
	if !v.dropped() {
		t.Error("the old cookie stays: it would be a second key to the session")
	}
	if got := reasonsOf(w); !slices.Contains(got, session.ReasonImported) || !slices.Contains(got, session.ReasonLogin) {
		t.Errorf("events %v, want imported and login", got)
	}
	for _, event := range w.events {
		if event.Importer != "elsewhere" || strings.Contains(fmt.Sprint(event), "good") {
			t.Errorf("event %+v: want the importer's name, and nothing of the old cookie", event)
		}
	}
	asked := e.opened
	begin(t, w.Manager, own).has("ann").finish().succeeded()
	bring(t, w.Manager, "ann:good", own).has("ann").finish().succeeded()
	if e.opened != asked {
		t.Error("an importer was asked for a visitor who has a session of ours")
	}
}

func TestImportsAtOnceAreOneSession(t *testing.T) {
	w, _ := newImporting(t, session.Options{})
	a, b := bring(t, w.Manager, "ann:good", ""), bring(t, w.Manager, "ann:good", "")
	count.Update(a.has("ann").Session, addOne)
	count.Update(b.has("ann").Session, addOne)
	if first, second := a.finish().succeeded().issued(), b.finish().succeeded().issued(); first != second {
		t.Error("two requests that came at once got two sessions, so one's changes would be lost")
	}
	if own := a.issued(); count.Get(begin(t, w.Manager, own).Session) != 5 {
		t.Error("of two requests that came at once with the old cookie one lost its change")
	}
	if all, err := w.Count(t.Context()); all != 1 || err != nil {
		t.Errorf("%d sessions, error %v; want one", all, err)
	}
}

func TestImportWhoseAnswerWasLostIsHandedOutAgain(t *testing.T) {
	w, _ := newImporting(t, session.Options{})
	first := bring(t, w.Manager, "ann:good", "").has("ann").finish().succeeded().issued()
	w.now = w.now.Add(5 * time.Minute)
	again := bring(t, w.Manager, "ann:good", "").has("ann").finish().succeeded()
	if again.issued() != first || !again.dropped() {
		t.Error("the visitor whose answer was lost is not handed the same cookie again")
	}
}

func TestImportHappensOnce(t *testing.T) {
	for what, end := range map[string]func(*world, string){
		"after a logout":        func(w *world, own string) { w.read(t, own, (*session.Session).Destroy) },
		"after it has run out":  func(w *world, _ string) { w.now = w.now.Add(idleEnd) },
		"after RevokeAll":       func(w *world, _ string) { _, _ = w.RevokeAll(t.Context(), "ann") },
		"once ours is in use":   func(w *world, own string) { existsWith(t, w, own); w.now = w.now.Add(2 * time.Minute) },
		"after a login as such": func(w *world, own string) { w.read(t, own, func(s *session.Session) { s.Login("ann") }) },
	} {
		t.Run(what, func(t *testing.T) {
			w, _ := newImporting(t, session.Options{})
			end(w, bring(t, w.Manager, "ann:good", "").has("ann").finish().issued())
			for _, wait := range []time.Duration{0, 10 * time.Minute, 13 * time.Hour} {
				w.now = w.now.Add(wait)
				v := bring(t, w.Manager, "ann:good", "")
				if v.Subject() != "" || v.Exists() {
					t.Errorf("%v later the old cookie opens the session again", wait)
				}
				v.finish().succeeded()
			}
		})
	}
}

func TestRefusedImportsAreCountedAndChangeNothing(t *testing.T) {
	for state, want := range map[string]session.Reason{
		"gone": session.ReasonUnknown, "unopenable": session.ReasonUnopenable, "": session.ReasonCorrupt,
	} {
		w, _ := newImporting(t, session.Options{})
		v := bring(t, w.Manager, "ann:"+state, "")
		if v.Exists() || v.Reason() != want {
			t.Errorf("%q: a session or reason %q, want none and %q", state, v.Reason(), want)
		}
		v.finish().succeeded().untouched()
		if v.dropped() {
			t.Errorf("%q: a cookie that is not ours was wiped", state)
		}
		if len(w.events) != 1 || w.events[0].Reason != want || w.events[0].Importer != "elsewhere" {
			t.Errorf("%q: events %v, want one with the reason", state, w.events)
		}
	}
}

func TestUnreachableOtherSystemIs503(t *testing.T) {
	w, e := newImporting(t, session.Options{})
	e.down = true
	v := bring(t, w.Manager, "ann:good", "")
	if err := v.Err(); !errors.Is(err, session.ErrUnavailable) {
		t.Errorf("Err is %v, want ErrUnavailable", err)
	}
	v.finish().failedWith(http.StatusServiceUnavailable)
	if v.untouched(); v.dropped() {
		t.Error("the old cookie was deleted though its session could not be read")
	}
	e.down = false
	bring(t, w.Manager, "ann:good", "").has("ann").finish().succeeded()
}

func TestFailedImportKeepsTheOldCookie(t *testing.T) {
	for _, method := range []string{"Create", "Load"} {
		w, _ := newImporting(t, session.Options{})
		w.store.Before(fail(method))
		v := bring(t, w.Manager, "ann:good", "")
		_ = v.Subject()
		v.finish().failedWith(http.StatusServiceUnavailable)
		if v.untouched(); v.dropped() {
			t.Errorf("%s fails: the old cookie was deleted, so the visitor is logged out", method)
		}
		w.store.Before(nil)
		bring(t, w.Manager, "ann:good", "").has("ann").finish().succeeded()
	}
}

func TestRevokedIsNotImported(t *testing.T) {
	for what, revoke := range map[string]func(w *world) error{
		"RevokeAll": func(w *world) error { _, err := w.RevokeAll(t.Context(), "ann"); return err },
		"RevokeOthers": func(w *world) error {
			v := begin(t, w.Manager, "")
			v.Login("ann")
			_, err := w.RevokeOthers(t.Context(), v.Session)
			v.finish()
			return err
		},
		"RevokeEverybody": func(w *world) error { _, err := w.RevokeEverybody(t.Context()); return err },
	} {
		w, e := newImporting(t, session.Options{})
		for range 2 {
			id, before := "", w.now.Add(-time.Minute)
			e.foreign = func(f *session.Foreign) { f.ID, f.Authenticated, f.Written = id, before, w.now.Add(time.Minute) }
			if err := revoke(w); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			v := bring(t, w.Manager, "ann:good", "")
			if v.Subject() != "" || v.Reason() != session.ReasonAlreadyEnded {
				t.Errorf("%s: what the other system still had was taken over: it was to be over", what)
			}
			v.finish().succeeded()
			before = time.Time{}
			if bring(t, w.Manager, "ann:good", "").Exists() {
				t.Errorf("%s: what has been written since counts as begun since: a stolen copy may have been used", what)
			}
			w.now = w.now.Add(time.Minute)
			id, before = w.now.String(), w.now
			bring(t, w.Manager, "ann:good", "").has("ann").finish().succeeded()
			w.now = w.now.Add(time.Minute)
		}
	}
}

func TestImportSaysWhenThePasswordWasGiven(t *testing.T) {
	for _, c := range []struct {
		ago  time.Duration
		want bool
	}{{time.Minute, true}, {time.Hour, false}, {0, false}} {
		w, e := newImporting(t, session.Options{})
		e.foreign = func(f *session.Foreign) {
			if c.ago > 0 {
				f.Authenticated = w.now.Add(-c.ago)
			}
		}
		v := bring(t, w.Manager, "ann:good", "").has("ann")
		if got := v.AuthenticatedWithin(10 * time.Minute); got != c.want {
			t.Errorf("password given %v ago: AuthenticatedWithin is %t, want %t: who has taken over an old cookie has "+
				"not shown who he is", c.ago, got, c.want)
		}
		if got, want := v.Info().Authenticated, w.now.Add(-c.ago); c.ago > 0 && got.UnixMilli() != want.UnixMilli() {
			t.Errorf("Info says %v, want %v", got, want)
		}
		own := v.finish().succeeded().issued()
		w.read(t, own, func(s *session.Session) { s.Login("ann") })
	}
}

func TestImportEndsNoLaterThanElsewhere(t *testing.T) {
	w, e := newImporting(t, session.Options{})
	e.foreign = func(f *session.Foreign) { f.Deadline = w.now.Add(10 * time.Minute) }
	own := bring(t, w.Manager, "ann:good", "").has("ann").finish().issued()
	w.now = w.now.Add(9 * time.Minute)
	begin(t, w.Manager, own).has("ann").finish()
	w.now = w.now.Add(2 * time.Minute)
	if existsWith(t, w, own) {
		t.Error("the session outlives the deadline that it had over there")
	}
}

func TestHandlerOfAnImportingRequest(t *testing.T) {
	w, _ := newImporting(t, session.Options{})
	v := bring(t, w.Manager, "ann:good", "").has("ann")
	v.Login("bob")
	own := v.finish().succeeded().issued()
	if !v.dropped() {
		t.Error("a login as somebody else leaves the old cookie")
	}
	w.read(t, own, func(s *session.Session) {
		if s.Subject() != "bob" || items.Get(s) != nil {
			t.Errorf("%q has %v: the values were another's", s.Subject(), items.Get(s))
		}
	})
	v = bring(t, w.Manager, "eve:good", "").has("eve")
	v.Destroy()
	if v.finish().succeeded(); !v.dropped() {
		t.Error("a logout leaves the old cookie")
	}
	if bring(t, w.Manager, "eve:good", "").Exists() {
		t.Error("a session that was ended in the request that took it over comes back")
	}
}

func TestSeveralOldCookies(t *testing.T) {
	w, _ := newImporting(t, session.Options{})
	v := bring(t, w.Manager, "ann:good; "+oldCookie+"=bob:good", "")
	if v.Exists() || v.Reason() != session.ReasonAmbiguous {
		t.Errorf("two visitors' cookies opened %q's session", v.Subject())
	}
	bring(t, w.Manager, "ann:unopenable; "+oldCookie+"=ann:good", "").has("ann").finish().succeeded()
}

func TestCrossSiteRequestImportsNothing(t *testing.T) {
	w, e := newImporting(t, session.Options{})
	v := &visit{t: t, x: exchange{response: http.Header{}, method: "POST", header: map[string]string{
		"Sec-Fetch-Site": "cross-site",
	}, lines: []string{oldCookie + "=ann:good"}}}
	v.ctx, _ = w.Begin(t.Context(), &v.request, &v.x)
	if v.Session = v.request.Session(); v.Exists() || e.opened > 0 {
		t.Error("another origin's page has made a browser move its session")
	}
}

func TestSealedImport(t *testing.T) {
	e := &elsewhere{}
	w := newSealed(t, session.TemporaryKeys(), session.Options{Import: []session.Importer{e.importer()}})
	v := bring(t, w.Manager, "ann:good", "").has("ann").finish().succeeded()
	if own := v.issued(); !v.dropped() || begin(t, w.Manager, own).has("ann") == nil {
		t.Error("the old cookie stays")
	}
	v = bring(t, w.Manager, "ann:good", "").has("ann")
	name.Set(v.Session, "fr")
	if own := v.finish().succeeded().issued(); name.Get(begin(t, w.Manager, own).Session) != "fr" {
		t.Error("what the importing request wrote is lost")
	}
}

func TestRevokedSealedSessionIsNotImportedAgain(t *testing.T) {
	e := &elsewhere{}
	w := newRevocable(t, session.Options{Import: []session.Importer{e.importer()}})
	own := bring(t, w.Manager, "ann:good", "").has("ann").finish().succeeded().issued()
	w.read(t, own, (*session.Session).Destroy)
	if v := bring(t, w.Manager, "ann:good", ""); v.Subject() != "" {
		t.Error("a sealed session that was logged out comes back with the old cookie")
	}
}

func TestImportersEndIsTold(t *testing.T) {
	told := func(left time.Duration) (n int, imported bool) {
		e := &elsewhere{}
		im := e.importer()
		im.Until = time.Now().Add(left)
		w := newWorld(t, session.Options{Import: []session.Importer{im}})
		for range 3 {
			imported = bring(t, w.Manager, "ann:good", "").Exists()
		}
		for _, e := range w.events {
			if e.Reason == session.ReasonImportEnds && e.Err != nil {
				n++
			}
		}
		return n, imported
	}
	for left, want := range map[time.Duration]int{30 * 24 * time.Hour: 0, 6 * 24 * time.Hour: 1, -time.Minute: 1} {
		if n, imported := told(left); n != want || imported != (left > 0) {
			t.Errorf("%v before its end: told %d times, imports %t; want %d, %t", left, n, imported, want, left > 0)
		}
	}
}

func TestFill(t *testing.T) {
	for what, fill := range map[string]func(*session.Session) error{
		"login":   func(s *session.Session) error { s.Login("root"); return nil },
		"destroy": func(s *session.Session) error { s.Destroy(); return nil },
		"renew":   func(s *session.Session) error { s.Renew(); return nil },
		"save":    func(s *session.Session) error { _ = s.Save(); return nil },
		"error":   func(*session.Session) error { return errDown },
	} {
		e := &elsewhere{}
		im := e.importer()
		im.Fill = func(_ context.Context, s *session.Session, _ session.Foreign) error { return fill(s) }
		w := newWorld(t, session.Options{Import: []session.Importer{im}})
		v := bring(t, w.Manager, "ann:good", "")
		_ = v.Subject()
		v.finish().failedWith(http.StatusServiceUnavailable)
		if n, err := w.Count(t.Context()); n > 0 || err != nil {
			t.Errorf("%s: %d sessions are there, error %v", what, n, err)
		}
	}
	e := &elsewhere{}
	im := e.importer()
	im.Fill = func(_ context.Context, s *session.Session, f session.Foreign) error {
		if s.Subject() != "ann" {
			t.Errorf("Fill sees the subject %q", s.Subject())
		}
		name.Set(s, f.Values["secret"].(string))
		s.SetLifetime(session.Lifetime{Idle: time.Hour, Absolute: 2 * time.Hour})
		return nil
	}
	w := newWorld(t, session.Options{Import: []session.Importer{im}})
	v := bring(t, w.Manager, "ann:good", "")
	if name.Get(v.Session) != "stays there" || v.Info().Deadline.Sub(w.now).Round(time.Minute) != 2*time.Hour {
		t.Errorf("Fill's value %q and deadline %v did not arrive", name.Get(v.Session), v.Info().Deadline.Sub(w.now))
	}
	v.finish().succeeded()
}

func TestValuesThatDoNotFitAreLeftOut(t *testing.T) {
	w, e := newImporting(t, session.Options{})
	e.foreign = func(f *session.Foreign) { f.Values["visits"] = json.RawMessage(`"many"`) }
	v := bring(t, w.Manager, "ann:good", "")
	if v.Subject() != "ann" || count.Get(v.Session) != 0 || name.Get(v.Session) != "de" {
		t.Error("a value that does not fit keeps the others from coming along")
	}
	v.finish().succeeded()
	if got := reasonsOf(w); !slices.Contains(got, session.ReasonUndecodable) {
		t.Errorf("events %v, want undecodable", got)
	}
}

func TestNobodysSessionBringsItsValues(t *testing.T) {
	w, e := newImporting(t, session.Options{})
	e.foreign = func(f *session.Foreign) { f.Subject = "" }
	own := bring(t, w.Manager, "ann:good", "").has("").finish().succeeded().issued()
	begin(t, w.Manager, own).has("")
}

func TestImportKeepsTheLimitOfSessions(t *testing.T) {
	w, _ := newImporting(t, session.Options{MaxPerSubject: 1, AtLimit: session.RefuseLogin})
	w.read(t, "", func(s *session.Session) { s.Login("ann") })
	if v := bring(t, w.Manager, "ann:good", ""); v.Exists() || v.Reason() != session.ReasonLimited {
		t.Errorf("a second session beyond the limit, reason %q", v.Reason())
	}
	w, _ = newImporting(t, session.Options{MaxPerSubject: 1})
	before := w.read(t, "", func(s *session.Session) { s.Login("ann") }).issued()
	w.now = w.now.Add(time.Minute)
	bring(t, w.Manager, "ann:good", "").has("ann").finish().succeeded()
	if existsWith(t, w, before) {
		t.Error("the import did not take an older session's place")
	}
}

func TestImportersThatCannotWorkAreRefused(t *testing.T) {
	good := (&elsewhere{}).importer()
	for want, change := range map[string]func(*session.Importer){
		"Name is empty": func(im *session.Importer) { im.Name = "" },
		"Open is nil":   func(im *session.Importer) { im.Open = nil },
		"Until":         func(im *session.Importer) { im.Until = time.Time{} },
		"own cookie":    func(im *session.Importer) { im.Cookie = session.ForeignCookie{Name: cookieName} },
		"Cookie":        func(im *session.Importer) { im.Cookie.Name = "a b" },
		"Values":        func(im *session.Importer) { im.Values = map[string]session.AnyKey{"x": nil} },
	} {
		im := good
		change(&im)
		_, err := session.NewSealed(session.TemporaryKeys(), session.Options{Import: []session.Importer{im}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that says %q", err, want)
		}
	}
	twice := session.Options{Import: []session.Importer{good, good}}
	if _, err := session.NewSealed(session.TemporaryKeys(), twice); err == nil {
		t.Error("two importers of one name are accepted")
	}
}

func TestWhoHasASessionPaysNothingForImporters(t *testing.T) {
	cost := func(im ...session.Importer) (allocs float64, calls int) {
		w := newWorld(t, session.Options{Import: im, OnEvent: func(context.Context, session.Event) {}})
		own := w.start(t)
		w.store.Reset()
		begin(t, w.Manager, own).finish()
		calls = w.store.Count("")
		return testing.AllocsPerRun(100, func() {
			v := bring(t, w.Manager, "ann:good", own)
			_ = v.Subject()
			v.finish()
		}), calls
	}
	without, calls := cost()
	e := &elsewhere{}
	with, callsWith := cost(e.importer())
	if with > without || callsWith != calls || e.opened > 0 {
		t.Errorf("with an importer %v allocations and %d calls, without %v and %d; the other system was asked %d times",
			with, callsWith, without, calls, e.opened)
	}
}

func TestFurtherOldCookiesAreGoneToo(t *testing.T) {
	w, e := newImporting(t, session.Options{})
	e.foreign = func(f *session.Foreign) { f.Subject = "ann" }
	own := bring(t, w.Manager, "one:good; "+oldCookie+"=two:good", "").has("ann").finish().succeeded().issued()
	w.read(t, own, (*session.Session).Destroy)
	for _, old := range []string{"one:good", "two:good"} {
		if bring(t, w.Manager, old, "").Exists() {
			t.Errorf("after the logout %q opens a session: it came along with the one that was taken over", old)
		}
	}
}

func TestBindingHoldsForAnOldCookie(t *testing.T) {
	w, _ := newImporting(t, session.Options{Binding: session.Binding{Agent: session.Refuse}})
	from := func(agent string) *visit {
		v := &visit{t: t, x: exchange{response: http.Header{}, header: map[string]string{"User-Agent": agent}}}
		v.x.lines = []string{oldCookie + "=ann:good"}
		v.ctx, _ = w.Begin(t.Context(), &v.request, &v.x)
		v.Session = v.request.Session()
		return v
	}
	from("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0").has("ann").finish().succeeded()
	if v := from("curl/8.5"); v.Exists() || v.Reason() != session.ReasonOtherClient {
		t.Errorf("another client with a copy of the old cookie is %q, reason %q", v.Subject(), v.Reason())
	}
}

func TestDeadlineThatHasPassedIsRefused(t *testing.T) {
	for _, ago := range []time.Duration{0, time.Minute, time.Hour} {
		w, e := newImporting(t, session.Options{})
		e.foreign = func(f *session.Foreign) { f.Deadline = w.now.Add(-ago) }
		if v := bring(t, w.Manager, "ann:good", ""); v.Exists() || v.Reason() != session.ReasonExpiredAbsolute {
			t.Errorf("over for %v: subject %q, reason %q", ago, v.Subject(), v.Reason())
		}
	}
}

func TestRefusedImportEvictsNobody(t *testing.T) {
	w, _ := newImporting(t, session.Options{MaxPerSubject: 1})
	if _, err := w.RevokeAll(t.Context(), "ann"); err != nil {
		t.Fatal(err)
	}
	own := w.read(t, "", func(s *session.Session) { s.Login("ann") }).issued()
	bring(t, w.Manager, "ann:good", "").finish().succeeded()
	if !existsWith(t, w, own) {
		t.Error("an old cookie that is refused has ended its owner's session")
	}
}

func TestOldCookieOfALaterLoginStays(t *testing.T) {
	w, _ := newImporting(t, session.Options{})
	own := bring(t, w.Manager, "ann:good", "").has("ann").finish().succeeded().issued()
	w.read(t, own, (*session.Session).Destroy)
	v := bring(t, w.Manager, "ann:good", "")
	if exists := v.Exists(); exists || v.finish().dropped() {
		t.Error("a request that was on its way deletes the cookie of a login over there that has come since")
	}
	w.now = w.now.Add(2 * time.Minute)
	if v := bring(t, w.Manager, "ann:good", ""); v.Exists() || !v.finish().dropped() {
		t.Error("a cookie that opens nothing any more is looked up with each request")
	}
}

func TestImportThatIsNotSureToBeAllowedIsNone(t *testing.T) {
	w, e := newImporting(t, session.Options{})
	if _, err := w.RevokeAll(t.Context(), "ann"); err != nil {
		t.Fatal(err)
	}
	e.foreign = func(f *session.Foreign) { f.Authenticated = w.now.Add(time.Minute) }
	for _, method := range []string{"LoadAll", "Load", "Create"} {
		w.store.Before(fail(method))
		v := bring(t, w.Manager, "ann:good", "")
		_ = v.Subject()
		v.finish().failedWith(http.StatusServiceUnavailable)
		w.store.Before(nil)
		if n, err := w.Count(t.Context()); n > 0 || err != nil {
			t.Errorf("%s fails: %d sessions are there, error %v", method, n, err)
		}
	}
	bring(t, w.Manager, "ann:good", "").has("ann").finish().succeeded()
}

func TestVisitorsWithTheSameOldCookieStayApart(t *testing.T) {
	for _, sealed := range []bool{false, true} {
		e := &elsewhere{foreign: func(f *session.Foreign) { f.ID, f.Subject = "", "" }}
		o := session.Options{Import: []session.Importer{e.importer()}}
		w := newWorld(t, o)
		if sealed {
			w = newSealed(t, session.TemporaryKeys(), o)
		}
		ann, ben := bring(t, w.Manager, "nobody:good", ""), bring(t, w.Manager, "nobody:good", "")
		name.Set(ann.has("").Session, "of Ann")
		name.Set(ben.has("").Session, "of Ben")
		first, second := ann.finish().succeeded().issued(), ben.finish().succeeded().issued()
		a, b := begin(t, w.Manager, first), begin(t, w.Manager, second)
		if name.Get(a.Session) != "of Ann" || name.Get(b.Session) != "of Ben" || a.Handle() == b.Handle() {
			t.Errorf("sealed %t: two visitors whose signed cookies are alike have one session", sealed)
		}
	}
}

func TestValuesComeAlongWhollyOrNotAtAll(t *testing.T) {
	const (
		text    session.Key[string]  = "text"
		raw     session.Key[[]byte]  = "raw"
		measure session.Key[float64] = "measure"
		big     session.Key[int64]   = "big"
	)
	for _, c := range []struct {
		what  string
		value any
		key   session.AnyKey
		comes bool
	}{
		{"bytes as text", []byte("token"), text, false},
		{"text as bytes", "aGFsbG8=", raw, false},
		{"bytes as bytes", []byte("token"), raw, true},
		{"a large number as float64", int64(1<<53 + 1), measure, false},
		{"a large number of JSON's as float64", json.RawMessage("9007199254740993"), measure, false},
		{"a large number as int64", json.RawMessage("9007199254740993"), big, true},
		{"a small number as float64", 3, measure, true},
		{"a fraction", json.RawMessage("1.50"), measure, true},
		{"null", json.RawMessage("null"), text, false},
	} {
		e := &elsewhere{foreign: func(f *session.Foreign) { f.Values = map[string]any{"it": c.value} }}
		im := e.importer()
		im.Values = map[string]session.AnyKey{"it": c.key}
		v := bring(t, newWorld(t, session.Options{Import: []session.Importer{im}}).Manager, "ann:good", "")
		if came := len(v.Keys()) == 1; v.Subject() != "ann" || came != c.comes {
			t.Errorf("%s: it comes along: %t, want %t", c.what, came, c.comes)
		}
	}
}

func TestTwoSpellingsOfOneOldSessionAreNoSecondOne(t *testing.T) {
	w, e := newImporting(t, session.Options{})
	e.foreign = func(f *session.Foreign) { f.ID, f.Subject = "the one", "ann" }
	both := "one:good; " + oldCookie + "=two:good"
	first := bring(t, w.Manager, both, "").has("ann").finish().succeeded().issued()
	if again := bring(t, w.Manager, both, "").has("ann").finish().succeeded().issued(); again != first {
		t.Error("a visitor whose answer was lost gets another session")
	}
}
