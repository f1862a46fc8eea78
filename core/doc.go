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
// # Moving from another system
//
// [Options.Import] takes over the sessions of the system that a site had before, so that nobody has to
// log in again. The packages under migrate make an [Importer] for each system, which turns a
// [ForeignCookie] into a [Foreign] session or refuses it with [NotImportedError]; the program adds the
// day on which that ends, whose session it is, and by [AnyKey] which values come along. It happens
// once for each session, in the first request that uses ours. A [Mirror] keeps both systems logged
// in and out together while a migration takes weeks. docs/migration.md has a page for each system.
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
// # Errors
//
// Methods that write return nothing. What goes wrong with them is returned by Save or Err, and makes
// the response if nobody asks. Of the others these are the errors; branch on them with errors.Is.
//
//	Session.Save            ErrConflict, ErrEnded, ErrTooManySessions, ErrTooLarge, ErrUnavailable,
//	                        ErrCrossSite, ErrCommitted, ErrRequestOver, or a refused write
//	Session.Err             ErrUnavailable, ErrRequestOver, ErrCrossSite once something was written, a
//	                        refused write, or what the last Save returned
//	Key.Try                 the function's own error, ErrUnavailable, ErrCrossSite, ErrRequestOver, or
//	                        a refused write
//	Manager.List            ErrUnavailable, errors.ErrUnsupported, context.Canceled, or that the
//	                        subject is empty
//	Manager.Revoke          the same, or ErrNotFound
//	Manager.RevokeOthers    the same as List, what Session.Err returns, or that the session is
//	                        another manager's or nobody's
//	Manager.RevokeAll       the same as List
//	Manager.RevokeLabel     the same as List
//	Manager.Inspect         ErrUnavailable
//	Manager.Sweep           errors.ErrUnsupported, or the store's own error
//	Guard.Check             ErrLoginRequired, ErrLoginStale, ErrForbidden, ErrUnavailable,
//	                        ErrRequestOver
//	New, NewSealed,         errors that say what to change; the program should stop
//	ParseKeys, GenerateKey
//	From, Manager.From,     panic where the program is put together wrongly, and say how to mend it
//	an adapter's Middleware
//	and Require
//
// The default [Options.ErrorResponse] answers 409 to ErrConflict and ErrEnded, 401 to
// ErrLoginRequired and ErrLoginStale, 403 to ErrTooManySessions, ErrForbidden and ErrCrossSite, 503 to
// ErrUnavailable and 500 to everything else.
//
//   - [ErrConflict]: another request changed what this one had read. After Save the session shows
//     what is stored: look again and decide, or use Update.
//   - [ErrEnded]: the session was logged out, revoked or logged in by another request, or has reached
//     its absolute end; or the token was replaced or ended less than a minute before the request, so
//     that a newer cookie may be on its way. Nothing was saved. Let the visitor start again.
//   - [ErrTooManySessions]: [RefuseLogin] has refused a login. Let the visitor end one of the
//     subject's other sessions first.
//   - [ErrCrossSite]: a page of another origin made the browser send a request that writes. Nothing was
//     saved, and no cookie was set. If the page is yours, name its origin in [Options.TrustedOrigins].
//   - [ErrTooLarge]: the session outgrew its cookie, [Options.MaxSize] or a limit of the store's. What
//     was stored before is intact. Store less, or a reference.
//   - [ErrLoginRequired], [ErrLoginStale], [ErrForbidden]: a [Guard] has turned the visitor away, who is
//     not logged in, has not been within [Guard.Within], or is not allowed by [Guard.Allow].
//   - [ErrUnavailable]: the store did not answer, or a newer version of this package wrote the
//     record. After a failed load nothing can be written; after a failed write it is unknown whether
//     the change is stored. Let the client try again later. With [Options.AnonymousWhenUnavailable]
//     handlers go on as for an anonymous visitor.
//   - [ErrCommitted]: a change needed a cookie after the headers had left, or the connection was
//     taken over. Write before the first byte, or call Save before it.
//   - [ErrRequestOver]: a goroutine used the session after its request. Read what it needs before.
//   - [ErrNotFound]: to an application, that Revoke knows no live session of that subject and handle.
//     To the core, a store's answer for a record that is absent.
//   - [ErrExists]: a store's answer to Create. Applications do not see it.
//   - A refused write has no error of its own to branch on. The value or its type cannot be stored, or
//     Update found a value that does not fit its type, or Login got no subject or a label too much,
//     SetFor no time, Append no limit, or SetLifetime or [Options.LifetimeFor] a lifetime that cannot
//     be. The message names the key, if there is one, and the event the line of the program.
//   - errors.ErrUnsupported: sealed sessions cannot be listed, nor can those of some stores, and
//     where the store forgets by itself there is nothing to sweep.
//
// # Several managers
//
// A program can have several kinds of sessions, for visitors and administrators for example. Each
// manager needs its own [Options.Name], from which the cookie gets its name and by which tokens of one
// mean nothing to another, so they may share a store. They can be installed on one route. There [From]
// returns the innermost one's session and [Manager.From] picks. Two managers with one cookie name on
// one route panic. Each is saved by itself. An inner manager's cookie is lost with the response if
// the outer one's commit fails.
//
// # Events and logs
//
// [Options.OnEvent] receives an [Event] for whatever happens to a session. Only a Save that fails makes
// none, because its caller has the error. Without it, failures go to
// the default logger of log/slog: as a warning where two requests of one visitor met (ErrConflict,
// ErrEnded), another site's request was refused or the site's transport does not fit, and as an error otherwise. The
// attributes of the line are manager, route, at (file and line of the application), handle, subject, key and error, as
// far as they are known. No event carries a token or a value.
//
// Log the handle, [Session.Handle], to find what belongs to one session: it stays the same across
// renewals and opens nothing.
//
// These tell what happened. Count them.
//
//   - [ReasonCreated]: a session began. Very many mean clients that keep no cookie.
//   - [ReasonLogin]: somebody has logged in. Subject and Handle say who, and in which session.
//   - [ReasonRenewed]: a session got a new token, by Login, Renew or [Options.RenewAfter].
//   - [ReasonEnded]: Destroy ended a session.
//   - [ReasonRevoked]: Revoke, RevokeOthers, RevokeAll, [EndReplayed] or [Options.Binding] ended a session.
//   - [ReasonEvicted]: a session ended because its subject had more than [Options.MaxPerSubject].
//     Many for one subject: the limit is too low, or a password is shared.
//   - [ReasonImported]: an [Importer] has taken a session over from another system. Count these by the
//     day: once there are none, the importer can go.
//   - [ReasonLimited]: a login was refused, because its subject had [Options.MaxPerSubject] sessions.
//   - [ReasonTouched]: a use was written down.
//   - [ReasonReissued]: a sealed cookie was sealed anew under the first key. These follow a change of
//     keys. The old key can go once [Options.AbsoluteTimeout] has passed since.
//   - [ReasonMerged]: changes of two requests that overlapped were both kept.
//   - [ReasonFollowed]: changes went into the session that a renewal had made meanwhile.
//   - [ReasonSeparate]: a login met another login of the same session and made a session of its own.
//     A form that is sent twice does that.
//
// These tell why a cookie was not accepted. The visitor is anonymous, and nothing is wrong on this
// side unless there are suddenly many.
//
//   - [ReasonMalformed], [ReasonOversized]: no token of this package, or one cut off. Many: another
//     program on the host uses the cookie's name, so change [Options.Name].
//   - [ReasonUnknown]: no such session, or no more: it has expired and been removed. A wave of them:
//     the store has lost its records, or servers do not share one.
//   - [ReasonUnopenable]: a sealed cookie that was tampered with, or sealed under a key or for a
//     manager that is not this one. A wave of them: servers have different keys, or a key was dropped
//     too early.
//   - [ReasonExpiredIdle], [ReasonExpiredAbsolute]: the timeout that has ended the session.
//   - [ReasonAlreadyEnded]: destroyed or revoked within the last five minutes, or at any time with
//     [Options.Revocations]. Other tabs do that.
//   - [ReasonSuperseded]: the token was replaced by a login or Renew within the last five minutes.
//   - [ReasonReplayed]: the token was replaced by RenewAfter and used again after its grace, so two
//     browsers have had it. Treat it as a stolen cookie: look at the subject's other events, and end
//     the session by [EndReplayed] or all of them with RevokeAll.
//   - [ReasonAmbiguous]: several cookies of the name that open sessions of different subjects, or of
//     nobody, or more than three to try. After a change of Domain or Path list the earlier ones in
//     [Cookie.Former]. Otherwise somebody may be planting cookies from a neighbouring host.
//   - [ReasonCorrupt]: the record is not one that this package wrote. Find out who else writes to the
//     store.
//   - [ReasonCrossSite]: a page of another origin made the browser send a request with an unsafe
//     method. Its cookie was not looked at. Many from a page of yours: see [Options.TrustedOrigins].
//   - [ReasonOtherClient]: another browser or network than the session's presented its token: see
//     [Options.Binding], which says whether the request was let in, refused, or ended the session. A
//     thief, or a visitor whose browser or network has changed. Many at once: the proxies have changed,
//     so look at [Options.TrustedProxies].
//
// These tell what failed and carry an error.
//
//   - [ReasonLoadFailed]: the store could not be read. The client gets a 503, or is anonymous with
//     [Options.AnonymousWhenUnavailable]. Look at the store.
//   - [ReasonCommitFailed]: changes were not saved. The client gets the error response, unless the
//     handler's had left already or a Save has told the handler. With [EndReplayed]: a session could not
//     be ended. The error says why: see "Errors".
//   - [ReasonTouchFailed]: upkeep that nobody asked for failed: a touch or a periodic renewal. The
//     response went out. Look at the store.
//   - [ReasonUnchecked]: [Options.Revocations] could not be asked whether a session was revoked, and
//     [Options.AcceptUnchecked] let it pass. Look at that store.
//   - [ReasonUndecodable]: a stored value does not fit the type of its key. The type was changed, or
//     two keys, or a Key and a Flash, have one name: give the new one another name.
//   - [ReasonUnencodable]: a value or a type cannot be stored, or SetFor or Append was given no room for
//     it. Change the line that the event names.
//   - [ReasonTooLate]: a change that needs a cookie came after the first byte of the response, and
//     was not saved. Move the line that the event names.
//   - [ReasonRequestOver]: a session was used after its request. Change the line that the event names.
//   - [ReasonSweepFailed]: expired records were not removed and take room. The sweeper tries again
//     after longer and longer waits, an hour at most.
//   - [ReasonWatchFailed]: [Session.Watch] could not ask the store. Watchers stay, and are told late of
//     what other processes end. Told once, until the store has answered again. Look at the store.
//   - [ReasonImportEnds]: an [Importer] ends within a week, or has ended. Take it out, or move its
//     Until. Told once a day.
//   - [ReasonPlainHTTP]: a Secure cookie went out over plain http, where browsers drop it. Serve
//     https, let the proxy send X-Forwarded-Proto, or set [Options.InsecureHTTP] in development. Told
//     once for each manager.
//   - [ReasonInsecureHTTP]: [Options.InsecureHTTP] is set on a site that is served over https. Take it
//     out. Told once for each manager.
//
// # Testing an application
//
// Package sessiontest beside this one has a logged-in request in one line, a look at the session
// after the handler, and a clock that a test moves: give it to [Options.Now].
//
// # Writing a store
//
// A store implements the four methods of [Store] for values of type [Record], found by [RecordID].
// Two rules carry everything else: Update never creates a record, and it replaces one only if the
// version is the one it was given. [Toucher], [BatchLoader], [Indexer], [Walker] and [Sweeper] are
// optional. A store judges nothing: not whether a record has expired, not what is in it, not whether
// a conflict matters. It answers with [ErrNotFound], [ErrExists], [ErrConflict] and [ErrTooLarge]
// where the contract says so, and with errors of its own otherwise. A store whose client heeds
// deadlines and no cancellation can ask the context, as [Store] says. Package storetest holds a
// store to the contract; docs/stores.md tells what others got wrong first.
//
// # Writing an adapter
//
// Applications need nothing of this: [Request], [Exchange], [RequestFacts], [RegisterContext] and
// what is named here of [Manager] are for adapters only. An adapter shows a request and its pending
// response headers as an [Exchange], whose Facts are [RequestFacts], and drives a [Request]:
//
//   - [Manager.Ready], when the middleware is made, panics for a nil manager.
//   - [Manager.Begin], when a request comes, returns the context to run the rest with.
//   - [Request.Commit], before the first header byte, tells whether the handler's response may go out
//     or which [Response] goes instead. [Request.CommitHeaderless] is for a handler that takes over
//     the connection.
//   - [Request.Discard], if a panic passes by, in place of Commit.
//   - [Request.End], in every case and last of all.
//   - [RegisterContext] tells [From] how to find the request inside a framework's own context type,
//     and [Manager.Exchange] leads back to the exchange of a request that is running.
//   - [Guard.Ready], when Require is called, and [Guard.Admit], for each request behind it.
//
// A framework whose handlers write to an http.ResponseWriter that can be exchanged needs none of it:
// its adapter lets httpsession.Middleware do the work. docs/adapters.md shows both ways, and package
// adaptertest holds an adapter to the promises.
package session
