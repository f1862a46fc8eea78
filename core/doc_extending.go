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
