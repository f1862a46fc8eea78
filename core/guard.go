package session

import (
	"context"
	"errors"
	"strings"
	"time"
)

// Guard says whom a part of a site is for. An adapter's Require turns it into middleware, which belongs inside of the
// session's own:
//
//	account := mux.Group("/account", ginsession.Require(session.Guard{Login: "/login"}))
//
// Whoever is not logged in, or not recently enough, is answered in a way that fits who asks:
//
//   - A browser that goes to a page gets a 303 to Login. The query's next is the page that it wanted, which the login
//     page gives to the function Next before it redirects there. What a form has sent is not kept: next is then the
//     page with the form, as far as the Referer tells.
//   - htmx gets a 401 with HX-Redirect to Login, and next is the page around the fragment.
//   - A bearer (see Options.Transport) gets a 401 with WWW-Authenticate: Bearer from Options.ErrorResponse, with
//     ErrLoginRequired or ErrLoginStale. It is never redirected.
//   - Everybody else, such as a page's own fetch, a program or a cross-origin preflight, gets the same 401
//     without that header. So middleware that answers preflights belongs
//     outside of the guard.
//
// Whom Allow turns down gets a 403 with ErrForbidden. If the session could not be loaded, the answer is the 503, also
// with Options.AnonymousWhenUnavailable. No cache may store any of these answers. They leave the cookie of a session
// that has ended alone, so that the login page can tell the visitor of it: unless middleware in front of the guard
// starts another session by writing to it.
//
// The zero Guard lets everybody in who is logged in, and answers the others with a 401.
type Guard struct {
	// Login is the path of the login page on this site, as the visitor's browser sees it; it may have a query. The page
	// has to be outside of the guard. Empty: nobody is redirected.
	Login string
	// Within asks for a login that is younger. Zero: any login will do.
	Within time.Duration
	// Allow decides about a visitor who is logged in, whenever that was. Nil: everybody may pass. It must be safe for
	// concurrent use.
	Allow func(*Session) bool
	// Manager picks one of several managers on the route. Nil: the innermost one.
	Manager *Manager
}

// Check returns nil if the session may pass, and otherwise why not: ErrLoginRequired, ErrForbidden, ErrLoginStale,
// ErrCrossSite, or ErrUnavailable for a session that could not be loaded. It is for frameworks with error answers of
// their own; elsewhere use an adapter's Require.
func (g Guard) Check(s *Session) error {
	switch loggedIn, err := s.loggedIn(); {
	case err != nil:
		return err
	case !loggedIn && s.Reason() == ReasonCrossSite:
		return ErrCrossSite
	case !loggedIn:
		return ErrLoginRequired
	case g.Allow != nil && !g.Allow(s):
		return ErrForbidden
	case g.Within > 0 && !s.AuthenticatedWithin(g.Within):
		return ErrLoginStale
	}
	return nil
}

// Ready panics where the guard is put together wrongly. Every adapter's Require calls it, so that the program stops
// there and not at its first visitor.
func (g Guard) Ready() {
	switch {
	case g.Login != "" && (!isLocal(g.Login) || strings.Contains(g.Login, "#")):
		panic("session: Guard.Login has to be a path on this site, such as /login, and not " + g.Login)
	case g.Within < 0:
		panic("session: Guard.Within is negative; leave it zero if any login will do")
	case g.Manager != nil:
		g.Manager.Ready()
	}
}

// Admit decides about the request that ctx belongs to. When ok is false, the adapter sends instead as the handler's
// response, through the session's middleware, and does not call the handler. It panics as From does.
func (g Guard) Admit(ctx context.Context) (instead Response, ok bool) {
	s := g.from(ctx)
	err := g.Check(s)
	if err == nil {
		return Response{}, true
	}
	x := s.turnAway()
	if x == nil {
		return defaultResponse(err), false
	}
	return g.answer(s, x, err).complete(), false
}

func (g Guard) from(ctx context.Context) *Session {
	if g.Manager != nil {
		return g.Manager.From(ctx)
	}
	return From(ctx)
}

// loggedIn reports whether the visitor is logged in, or why that is unknown.
func (s *Session) loggedIn() (bool, error) {
	st := s.enter()
	if st == nil {
		return false, ErrRequestOver
	}
	defer s.leave()
	return st.changes().login || len(st.storedSubject()) > 0, st.blocked()
}

// turnAway notes that a guard answers the request, and returns it, or nil if it is over.
func (s *Session) turnAway() Exchange {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.st != nil {
		s.st.rarely().guarded = true
	}
	return s.x
}

// answer is what a visitor gets whom Check has turned away with err.
func (g Guard) answer(s *Session, x Exchange, err error) Response {
	login := errors.Is(err, ErrLoginRequired) || errors.Is(err, ErrLoginStale)
	switch {
	case login && s.client.isBearer():
		return challenge(s.m.respond(err, x.RequestHeader))
	case !login || g.Login == "":
	case isHTMX(x):
		return unauthorizedTo(g.loginFor(pageIn(x, "HX-Current-URL")))
	case navigates(x) && isRead(x.Method()):
		return seeOther(g.loginFor(g.wanted(x)))
	case navigates(x):
		return seeOther(g.loginFor(pageIn(x, "Referer")))
	}
	return s.m.respond(err, x.RequestHeader)
}

// wanted returns the page that the visitor goes to. Where that is the login page, the redirect would lead to itself.
func (g Guard) wanted(x Exchange) string {
	f := x.Facts()
	if g.isLoginPage(f.Path) {
		panic("session: the login page " + f.Path + " is behind the guard that sends visitors to it: register it outside " +
			"of Require")
	}
	if f.Query == "" {
		return f.Path
	}
	return f.Path + "?" + f.Query
}

// isLoginPage compares without a slash at the end, which routers add and take away.
func (g Guard) isLoginPage(path string) bool {
	return strings.TrimSuffix(path, "/") == strings.TrimSuffix(pathOf(g.Login), "/")
}

// loginFor returns the login page's URL, with next as where to go from there. What Next would not let pass is left out,
// and so is what makes a URL that servers may find too long, and the login page itself.
func (g Guard) loginFor(next string) string {
	if !isLocal(next) || g.isLoginPage(pathOf(next)) {
		return g.Login
	}
	if login := withQuery(g.Login, "next", next); len(login) <= maxNext {
		return login
	}
	return g.Login
}
