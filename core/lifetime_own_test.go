package session_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

const day = 24 * time.Hour

var remembered = session.Lifetime{Idle: 30 * day, Absolute: 90 * day, Persistent: session.Keep}

// worlds are a world with a store and one without.
func worlds(t *testing.T, o session.Options) map[string]*world {
	t.Helper()
	both := map[string]*world{"stored": newWorld(t, o), "sealed": newSealed(t, session.TemporaryKeys(), o)}
	for _, w := range both {
		w.now = w.now.Truncate(time.Millisecond)
	}
	return both
}

// next runs f on the session behind cookie and returns the cookie from then on.
func (w *world) next(t *testing.T, cookie string, f func(*session.Session)) string {
	t.Helper()
	v := w.read(t, cookie, f).succeeded()
	if value, deleted := v.cookie(); value != "" || deleted {
		return value
	}
	return cookie
}

// infoOf returns what a request that only looks is told.
func (w *world) infoOf(t *testing.T, cookie string) (i session.Info) {
	t.Helper()
	w.read(t, cookie, func(s *session.Session) { i = s.Info() })
	return i
}

// lines returns the attributes of the session's cookie in a response; "" if it sets none.
func (v *visit) attributes() string {
	v.t.Helper()
	for _, line := range v.x.response["Set-Cookie"] {
		if rest, ours := strings.CutPrefix(line, cookieName+"="); ours {
			_, attributes, _ := strings.Cut(rest, "; ")
			return attributes
		}
	}
	return ""
}

const ordinaryCookie = "Path=/; HttpOnly; Secure; SameSite=Lax"

func TestP24ASessionKeepsItsOwnLifetime(t *testing.T) {
	for kind, w := range worlds(t, session.Options{}) {
		begun := w.now
		cookie := w.next(t, "", func(s *session.Session) { s.Login("user:1"); s.SetLifetime(remembered) })
		for what, f := range map[string]func(*session.Session){
			"read": func(s *session.Session) { count.Get(s) }, "write": func(s *session.Session) { count.Update(s, addOne) },
			"renew": (*session.Session).Renew, "touch": (*session.Session).Touch, "clear": (*session.Session).Clear,
		} {
			w.now = w.now.Add(10 * day)
			cookie = w.next(t, cookie, f)
			i := w.infoOf(t, cookie)
			if !i.Deadline.Equal(begun.Add(90*day)) || !i.Persistent || i.ExpiresAt.Before(w.now.Add(30*day)) {
				t.Errorf("%s, after %s: %+v; want the deadline 90 days after the login, and 30 days more of life",
					kind, what, i)
			}
		}
		w.now = begun.Add(90*day - time.Millisecond)
		if got := w.subjectOf(t, cookie); got == "user:1" {
			t.Errorf("%s: idled for 40 of 30 days and still lives", kind)
		}
	}
}

func TestP24TheManagersTimeoutsDoNotConcernASessionWithItsOwn(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.next(t, "", func(s *session.Session) { s.Login("user:1"); s.SetLifetime(remembered) })
	shorter := w.second(t, 0, session.Options{IdleTimeout: time.Minute, AbsoluteTimeout: time.Minute})
	w.now = w.now.Add(29 * day)
	v := begin(t, shorter, cookie)
	if v.Subject() != "user:1" {
		t.Error("a shorter IdleTimeout or AbsoluteTimeout of the manager ended a session that has its own")
	}
	v.finish()
	bounded := w.second(t, 0, session.Options{MaxLifetime: 29 * day})
	v = begin(t, bounded, cookie)
	if v.Exists() {
		t.Error("MaxLifetime does not bound sessions that live already")
	}
	v.finish()
}

func TestP24OnlyLoginAndSetLifetimeMoveTheDeadline(t *testing.T) {
	for kind, w := range worlds(t, session.Options{RenewAfter: time.Hour}) {
		begun := w.now
		cookie := w.next(t, "", func(s *session.Session) {
			count.Set(s, 1)
			s.SetLifetime(session.Lifetime{Absolute: 10 * day, Idle: 10 * day})
		})
		for range 5 {
			w.now = w.now.Add(day)
			cookie = w.next(t, cookie, func(s *session.Session) {
				s.SetLifetime(session.Lifetime{Absolute: 10 * day, Idle: 10 * day})
			})
		}
		if got := w.infoOf(t, cookie).Deadline; !got.Equal(begun.Add(10 * day)) {
			t.Errorf("%s: the deadline is %v after creation, want 10 days: SetLifetime extended it", kind, got.Sub(begun))
		}
		cookie = w.next(t, cookie, func(s *session.Session) { s.Login("user:1") })
		if got := w.infoOf(t, cookie).Deadline; !got.Equal(w.now.Add(12 * time.Hour)) {
			t.Errorf("%s: after an anonymous visitor's login the deadline is in %v, want the manager's 12h", kind,
				got.Sub(w.now))
		}
	}
}

func TestP3TheSameLifetimeAgainIsNoChange(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.next(t, "", func(s *session.Session) { s.Login("user:1"); s.SetLifetime(remembered) })
	w.now = w.now.Add(time.Minute)
	w.store.Reset()
	w.read(t, cookie, func(s *session.Session) { s.SetLifetime(remembered) }).succeeded().untouched()
	if n := w.store.Count(""); n != 1 {
		t.Errorf("%d store calls, want the load alone", n)
	}
}

func TestSetLifetimeAloneStartsNoSession(t *testing.T) {
	for kind, w := range worlds(t, session.Options{}) {
		w.read(t, "", func(s *session.Session) { s.SetLifetime(remembered) }).succeeded().untouched()
		for order, f := range map[string]func(*session.Session){
			"before": func(s *session.Session) { s.SetLifetime(remembered); count.Set(s, 1) },
			"after":  func(s *session.Session) { count.Set(s, 1); s.SetLifetime(remembered) },
			"saved":  func(s *session.Session) { s.SetLifetime(remembered); _ = s.Save(); count.Set(s, 1) },
			"login":  func(s *session.Session) { s.SetLifetime(remembered); s.Login("user:1") },
			"login after a save": func(s *session.Session) {
				count.Set(s, 1)
				s.SetLifetime(remembered)
				_ = s.Save()
				s.Login("user:1")
			},
			"after destroy": func(s *session.Session) {
				count.Set(s, 1)
				_ = s.Save()
				s.Destroy()
				s.SetLifetime(remembered)
				count.Set(s, 1)
			},
		} {
			v := w.read(t, "", f).succeeded()
			if want := ordinaryCookie + "; Max-Age=7776000"; v.attributes() != want {
				t.Errorf("%s, %s: the cookie is %q, want %q", kind, order, v.attributes(), want)
			}
			if i := w.infoOf(t, v.issued()); !i.Deadline.Equal(w.now.Add(90*day)) || !i.Persistent {
				t.Errorf("%s, %s: %+v", kind, order, i)
			}
		}
		v := w.read(t, "", func(s *session.Session) {
			count.Set(s, 1)
			s.SetLifetime(remembered)
			s.Destroy()
			count.Set(s, 1)
		}).succeeded()
		if v.attributes() != ordinaryCookie {
			t.Errorf("%s: what was destroyed has left its lifetime: %q", kind, v.attributes())
		}
	}
}

func TestALifetimeIsTheSubjects(t *testing.T) {
	for kind, w := range worlds(t, session.Options{}) {
		for what, c := range map[string]struct {
			before, login string
			kept          bool
		}{
			"the same subject": {"user:1", "user:1", true}, "somebody else": {"user:1", "user:2", false},
			"an anonymous visitor": {"", "user:1", false},
		} {
			cookie := w.next(t, "", func(s *session.Session) {
				count.Set(s, 1)
				if c.before != "" {
					s.Login(c.before)
				}
				s.SetLifetime(remembered)
			})
			w.now = w.now.Add(day)
			cookie = w.next(t, cookie, func(s *session.Session) { s.Login(c.login) })
			want := w.now.Add(12 * time.Hour)
			if c.kept {
				want = w.now.Add(90 * day)
			}
			if i := w.infoOf(t, cookie); i.Persistent != c.kept || !i.Deadline.Equal(want) {
				t.Errorf("%s, %s: persistent %t, deadline in %v", kind, what, i.Persistent, i.Deadline.Sub(w.now))
			}
		}
	}
}

func TestLifetimeForIsAskedAtLogin(t *testing.T) {
	admin := session.Lifetime{Idle: 5 * time.Minute, Absolute: time.Hour}
	o := session.Options{LifetimeFor: func(subject string) session.Lifetime {
		switch subject {
		case "admin":
			return admin
		case "broken":
			return session.Lifetime{Idle: -1}
		}
		return session.Lifetime{}
	}}
	for kind, w := range worlds(t, o) {
		for what, c := range map[string]struct {
			f    func(*session.Session)
			want time.Duration
		}{
			"by role":              {func(s *session.Session) { s.Login("admin") }, time.Hour},
			"nothing for this one": {func(s *session.Session) { s.Login("user:1") }, 12 * time.Hour},
			"SetLifetime before":   {func(s *session.Session) { s.SetLifetime(remembered); s.Login("admin") }, 90 * day},
			"SetLifetime after":    {func(s *session.Session) { s.Login("admin"); s.SetLifetime(remembered) }, 90 * day},
			"back to the manager's": {
				func(s *session.Session) { s.Login("admin"); s.SetLifetime(session.Lifetime{}) }, 12 * time.Hour,
			},
			"the last login counts": {func(s *session.Session) { s.Login("admin"); s.Login("user:1") }, 12 * time.Hour},
		} {
			cookie := w.next(t, "", c.f)
			if got := w.infoOf(t, cookie).Deadline.Sub(w.now); got != c.want {
				t.Errorf("%s, %s: the deadline is in %v, want %v", kind, what, got, c.want)
			}
		}
		v := begin(t, w.Manager, "")
		v.Login("broken")
		if err := v.Err(); err == nil || !strings.Contains(err.Error(), "LifetimeFor") || v.Subject() != "" {
			t.Errorf("%s: subject %q, err %v: an impossible lifetime must refuse the login and name its source", kind,
				v.Subject(), err)
		}
		v.finish().failedWith(http.StatusInternalServerError)
	}
}

func TestWhatCannotBeALifetimeIsRefused(t *testing.T) {
	w := newWorld(t, session.Options{MaxLifetime: 100 * day})
	for remedy, l := range map[string]session.Lifetime{
		"Idle is -1ns: use":                          {Idle: -1},
		"Idle is 1µs: use":                           {Idle: time.Microsecond},
		"Absolute is -1s: use":                       {Absolute: -time.Second},
		"Absolute is 1ns: use":                       {Absolute: 1},
		"set Absolute too":                           {Idle: 13 * time.Hour},
		"set Absolute to as much":                    {Idle: 2 * day, Absolute: day},
		"Options.MaxLifetime, 2400h0m0s: raise":      {Absolute: 101 * day},
		"Persistent is 3: use Keep":                  {Persistent: 3},
		"Basis is 9: use LastUse":                    {Basis: 9},
		"SetLifetime: Idle is -2562047h47m16.854775": {Idle: -1 << 63},
	} {
		cookie := w.start(t)
		v := begin(t, w.Manager, cookie)
		count.Set(v.Session, 2)
		v.SetLifetime(l)
		if err := v.Err(); err == nil || !strings.Contains(err.Error(), remedy) {
			t.Errorf("%+v: %v, want it to say %q", l, err, remedy)
		}
		v.finish().failedWith(http.StatusInternalServerError)
		if i := w.infoOf(t, cookie); w.countOf(t, cookie) != 1 || !i.Deadline.Equal(i.Created.Add(12*time.Hour)) {
			t.Errorf("%+v: the refused request has changed something", l)
		}
	}
}
