// Package adaptertest is the behaviour suite for adapters, ours or a stranger's. Give Run one function that serves
// an App with the adapter, and it proves the promises that an adapter has a part in, over real loopback connections.
//
// docs/adapters.md shows what an adapter consists of and how it calls this package.
package adaptertest

import (
	"context"
	"net/http"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
)

// App is a web application that the suite wants served.
type App struct {
	// Managers are to be installed as middleware on the route, the first one outermost.
	Managers []*session.Manager
	// Guard, unless it is nil, is to be installed by the adapter's Require on all routes, inside of all managers. An
	// adapter without Require declares a Lack of Guards and never sees one.
	Guard *session.Guard
	// Headers are to be set on every response by a middleware outside of all managers', before it calls the next.
	Headers map[string]string
	// HTTP2 asks for TLS, with any certificate, and HTTP/2. Frameworks that have none never see it.
	HTTP2 bool
	// Handle answers every method and every path but the bare /, which has no route: the framework answers that one by
	// itself. Where the framework's handlers return errors, return its error from the handler; elsewhere give it to
	// HandleError, or answer it with a 500.
	Handle func(*Call) error
	// HandleError, unless it is nil, is to be the application's own error handler, where the framework has such a thing.
	// It writes its answer and never asks whether there is one already. Where the framework leaves errors to a
	// middleware, that one belongs inside of the adapter's.
	HandleError func(*Call, error) error
}

// Call is one request as the framework's handler got it.
type Call struct {
	// Context is what the handler passes on to code that knows nothing of the framework.
	Context context.Context
	// Contexts are others that lead to the request, such as the framework's own context type beside the request's context.
	Contexts []context.Context
	// Session is what the adapter's From returned.
	Session *session.Session
	// Method and Path are the request's. The suite may keep them after the request, so they must be copies.
	Method, Path string
	// SetHeader sets a response header before the response is written.
	SetHeader func(name, value string)
	// Respond writes a response with a text body, the way the framework's users do.
	Respond func(status int, body string) error
	// Writer and Request are a net/http handler's, as the adapter's middleware has left them. Frameworks that have
	// none leave them nil and declare a Lack.
	Writer  http.ResponseWriter
	Request *http.Request
}

// Serve serves app on a loopback address until the test ends and returns its URL, such as http://127.0.0.1:40123.
// A panic in a handler must not end the process: where the framework does not recover by itself, install its
// recovery outside of the adapter.
type Serve func(t testing.TB, app App) (url string)

// Feature is something that not every framework has.
type Feature string

// The features that cases may need.
const (
	NetHTTP Feature = "net/http" // handlers have an http.ResponseWriter and an *http.Request
	HTTP2   Feature = "HTTP/2"
	Interim Feature = "interim responses" // WriteHeader sends a 1xx at once
	Guards  Feature = "guards"            // the adapter has Require
)

// Lack says that a framework, or for Guards its adapter, has no such feature, and why. Its cases are skipped with that
// reason.
type Lack struct {
	Feature Feature
	Reason  string
}

// Run runs every case against the adapter behind serve and returns what became of them, for Matrix. Each case is a
// subtest named promise/case and calls serve anew; one that fails says why its rule exists.
func Run(t *testing.T, serve Serve, lacks ...Lack) Result {
	result := Result{}
	for _, group := range [][]testCase{
		cost, cookies, lifetimes, formats, wiring, races, watches, values, failures, mistakes, errorAnswers, responses,
		guards, crossSite, transports, bindings, revocations, imports, apps,
	} {
		for _, c := range group {
			t.Run(c.promise+"/"+c.name, func(t *testing.T) { c.check(t, serve, lacks, result) })
		}
	}
	return result
}

// testCase is one thing that every adapter does alike.
type testCase struct {
	promise string // its number in the design
	name    string
	why     string // one sentence, printed on failure
	run     func(*suite)
	needs   Feature
}

func (c testCase) check(t *testing.T, serve Serve, lacks []Lack, result Result) {
	t.Cleanup(func() {
		result.add(c.promise, t.Failed(), t.Skipped())
		if t.Failed() {
			t.Logf("why %s: %s", c.promise, c.why)
		}
	})
	for _, l := range lacks {
		if l.Feature == c.needs {
			t.Skipf("needs %s: %s", l.Feature, l.Reason)
		}
	}
	c.run(&suite{T: t, serve: serve})
}
