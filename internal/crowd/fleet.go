package crowd

import (
	"math/rand/v2"
	"net/http"
	"sync"
)

// Fleet is the servers that are running, of which each request meets one. The zero Fleet has none.
type Fleet struct {
	running sync.RWMutex // read: a request is being served
	servers []http.Handler

	mu      sync.Mutex
	served  int
	broken  bool
	changed sync.Cond
}

// NewFleet returns a fleet of these servers.
func NewFleet(servers ...http.Handler) *Fleet {
	f := &Fleet{servers: servers}
	f.changed.L = &f.mu
	return f
}

// ServeHTTP serves a request at one of the servers.
func (f *Fleet) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.running.RLock()
	f.servers[rand.IntN(len(f.servers))].ServeHTTP(w, r)
	f.running.RUnlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.served++
	f.changed.Broadcast()
}

// Deploy lets the requests in flight end and goes on with these servers.
func (f *Fleet) Deploy(servers ...http.Handler) {
	f.running.Lock()
	defer f.running.Unlock()
	f.servers = servers
}

// Await waits until n more requests have been served, or a visitor has given up.
func (f *Fleet) Await(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for until := f.served + n; f.served < until && !f.broken; {
		f.changed.Wait()
	}
}

func (f *Fleet) giveUp() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.broken = true
	f.changed.Broadcast()
}

// Served is how many requests have been served.
func (f *Fleet) Served() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.served
}
