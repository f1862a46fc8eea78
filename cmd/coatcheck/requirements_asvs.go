package main

import "fmt"

const asvs = "ASVS 5.0"

// asvsRequirements are those of OWASP ASVS 5.0 about cookies, forged requests and sessions.
var asvsRequirements = []requirement{
	{asvs, "3.3.1", "Secure, and a name that begins with __Host- or __Secure-", func(s settings) verdict {
		return both(s.secure(), unless(s.prefixed("__Host-") || s.prefixed("__Secure-"), s.Cookie.Name,
			"leave out Cookie.Name, or let it begin with __Host- or __Secure-"))
	}},
	{asvs, "3.3.2", "SameSite as the cookie's purpose allows", settings.sameSite},
	{asvs, "3.3.3", "__Host- unless hosts share the cookie by design", settings.hostOnly},
	{asvs, "3.3.4", "HttpOnly, and the token only in Set-Cookie", settings.httpOnly},
	{asvs, "3.3.5", "name and value of at most 4096 bytes", always(yes("a larger one is refused with an error"))},
	{asvs, "3.5.1", "requests that other sites forge are refused", settings.crossSite},
	{asvs, "7.1.1", "timeouts are documented and justified", func(s settings) verdict {
		return depends(fmt.Sprintf("write down: %s idle, %s overall, and why", span(s.IdleSeconds), span(s.AbsoluteSeconds)))
	}},
	{asvs, "7.1.2", "how many sessions an account may have is documented", func(s settings) verdict {
		if s.MaxPerSubject == 0 {
			return depends("write down: any number, or set MaxPerSubject")
		}
		what := "the oldest ends"
		if s.RefusesLogin {
			what = "the login is refused"
		}
		return depends(fmt.Sprintf("write down: %d, and then %s", s.MaxPerSubject, what))
	}},
	{asvs, "7.1.3", "systems of a single sign-on are documented", always(depends("write down how sessions end together"))},
	{asvs, "7.2.1", "tokens are verified on the server", always(yes("each one, by the store or by its seal"))},
	{asvs, "7.2.2", "tokens are made for the session, and are no static secrets", always(yes("one for each session"))},
	{asvs, "7.2.3", "reference tokens are random, of at least 128 bits", func(s settings) verdict {
		if s.Sealed {
			return yes("there are none: the session is in the cookie")
		}
		return yes("256 bits from crypto/rand")
	}},
	{asvs, "7.2.4", "a login makes a new token and ends the old one", func(s settings) verdict {
		return unless(s.ends(), "Login does", endsChange)
	}},
	{asvs, "7.3.1", "an idle timeout", func(s settings) verdict { return yes(span(s.IdleSeconds)) }},
	{asvs, "7.3.2", "an absolute lifetime", func(s settings) verdict { return yes(span(s.AbsoluteSeconds)) }},
	{asvs, "7.4.1", "logout and expiry end the session for good", func(s settings) verdict {
		return unless(s.ends(), endsHow, endsChange)
	}},
	{asvs, "7.4.2", "all sessions end when an account is disabled or deleted", func(s settings) verdict {
		return s.afterwards("call Manager.RevokeAll there")
	}},
	{asvs, "7.4.3", "after a changed factor all other sessions can be ended", func(s settings) verdict {
		return s.afterwards("offer it there: Manager.RevokeOthers")
	}},
	{asvs, "7.4.4", "every page offers a logout", always(depends("show it: a form whose handler calls Session.Destroy"))},
	{asvs, "7.4.5", "administrators can end the sessions of one or of all users", func(s settings) verdict {
		return unless(s.FindsSubjects && s.GoesThrough || s.Revocations, "RevokeAll, RevokeEverybody; the command has both",
			s.revokesChange())
	}},
	{asvs, "7.5.1", "sensitive attributes change only after authenticating again", always(stepUp)},
	{asvs, "7.5.2", "users see their sessions and end them, having authenticated again", func(s settings) verdict {
		if !s.FindsSubjects {
			return no("no list of a user's sessions: keep them in SQL, Redis or files")
		}
		return depends("make the page: Manager.List and Revoke, behind AuthenticatedWithin")
	}},
	{asvs, "7.5.3", "so do highly sensitive operations", always(stepUp)},
	{asvs, "7.6.1", "sessions at the identity provider and here behave as documented",
		always(depends("end them by Manager.RevokeLabel, and let them end in time by Session.SetLifetime"))},
	{asvs, "7.6.2", "no session begins without the user's action",
		always(depends("nothing is kept of a visitor until a handler stores something: call Login after an action"))},
}

var stepUp = depends("ask Session.AuthenticatedWithin there, or let a Guard ask")

// afterwards is for what the application has to call.
func (s settings) afterwards(call string) verdict {
	if !s.revokes() {
		return no(s.revokesChange())
	}
	return depends(call)
}
