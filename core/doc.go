// Package session is web sessions for Go. The browser of a visitor keeps a token in a cookie, and a
// request that brings the token along finds the values that an earlier request has stored.
//
// This package decides everything about a session. Adapters bring it to net/http, chi, Gin, Echo and
// Fiber; stores keep sessions in memory, files, SQL, Redis or Memcached. Each adapter and each store
// is a small package of its own beside this one.
//
//	const visits session.Key[int] = "visits"
//
//	sessions, err := session.New(memstore.New(), session.Options{})
//	if err != nil {
//		log.Fatal(err)
//	}
//	site := httpsession.Middleware(sessions)(mux)
//
// In a handler behind that middleware:
//
//	n := visits.Update(httpsession.From(r), func(n int) int { return n + 1 })
//
// # Sessions, keys and managers
//
// A [Manager] is the policy for one kind of session: the cookie, the lifetime, and where sessions are
// kept. Make it once, when the program starts, with [New] or [NewSealed]. Options that contradict each
// other or are out of range are errors there. Install it with an adapter's Middleware.
//
// A [Session] is one visitor's session as one request sees it. An adapter's From returns it and never
// returns nil: for a visitor without a session it is an empty one. Code that knows no framework takes
// it from the request's context with [From].
//
// A [Key] is a constant that knows the type of its value. Values are stored as JSON and come back as
// they went in; a type whose values would not is refused at first use, and [Key] lists what to heed. A
// [Flash] is such a constant for messages that a later page shows once.
//
// # The life of a request
//
// The middleware looks nothing up. A request that does not use its session costs no store call, and
// its response says nothing about sessions.
//
// The first use loads the session. That is normally one store call for a well-formed cookie of the
// manager's name (a token that [Options.RenewAfter] has replaced takes two or more), and none without
// one or if the session is sealed in the cookie. Of several cookies of the name at most three are
// tried. A cookie that opens nothing, for whatever reason, makes an anonymous visitor and an event,
// and never an error page.
//
// Reads decode one value at a time. Writes are remembered and seen by later reads of this request. A
// session begins with the first value that is stored or with [Session.Login]; reading starts none.
//
// Right before the first byte of the response the adapter commits. Changes normally cost one store
// call, a new token in place of an old one two. It is more where requests overlap, where
// [Options.MaxPerSubject] is set, and one more where the cookie of a dead token is replaced or
// deleted. A request that has changed nothing saves nothing, but for upkeep that has fallen due: see
// "How long a session lives". Setting a key to the value it has is no change. Every status saves,
// unless [Options.SaveOn] says otherwise. A panic that passes the adapter saves nothing beyond an
// earlier [Session.Save]. A client that hangs up does not keep a commit from finishing;
// [Options.StoreTimeout] bounds it.
//
// The commit sets the response's headers: the cookie, if it has changed, with Cache-Control:
// no-store; otherwise Cache-Control: private, unless the handler has set that header; and Vary:
// Cookie in both cases. See "Clients that are no browsers" for others.
//
// If the commit fails, the handler's response does not go out. The client gets the answer that
// [Options.ErrorResponse] makes, and headers that the handler has set are gone.
//
// Changes made after the first byte are saved when the handler has returned, if they need no cookie.
// A change that needs one, such as a login, is lost and reported as [ReasonTooLate]. When the handler
// has returned, the session is over: it reads as empty, and every use of it is reported as
// [ReasonRequestOver].
//
// # Reading and writing
//
//   - [Key.Get] returns the value or the zero value, [Key.GetOr] a value of your choice instead of the
//     zero one, [Key.Lookup] also whether there is one.
//   - [Key.Set] replaces the value whatever it is, [Key.Delete] removes it.
//   - [Key.SetFor] is Set for a limited time, for what was sent by mail or must be done soon.
//   - [Key.Update] makes the new value from the present one, and loses nothing when requests overlap.
//   - [Key.Try] is Update with a function that can refuse.
//   - [Append] adds to a list and keeps the last items only.
//   - [Key.Pop] returns the value and removes it.
//   - [Flash.Add] leaves a message for a later page, [Flash.Take] returns the messages and removes
//     them, [Flash.Peek] keeps them.
//   - [Session.Keys] returns the names of all values, [Session.All] the values too, as JSON.
//   - [Session.Clear] drops all values and keeps the session, its subject and its token.
//
// A value whose time is over reads as absent from that moment on, in a request that is at work, too.
// The next save leaves it out. Update, Try and Append keep a value's end, Set removes it.
//
// A commit that fails answers the client by itself. A handler that wants to decide, or that does
// something which the session cannot take back, commits early with [Session.Save] and looks at the
// error: after a failed Save the handler's response goes out. It asks [Session.Err] first if it must
// not take a session that could not be loaded for an empty one. There it just returns, and the client
// gets the 503 whatever the handler has written.
//
// # Logging in and out
//
// [Session.Login] binds the session to a subject, such as "user:42", and gives it a new token. The
// token from before opens nothing afterwards, so that one which somebody has planted in the browser
// is worthless. Values stay, unless the session was another subject's. [Session.Subject] tells whom
// the session belongs to.
//
// [Session.Renew] gives a new token and keeps everything else: call it when the visitor's rights
// change. [Session.Destroy] ends the session and deletes the cookie; a request that is still running
// does not bring it back.
//
// [Session.Reason] tells why a visitor has no session, so that a login page can say that it has
// expired: see [Reason.Lapsed].
//
// # Other sites
//
// A page of another origin can make a browser send requests here, with the visitor's cookie where
// SameSite does not keep it back. Such a request with an unsafe method, which is any but GET, HEAD and
// OPTIONS, reads as an anonymous visitor's, and what it writes is refused with [ErrCrossSite], a 403
// that leaves the browser's cookie alone. The browser's own Sec-Fetch-Site decides, or Origin against
// Host where it sends none. A client that is no browser sends neither and passes.
// [Options.TrustedOrigins] lets pages of yours in.
//
// So forms need no tokens, but for browsers from before 2023, or behind a rule of your own:
// [Session.FormToken] makes one, and [Session.CheckFormToken] tells whether it is this session's.
//
// # Waiting
//
// A handler that waits, for server-sent events or a WebSocket, asks [Session.Watch] for a context that
// ends with the session: by a logout in another tab, a Revoke on another server, or when it runs out.
// docs/waiting.md has programs.
//
// # Clients that are no browsers
//
// With [Options.Transport] set to [Bearer] the token comes as "Authorization: Bearer <token>", and a
// new one leaves in the response header Session-Token, whenever a browser would get a new cookie: when
// the session begins, at a login, and at a renewal; of a sealed session, at every change and touch.
// Vary names Authorization then. Cookies are neither read nor set, and the rule about other sites is
// left out. With [Either] a request that has that header, be it "Authorization: Bearer" with no token
// behind it, is such a client's, and every other one a browser's: nothing is mixed.
//
// A token never comes from a query or a form. Two tokens, or two headers, count as [ReasonMalformed];
// other schemes are somebody else's. [Session.Destroy] ends a stored session and sends no header. A
// sealed one lives in the client's token, which stays good until it expires.
//
// # Clients that change
//
// [Options.Binding] compares the family of browser and system, or the network, with those that began the session or
// logged in, and reports another one ([Report]), takes it for an anonymous visitor's ([Refuse]), or
// ends the session ([End]).
//
// # Sessions of a subject
//
// [Manager.List] returns where a subject is logged in, [Manager.Revoke] ends one of these sessions,
// [Manager.RevokeOthers] all but the present one, [Manager.RevokeAll] all. [Options.MaxPerSubject]
// limits how many there can be. [Manager.RevokeLabel] ends sessions by a name that their logins have
// given them with [Label]. [Manager.Edit] changes them while their owner is logged in.
// [Manager.All], [Manager.Count], [Manager.RevokeHandle] and [Manager.RevokeEverybody] are for an
// operator: they go through everybody's.
//
// # Guarding pages
//
// A [Guard] says whom pages are for: whoever is logged in, has logged in within some time
// ([Guard.Within]), or is allowed to ([Guard.Allow]). An adapter's Require makes middleware of it,
// inside of the session's own:
//
//	private := httpsession.Require(session.Guard{Login: "/login"})(pages)
//
// Browsers are sent to the login page and come back; htmx is told to load it; scripts and programs
// get a 401, and everybody a 403 whom Allow turns down. The login page is outside of the guard. It
// redirects to [Next] of the query's next, which never leads to another site.
//
// Frameworks with error answers of their own ask [Guard.Check].
//
// # How long a session lives
//
// A session ends [Options.IdleTimeout] (30 minutes) after its last use and in any case
// [Options.AbsoluteTimeout] (12 hours) after it began or its last login. These rules hold:
//
//   - Every request that loads the session is a use, however long it takes afterwards.
//   - A use is written down at most once in [Options.TouchInterval], a tenth of the idle timeout.
//     A session that was used lives for at least the idle timeout from then on; an unused one may
//     live an interval longer. [Session.Touch] writes a use down at once.
//   - Login starts the absolute timeout anew. Renew, Touch and Clear do not.
//   - [Session.SetLifetime] gives one session a lifetime of its own, as for "remember me", and
//     [Options.LifetimeFor] the sessions of some subjects. It stays through everything but a login as
//     somebody else, and is never longer than [Options.MaxLifetime].
//   - With [LastChange] the idle timeout counts from the last change, and requests that only read
//     do not extend the session.
//   - Shorter timeouts act at once on sessions that live already. A longer idle timeout reaches a
//     session with its next use, a longer absolute one with its next login.
//   - [Options.Leeway] adds to both, for servers whose clocks differ.
//   - [Options.RenewAfter] replaces the token of a session in use when it is that old, and logs
//     nobody out. The old token works until the new one has come back from the browser and for
//     [Options.RenewGrace] after that.
//   - The cookie ends with the browser. With [Cookie.Persistent] it stays until the session's
//     absolute end.
//
// [Session.Info] tells when a session ends if this request is its last, and what else is known of it;
// [Session.AuthenticatedWithin] whether the visitor has logged in lately. Expired sessions open
// nothing. Where the store does not forget them by itself, [Manager.StartSweeper] or [Manager.Sweep]
// removes them.
//
// # A store or a sealed cookie
//
// [New] keeps records in a [Store] and gives the browser a random token. [NewSealed] has no store: the
// cookie is the session, encrypted and authenticated under [Keys]. Handlers stay the same, and these
// things differ:
//
//	                               a store            a sealed cookie
//	room for values                MaxSize, 1 MiB     about 2100 bytes, 2900 with AEAD
//	requests that overlap          changes merge      the last response wins
//	Destroy ends copies, too       yes                no (**): a copy opens until it expires
//	Revoke, RevokeAll, ...         yes (*)            no (**): errors.ErrUnsupported
//	List, MaxPerSubject            yes (*)            no: errors.ErrUnsupported
//	what a server needs            the store          the keys
//
//	(*) if the store can search by subject: all but Memcached can
//	(**) unless Options.Revocations is set
//
// [Options.Revocations] is a store that keeps what has been ended: one small record, however many
// sessions it ends. Each request that uses somebody's session asks it, once. It is for Memcached, too.
//
// Take a store when a logout has to hold, when a value must not get lost, or when values are large.
// Take a sealed cookie for small values that may get lost, such as a theme or a language, where
// there is nothing to run a store on. With a sealed cookie even a slow request that only reads can
// undo a login or logout that was answered meanwhile, because it may have to seal the session again;
// not a logout, where there are Revocations.
//
// # When requests overlap
//
// Browsers send requests at the same time, and each loads the session before the others have saved.
// With a store nothing is lost without a word:
//
//   - Changes of different keys are both kept.
//   - Functions given to Update or Try run on top of each other. The function may run several times,
//     also after the handler has returned and on a value that another request wrote. So it uses its
//     argument and copied values, does no I/O, reads no clock and does not use the session.
//     What Update returns is this request's view; the value in the store is known after
//     [Session.Save].
//   - Of two Sets the later commit wins that key. But a request that has read a key and then sets,
//     deletes or pops it, while another has changed it, gets [ErrConflict]; [LastWriteWins] turns
//     that off. A Pop of what another request has taken already passes. A value whose time is over
//     is absent, and that it has run out is no change.
//   - Messages of a [Flash] are added and taken without any conflict. None is lost, and two pages that
//     take at the same time may both show one.
//   - Logout wins: what was destroyed or revoked comes back on no path. A request that wanted to
//     change it gets [ErrEnded].
//   - Changes of a request whose session was renewed meanwhile go into the renewed session. Changes
//     of one whose visitor has logged in meanwhile get [ErrEnded], because whoever planted the token
//     could make them too.
//   - Two logins at once make two sessions. Two renewals at once make one token.
//
// All methods of a Session are safe for the goroutines of its request. No lock is held while a
// function given to Update or Try runs. A [Manager] is safe for all goroutines.
//
// # Several managers
//
// A program can have several kinds of sessions, for visitors and administrators for example. Each
// manager needs its own [Options.Name], from which the cookie gets its name and by which tokens of one
// mean nothing to another, so they may share a store. They can be installed on one route. There [From]
// returns the innermost one's session and [Manager.From] picks. Two managers with one cookie name on
// one route panic. Each is saved by itself. An inner manager's cookie is lost with the response if
// the outer one's commit fails.
package session
