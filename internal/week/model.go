package week

import (
	"time"
)

// life is a session as the visitor should see it: from its creation or login to its end. Of sealed sessions each cookie
// is a life of its own, because it holds everything.
type life struct {
	number   int
	subject  string
	deadline time.Time
	used     time.Time // by a request that was answered
	touched  time.Time // by any request
	ended    bool

	count, theme int
	themes       int // how often the theme was changed

	tickets []*ticket // the last one is the present one
	heir    *life     // what a login has made of it
	other   bool      // for somebody else
	left    time.Time // when it did
}

// ticket is a token that was issued, whether the answer arrived or not.
type ticket struct {
	number    int
	life      *life
	dead      bool      // an explicit renewal has replaced it
	presented time.Time // when it was first used; zero: not yet
}

// verdict is what a token has to open.
type verdict int

const (
	shut verdict = iota
	open
	either // in the interval in which uses are not noted
)

func (l *life) over(now time.Time) bool { return l.ended || l.heir != nil || !now.Before(l.deadline) }

func (l *life) use(now time.Time) { l.used, l.touched = latest(l.used, now), latest(l.touched, now) }

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// judge says what a ticket has to open now.
func (k *ticket) judge(now time.Time) verdict {
	switch {
	case k == nil, k.dead, k.life.over(now), !now.Before(k.life.touched.Add(idle + touch)):
		return shut
	case !now.Before(k.life.used.Add(idle)), k.replayed(now):
		return either
	}
	return open
}

// replayed reports whether a later token of a periodic renewal has been in use for so long that this one may be
// refused.
func (k *ticket) replayed(now time.Time) bool {
	later := false
	for _, other := range k.life.tickets {
		if later && !other.presented.IsZero() && !now.Before(other.presented.Add(grace)) {
			return true
		}
		later = later || other == k
	}
	return false
}

// become returns the life that requests in flight are led to through logins, if it lives, and whether one of these was
// for somebody else.
func (l *life) become(now time.Time) (_ *life, other bool) {
	for l.heir != nil {
		if !now.Before(l.left.Add(marker)) {
			return nil, other
		}
		other = other || l.other
		l = l.heir
	}
	if l.over(now) {
		return nil, other
	}
	return l, other
}

func (w *week) newLife(subject string) *life {
	w.lives++
	return &life{number: w.lives, subject: subject, deadline: w.now.Add(absolute), used: w.now, touched: w.now}
}

// issue notes that a token was sent.
func (w *week) issue(token string, l *life) *ticket {
	k := &ticket{number: len(w.tickets) + 1, life: l}
	w.tickets[token] = k
	l.tickets = append(l.tickets, k)
	w.note("  token %d of life %d (%q, count %d)", k.number, l.number, l.subject, l.count)
	return k
}
