package session_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
)

// during runs f once, right before the next call of a method.
func (w *world) during(method string, f func()) {
	w.store.Before(func(c probe.Call) error {
		if c.Method == method {
			w.store.Before(nil)
			f()
		}
		return nil
	})
}

// P6: of two logins at once at one anonymous session, both with the same label, RevokeLabel ends both.
func TestALabelIsFoundForEachOfTwoLoginsAtOnce(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	a, b := begin(t, w.Manager, cookie), begin(t, w.Manager, cookie)
	a.Login("user:a", session.Label("sid"))
	b.Login("user:b", session.Label("sid"))
	var winner, loser string
	w.during("Update", func() { winner = b.finish().succeeded().issued() }) // all of a but its alias is written
	loser = a.finish().succeeded().issued()
	w.in(t, "before", winner, "user:b")
	w.revokeLabel(t, "sid")
	w.ended(t, "the winner", winner)
	w.ended(t, "the loser", loser)
}

// P6: a login carries over the longer lifetime that another request has given the session meanwhile, for the records
// of its labels too.
func TestALabelIsFoundAsLongAsACarriedOverLifetime(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.login(t, "user:1")
	v := begin(t, w.Manager, cookie)
	v.Login("user:1", session.Label("sid"))
	w.during("Update", func() {
		w.read(t, cookie, func(s *session.Session) {
			s.SetLifetime(session.Lifetime{Idle: 300 * time.Hour, Absolute: 300 * time.Hour})
		}).succeeded()
	})
	cookie = v.finish().succeeded().issued()
	w.now = w.now.Add(13 * time.Hour) // the manager's lifetime is over
	_, _ = w.records.Sweep(t.Context(), w.now.Add(-5*time.Minute), 1000)
	w.in(t, "before", cookie, "user:1")
	w.revokeLabel(t, "sid")
	w.ended(t, "the longer one", cookie)
}

// P6: a login that another one as the same subject has outrun gets a session with its values, so with its labels too.
func TestALoginThatWasOutrunKeepsTheLabels(t *testing.T) {
	for kind, create := range labelWorlds {
		w := create(t, session.Options{})
		w.revokeLabel(t, "sid") // an earlier revocation does not concern the sessions below
		w.now = w.now.Add(time.Minute)
		cookie := w.loginLabelled(t, "", "user:1", "sid")
		a, b := begin(t, w.Manager, cookie), begin(t, w.Manager, cookie)
		a.Login("user:1", session.Label("of the faster one"))
		b.Login("user:1", session.Label("more"))
		a.finish().succeeded()
		second := b.finish().succeeded().issued()
		w.in(t, kind, second, "user:1")
		want := []string{"sid", "of the faster one", "more"}
		if kind == "sealed" {
			want = []string{"sid", "more"} // they do not know of each other
		}
		if got := w.labelsOf(t, second); !slices.Equal(got, want) {
			t.Errorf("%s: labels %q, want %q", kind, got, want)
		}
		w.revokeLabel(t, "sid")
		w.ended(t, kind, second)
	}
}

func (w *world) labelsOf(t *testing.T, cookie string) (labels []string) {
	t.Helper()
	w.read(t, cookie, func(s *session.Session) { labels = s.Info().Labels })
	return labels
}

// A login with a token that is dead goes on with what the login before has made of it. Together they may have more
// labels than a session can: that is no reason to refuse a login, and the newest are kept.
func TestTheNewestLabelsAreKept(t *testing.T) {
	var first, then []string
	for i := range 8 {
		first, then = append(first, fmt.Sprint("first ", i)), append(then, fmt.Sprint("then ", i))
	}
	for what, c := range map[string]struct{ then, want []string }{
		"all new":     {then, then},
		"three":       {then[:3], slices.Concat(first[3:], then[:3])},
		"one is old":  {[]string{first[0], then[0]}, slices.Concat(first[:1], first[2:], then[:1])},
		"none is new": {first[2:], first},
	} {
		w := newWorld(t, session.Options{})
		old := w.start(t)
		w.loginLabelled(t, old, "user:1", first...)
		fresh := w.loginLabelled(t, old, "user:1", c.then...)
		if got := w.labelsOf(t, fresh); !slices.Equal(got, c.want) {
			t.Errorf("%s: labels %q, want %q", what, got, c.want)
		}
		w.revokeLabel(t, c.then[0])
		w.ended(t, what, fresh)
	}
}
