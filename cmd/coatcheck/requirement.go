package main

import (
	"fmt"
	"strings"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// state is how it stands with a requirement.
type state string

const (
	met       state = "met"
	notMet    state = "not met"
	undecided state = "not decided by the library"
)

// verdict is a state, and what to change or, if it is met, by what.
type verdict struct {
	State state
	Hint  string
}

// requirement is one of a standard's.
type requirement struct {
	standard string
	number   string
	text     string
	judge    func(s settings) verdict
}

// settings are a manager's, and the assurance level that they are judged for.
type settings struct {
	session.Settings
	aal int
}

func yes(how string) verdict        { return verdict{met, how} }
func no(change string) verdict      { return verdict{notMet, change} }
func depends(change string) verdict { return verdict{undecided, change} }

// always is the verdict whatever the settings.
func always(v verdict) func(settings) verdict { return func(settings) verdict { return v } }

// unless is met if ok, and else not.
func unless(ok bool, how, change string) verdict {
	if ok {
		return yes(how)
	}
	return no(change)
}

// span writes a number of seconds as people do.
func span(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	if days := d / (24 * time.Hour); days >= 2 && d%(24*time.Hour) == 0 {
		return fmt.Sprintf("%d days", days)
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

func (s settings) prefixed(prefix string) bool { return strings.HasPrefix(s.Cookie.Name, prefix) }

// ends reports whether a session that has ended opens nothing any more, also from a copy of its cookie.
func (s settings) ends() bool { return !s.Sealed || s.Revocations }

const endsHow = "Destroy and expiry end it for every copy of the token"

const endsChange = "a sealed cookie that somebody has copied lives until its timeout: set Options.Revocations, " +
	"or keep sessions in a store"

// revokes reports whether the sessions of one subject can be ended.
func (s settings) revokes() bool { return s.FindsSubjects || s.Revocations }

// revokesChange is what to do where they cannot.
func (s settings) revokesChange() string {
	if s.Sealed {
		return "sealed sessions are in their browsers only: set Options.Revocations, or keep them in a store"
	}
	return "this store cannot search by subject: set Options.Revocations, or use SQL, Redis or files"
}

const secureChange = "leave out InsecureHTTP"

func (s settings) secure() verdict {
	return unless(s.Cookie.Secure, "Secure", secureChange)
}

func (s settings) httpOnly() verdict {
	switch {
	case !s.Cookie.HTTPOnly:
		return no("set HttpOnly")
	case s.Transport != "cookie":
		return depends("clients that send Authorization: Bearer get the token in a header: keep that to clients that are " +
			"no browsers")
	}
	return yes("HttpOnly, and the token is in no other header")
}

func (s settings) sameSite() verdict {
	if s.Cookie.SameSite == "None" {
		return depends("SameSite=None is for pages in frames of other sites: leave out Cookie.SameSite if there are none")
	}
	return unless(s.Cookie.SameSite != "", "SameSite="+s.Cookie.SameSite, "leave out Cookie.SameSite, which makes it Lax")
}

func (s settings) hostOnly() verdict {
	switch {
	case s.prefixed("__Host-"):
		return yes(s.Cookie.Name)
	case s.Cookie.Domain != "":
		return depends("shared with the hosts below " + s.Cookie.Domain + ": leave out Cookie.Domain unless that is meant")
	case !s.Cookie.Secure:
		return no(secureChange)
	}
	return no("leave out Cookie.Name and Cookie.Path, or let the name begin with __Host-")
}

func (s settings) crossSite() verdict {
	if s.AllowCrossSite {
		return depends("leave out AllowCrossSite, or check a FormToken in each handler that changes something")
	}
	return yes("what a browser marks as another site's cannot write")
}

// idleWithin judges the idle timeout, with the interval in which uses are not noted.
func (s settings) idleWithin(limit time.Duration) verdict {
	how := "idle timeout " + span(s.IdleSeconds)
	switch {
	case s.IdleSeconds+s.TouchSeconds > limit.Seconds():
		return no(fmt.Sprintf("set IdleTimeout, with TouchInterval, to at most %s: it is %s", span(limit.Seconds()),
			span(s.IdleSeconds+s.TouchSeconds)))
	case s.LifetimeBySubject:
		return depends(how + ": see to it that LifetimeFor gives no more than " + span(limit.Seconds()))
	}
	return yes(how)
}

// lifetimeWithin judges the absolute timeout.
func (s settings) lifetimeWithin(limit time.Duration) verdict {
	how := "absolute timeout " + span(s.AbsoluteSeconds)
	switch {
	case s.AbsoluteSeconds > limit.Seconds():
		return no(fmt.Sprintf("set AbsoluteTimeout to at most %s: it is %s", span(limit.Seconds()), span(s.AbsoluteSeconds)))
	case s.MaxLifetimeSeconds > limit.Seconds():
		return depends(how + ", which SetLifetime may exceed: set MaxLifetime to " + span(limit.Seconds()))
	}
	return yes(how)
}

// both is the worse of two verdicts, with what both have to say.
func both(a, b verdict) verdict {
	rank := map[state]int{met: 0, undecided: 1, notMet: 2}
	switch {
	case rank[a.State] > rank[b.State]:
		return a
	case rank[a.State] < rank[b.State]:
		return b
	}
	return verdict{a.State, a.Hint + "; " + b.Hint}
}
