// Package adapters_test holds every adapter to the same behaviour. One run prints the whole matrix, promise by adapter.
package adapters_test

import (
	"io"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/coatcheck/coatcheck/adapters/adaptertest"
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
