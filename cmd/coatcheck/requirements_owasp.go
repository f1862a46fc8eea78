package main

import "time"

const owasp = "OWASP Session Management"

const (
	lowRiskIdle = 30 * time.Minute
	workingDay  = 8 * time.Hour
)

// owaspRequirements are those of the OWASP Session Management Cheat Sheet, which numbers nothing: the number is the
// section's name.
var owaspRequirements = []requirement{
	{owasp, "ID Name Fingerprinting", "the cookie's name tells nothing of the technology", func(s settings) verdict {
		if s.Cookie.Name == "__Host-id" || s.Cookie.Name == "__Secure-id" || s.Cookie.Name == "id" {
			return yes(s.Cookie.Name)
		}
		return depends(s.Cookie.Name + ": see that it does not")
	}},
	{owasp, "ID Entropy", "at least 64 bits of it", always(yes("256 bits from crypto/rand"))},
	{owasp, "ID Content", "the id has no meaning", func(s settings) verdict {
		if s.Sealed {
			return yes("the session is encrypted in it")
		}
		return yes("a random number")
	}},
	{owasp, "Transport Layer Security", "https for all of the session", settings.secure},
	{owasp, "Cookies: HttpOnly", "scripts cannot read the cookie", settings.httpOnly},
	{owasp, "Cookies: SameSite", "Lax or Strict", settings.sameSite},
	{owasp, "Cookies: Domain and Path", "as narrow as possible", settings.hostOnly},
	{owasp, "Cookies: Expire", "the cookie ends with the browser", func(s settings) verdict {
		return unless(!s.Cookie.Persistent, "unless SetLifetime says otherwise", "leave out Cookie.Persistent")
	}},
	{owasp, "ID Generation: Strict", "an id that the server has not made is never taken over",
		always(yes("it makes its own"))},
	{owasp, "ID Renewal", "a new id at each login and change of rights", func(s settings) verdict {
		return depends("Login does; call Session.Renew where rights change otherwise")
	}},
	{owasp, "Idle Timeout", "2 to 5 minutes where much is at stake, else 15 to 30", func(s settings) verdict {
		return s.idleWithin(lowRiskIdle + lowRiskIdle/10)
	}},
	{owasp, "Absolute Timeout", "4 to 8 hours for a day's work", func(s settings) verdict {
		if s.AbsoluteSeconds > workingDay.Seconds() {
			return depends("absolute timeout " + span(s.AbsoluteSeconds) + ": set AbsoluteTimeout, if a day's work is meant")
		}
		return s.lifetimeWithin(workingDay)
	}},
	{owasp, "Renewal Timeout", "a new id from time to time", func(s settings) verdict {
		if s.RenewSeconds == 0 {
			return depends("set RenewAfter, if a stolen token is to become useless on its own")
		}
		return yes("every " + span(s.RenewSeconds))
	}},
	{owasp, "Manual Expiration", "logout ends the session on the server", func(s settings) verdict {
		return unless(s.ends(), endsHow, endsChange)
	}},
	{owasp, "Web Content Caching", "no cache keeps an id", always(yes("no-store wherever a token is given out"))},
	{owasp, "Simultaneous Logons", "a decision on how many, and users who see theirs", func(s settings) verdict {
		if s.MaxPerSubject == 0 {
			return depends("set MaxPerSubject, if there is to be a limit; Manager.List shows them")
		}
		return yes("MaxPerSubject")
	}},
	{owasp, "Binding to Other Properties", "a change of client is noticed", func(s settings) verdict {
		for _, policy := range []string{s.BindingAgent, s.BindingNetwork} {
			if policy != "" && policy != "ignore" { // "" is an older version's
				return yes("Binding")
			}
		}
		if !s.ClientHints {
			return depends("set ClientHints, so that users know their devices again, or Binding")
		}
		return depends("noted with each session; Manager.List shows it")
	}},
	{owasp, "Logging", "begin, renewal and end of sessions are logged without the id", func(s settings) verdict {
		if !s.Events {
			return depends("failures go to slog; set OnEvent for the others")
		}
		return yes("OnEvent gets them with the handle")
	}},
}
