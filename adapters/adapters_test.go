// Package adapters_test holds every adapter to the same behaviour. One run prints the whole matrix, promise by adapter.
package adapters_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/coatcheck/coatcheck/adapters/adaptertest"
	chisession "github.com/coatcheck/coatcheck/adapters/chi"
	echosession "github.com/coatcheck/coatcheck/adapters/echo"
	echosession5 "github.com/coatcheck/coatcheck/adapters/echov5"
	fibersession "github.com/coatcheck/coatcheck/adapters/fiber"
	ginsession "github.com/coatcheck/coatcheck/adapters/gin"
	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.ReleaseMode)
	gin.DefaultErrorWriter = io.Discard
	m.Run()
}

var adapters = []struct {
	name  string
	serve adaptertest.Serve
	bench func(*session.Manager, func(*session.Session)) adaptertest.Bench
	lacks []adaptertest.Lack
}{
	{"nethttp", serveNethttp(plain, plain), benchNethttp, nil},
	{"gin", serveGin(nil, nil), benchGin, []adaptertest.Lack{
		{Feature: adaptertest.Interim, Reason: "Gin's WriteHeader remembers a status and sends it with the body"},
	}},
	{"fiber", serveFiber(nil, nil), benchFiber, []adaptertest.Lack{
		{Feature: adaptertest.NetHTTP, Reason: "Fiber stands on fasthttp, whose handlers fill a response and do not write it"},
		{Feature: adaptertest.HTTP2, Reason: "fasthttp speaks HTTP/1.1 only"},
		{Feature: adaptertest.Interim, Reason: "fasthttp sends a response once the handler has returned"},
	}},
	{"echo", serveEcho(nil, nil), benchEcho, nil},
	{"echov5", serveEcho5(nil, nil), benchEcho5, nil},
	{"chi", serveChi(nil, nil), benchChi, nil},
}

func TestAdapters(t *testing.T) {
	results := map[string]adaptertest.Result{}
	for _, a := range adapters {
		t.Run(a.name, func(t *testing.T) { results[a.name] = adaptertest.Run(t, a.serve, a.lacks...) })
	}
	adaptertest.Matrix(t, results)
}

func TestAllocations(t *testing.T) {
	for _, a := range adapters {
		t.Run(a.name, func(t *testing.T) { adaptertest.RunAllocations(t, a.bench) })
	}
}

func BenchmarkRequest(b *testing.B) {
	for _, a := range adapters {
		b.Run("framework="+a.name, func(b *testing.B) { adaptertest.Benchmark(b, a.bench) })
	}
}

// A nil dereference somewhere below would not say what is wrong.
func TestFromNilSaysWhatToPass(t *testing.T) {
	var none context.Context
	for name, from := range map[string]func() *session.Session{
		"session":         func() *session.Session { return session.From(none) },
		"nethttp":         func() *session.Session { return httpsession.From(nil) },
		"chi":             func() *session.Session { return chisession.From(nil) },
		"gin":             func() *session.Session { return ginsession.From(nil) },
		"gin, no request": func() *session.Session { return ginsession.From(&gin.Context{}) },
		"echo":            func() *session.Session { return echosession.From(nil) },
		"echov5":          func() *session.Session { return echosession5.From(nil) },
		"fiber":           func() *session.Session { return fibersession.From(nil) },
	} {
		func() {
			defer func() {
				if text := fmt.Sprint(recover()); !strings.Contains(text, "From(nil)") {
					t.Errorf("%s: panic %q, want one that names From(nil)", name, text)
				}
			}()
			from()
		}()
	}
}
