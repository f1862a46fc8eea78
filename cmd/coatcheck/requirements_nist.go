package main

import (
	"fmt"
	"time"
)

const nist = "NIST 800-63B-4"

// levels are the limits of each authenticator assurance level. Level 1 has none for idle sessions.
var levels = map[int]struct {
	section       string
	overall, idle time.Duration
}{
	1: {"2.1.3", 30 * 24 * time.Hour, 0},
	2: {"2.2.3", 24 * time.Hour, time.Hour},
	3: {"2.3.3", 12 * time.Hour, 15 * time.Minute},
}

// nistRequirements are those of a level. Numbers in parentheses are the items of a list.
func nistRequirements(aal int) []requirement {
	limit := levels[aal]
	text := fmt.Sprintf("AAL%d: authenticate again after %s", aal, span(limit.overall.Seconds()))
	if limit.idle > 0 {
		text += ", or " + span(limit.idle.Seconds()) + " without use"
	}
	return append([]requirement{{nist, limit.section, text, func(s settings) verdict {
		v := s.lifetimeWithin(limit.overall)
		if limit.idle > 0 {
			v = both(s.idleWithin(limit.idle), v)
		}
		return v
	}}}, nistSessions...)
}

var nistSessions = []requirement{
	{nist, "5.1", "secrets come from a random generator and have at least 64 bits",
		always(yes("256 bits from crypto/rand"))},
	{nist, "5.1", "no fall back from https to http", settings.secure},
	{nist, "5.1", "secrets do not outlive the browser", func(s settings) verdict {
		if s.Cookie.Persistent {
			return no("leave out Cookie.Persistent")
		}
		return yes("the cookie ends with the browser, unless SetLifetime says otherwise")
	}},
	{nist, "5.1", "what is posted carries an identifier of the session that is verified", func(s settings) verdict {
		if s.AllowCrossSite {
			return depends("check a FormToken in each handler that changes something")
		}
		return depends("forged requests are refused by what browsers tell; where the words count, use Session.FormToken")
	}},
	{nist, "5.1.1 (1)", "cookies only over https", settings.secure},
	{nist, "5.1.1 (2)", "cookies for as few hosts and paths as practical", settings.hostOnly},
	{nist, "5.1.1 (3)", "cookies out of the reach of scripts", settings.httpOnly},
	{nist, "5.1.1 (4)", "cookies expire with the session, and nothing relies on it",
		always(yes("timeouts are judged on the server"))},
	{nist, "5.1.1 (5)", "__Host- and Path=/", func(s settings) verdict {
		return unless(s.prefixed("__Host-") && s.Cookie.Path == "/", s.Cookie.Name,
			"leave out Cookie.Name, Domain and Path, and InsecureHTTP")
	}},
	{nist, "5.1.1 (6)", "SameSite=Lax or Strict", settings.sameSite},
	{nist, "5.1.1 (7)", "cookies are opaque and show no personal data", func(s settings) verdict {
		if s.Sealed {
			return yes("the cookie is encrypted")
		}
		return yes("the cookie is a random number")
	}},
	{nist, "5.2", "use resets the idle timeout, authenticating both timeouts", func(s settings) verdict {
		return unless(!s.IdleFromChange, "Login starts both anew", "set Basis to LastUse")
	}},
}
