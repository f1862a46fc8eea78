package shop

import (
	"net/http"
	"net/url"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// recently is how young a login has to be for what a thief with somebody's open browser must not do.
const recently = 10 * time.Minute

// Whom a handler is for.
func members(*visit) session.Guard  { return session.Guard{} }
func recent(*visit) session.Guard   { return session.Guard{Within: recently} }
func admins(v *visit) session.Guard { return session.Guard{Allow: v.isAdmin} }

func (v *visit) isAdmin(s *session.Session) bool {
	return v.app.accounts.role(s.Subject()) == roleAdmin
}

// guarded is a handler for those whom a guard lets in. A browser of anybody else is sent to log in, and from there to a
// page.
func guarded(guard func(*visit) session.Guard, page string, h handler) handler {
	return func(v *visit) (Response, error) {
		g := guard(v)
		err := g.Check(v.s)
		if err == nil {
			return h(v)
		}
		_, _ = g.Admit(v.Context) // leaves the cookie of a session that has ended to the login page, which tells of it
		return v.turnAway(err, page)
	}
}

func (v *visit) turnAway(why error, page string) (Response, error) {
	if v.json || explain(why).Status != http.StatusUnauthorized {
		return Response{}, why
	}
	return v.redirect(loginFor(page)), nil
}

// loginFor is the login page of somebody who wants to see another.
func loginFor(page string) string { return "/login?" + url.Values{"next": {page}}.Encode() }

func (v *visit) profile() (Response, error) { return v.show("profile") }
func (v *visit) admin() (Response, error)   { return v.show("admin") }
