// Package httpsession adds sessions to net/http servers, and to every router whose handlers are http.Handlers.
package httpsession

import (
	"net/http"

	"github.com/coatcheck/coatcheck/adapters/internal/responsewriter"
	session "github.com/coatcheck/coatcheck/core"
)

// Middleware gives every request that passes through it a session of m's kind. Installed twice, it works once.
//
// Middleware that overwrites a request's RemoteAddr by what a header claims, such as chi's RealIP, belongs after it:
// Options.TrustedProxies says whom ClientHints believes.
func Middleware(m *session.Manager) func(http.Handler) http.Handler {
	return responsewriter.Middleware(m)
}

// Require lets nobody pass whom the guard turns away. It belongs inside of Middleware, and the login page outside of
// it.
func Require(g session.Guard) func(http.Handler) http.Handler { return responsewriter.Require(g) }

// From returns the request's session, never nil. It panics when Middleware is not installed on the route. With
// several managers it is the innermost one's; Manager.From picks.
func From(r *http.Request) *session.Session { return session.From(responsewriter.ContextOf(r)) }
