// Package session is web sessions for Go: one core that decides everything about a session, behind thin adapters for
// net/http, Gin, Fiber and other frameworks.
//
// # A session in five lines
//
//	const visits session.Key[int] = "visits" // a key is a constant that knows its type
//
//	sessions, err := session.New(memstore.New(), session.Options{}) // records on the server
//	r.Use(ginsession.Middleware(sessions))                          // or fibersession, httpsession
//
//	n := visits.Update(ginsession.From(c), func(n int) int { return n + 1 })
//
// With [NewSealed] there is no server: the session travels in the cookie, encrypted and authenticated. Handlers stay
// the same.
//
// # What happens when
//
// Nothing is read before a handler's first use of its session, and a request that does not use it pays nothing. What a
// request writes is remembered and saved right before the first byte of the response's headers, automatically. If that
// fails, the handler's response does not go out: the client gets a 503, 409, 403 or 500 instead. A handler that wants to
// decide itself calls [Session.Save]. One that must not act on an empty session during an outage asks
// [Session.Err] first.
//
// # When requests overlap
//
// With a store, changes of different keys are merged, and functions given to [Key.Update] run on top of each other. A
// request that read a key and then set it, while another changed it, gets [ErrConflict]. A session that was destroyed or
// revoked never comes back, nor does one whose absolute deadline has passed; a request that wanted to change it gets
// [ErrEnded]. A request that has loaded its session in time may outlast the idle timeout. With a sealed cookie there is nothing
// to merge with: the last response wins, and a copy of a cookie that somebody kept stays valid until it expires.
//
// # Logging in and out
//
// [Session.Login] binds the session to a subject and changes the token: one planted before opens nothing any more, and
// requests in flight with it cannot write into the session. [Session.Renew] changes the token alone, [Session.Clear]
// drops the values alone, [Session.Destroy] ends the session. [Manager.Revoke], [Manager.RevokeOthers] and
// [Manager.RevokeAll] end sessions from outside of their requests.
//
// # Reading on
//
// docs/design.md says how it works inside and where each file belongs.
//
// # Writing an adapter or a store
//
// An adapter shows a request to the core as an [Exchange] and drives a [Request]; package adaptertest proves it right.
// A [Store] has four methods; package storetest proves it right.
package session
