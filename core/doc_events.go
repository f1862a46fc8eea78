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
//   - [ReasonPlainHTTP]: a Secure cookie went out over plain http, where browsers drop it. Serve
//     https, let the proxy send X-Forwarded-Proto, or set [Options.InsecureHTTP] in development. Told
//     once for each manager.
//   - [ReasonInsecureHTTP]: [Options.InsecureHTTP] is set on a site that is served over https. Take it
//     out. Told once for each manager.
package session
