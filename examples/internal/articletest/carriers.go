package articletest

import (
	"path/filepath"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/drivers/storeurl"
	"github.com/coatcheck/coatcheck/internal/servers"
	"github.com/coatcheck/coatcheck/stores/filestore"
	"github.com/coatcheck/coatcheck/stores/memstore"
	"github.com/coatcheck/coatcheck/stores/tieredstore"
)

// carrier is where sessions are kept.
type carrier struct {
	name   string
	open   func(t *testing.T) session.Store // nil: sessions travel sealed in the cookie
	sweeps bool                             // somebody has to remove what has expired
	sealer session.Sealer
}

func carriers() []carrier {
	return []carrier{
		{name: "memory", open: memory, sweeps: true},
		{name: "file", open: file, sweeps: true},
		{name: "sqlite", open: sqlite, sweeps: true},
		{name: "tiered", open: tiered, sweeps: true},
		{name: "redis", open: func(t *testing.T) session.Store { return opened(t, "redis://"+servers.Redis(t).Addr) }},
		{name: "memcached", open: func(t *testing.T) session.Store {
			return opened(t, "memcached://"+servers.Memcached(t).Addr)
		}},
		{name: "securecookie", sealer: session.SecureCookie},
		{name: "aead", sealer: session.AEAD},
	}
}

func memory(*testing.T) session.Store { return memstore.New() }

func file(t *testing.T) session.Store {
	t.Helper()
	s, err := filestore.New(filepath.Join(t.TempDir(), "sessions"), filestore.Options{UnsafeNoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close the store: %v", err)
		}
	})
	return s
}

func sqlite(t *testing.T) session.Store {
	return opened(t, "sqlite://"+filepath.Join(t.TempDir(), "sessions.db"))
}

func tiered(t *testing.T) session.Store {
	return tieredstore.New(memstore.New(), file(t), tieredstore.Options{})
}

func opened(t *testing.T, url string) session.Store {
	t.Helper()
	o, err := storeurl.Open(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := o.Close(); err != nil {
			t.Errorf("close the store: %v", err)
		}
	})
	if o.Migrate != nil {
		if err := o.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return o.Store
}

func (c carrier) manager(t *testing.T, o session.Options) *session.Manager {
	t.Helper()
	var m *session.Manager
	var err error
	if o.Sealer = c.sealer; c.open == nil {
		m, err = session.NewSealed(session.TemporaryKeys(), o)
	} else {
		m, err = session.New(c.open(t), o)
	}
	if err != nil {
		t.Fatal(err)
	}
	return m
}
