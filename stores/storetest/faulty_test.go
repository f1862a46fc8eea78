package storetest

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

// subject is a store to run the suite on.
type subject struct {
	name  string
	store func() session.Store
}

// defect is a store with one fault, and the cases that must notice it.
type defect struct {
	name  string
	fails []string
	store func() session.Store
}

func defects() []defect {
	return slices.Concat(recordDefects, dataDefects, idDefects, expiryDefects, contextDefects, concurrencyDefects,
		interruptedDefects,
		touchDefects, batchDefects, indexDefects, momentDefects, walkDefects, sweepDefects)
}

// fault makes a defect of what break does to a good store.
func fault(name string, damage func(f *faulty), fails ...string) defect {
	return defect{name, fails, func() session.Store {
		f := &faulty{Store: memstore.New()}
		damage(f)
		return f
	}}
}

// faulty is a good store whose methods can be replaced one by one.
type faulty struct {
	*memstore.Store
	load   func(ctx context.Context, id session.RecordID) (session.Record, error)
	create func(ctx context.Context, r session.Record) error
	update func(ctx context.Context, r session.Record) error
	delete func(ctx context.Context, id session.RecordID) error
	touch  func(ctx context.Context, id session.RecordID, seen, expires time.Time) error
	find   func(ctx context.Context, subject string) ([]session.RecordID, error)
	all    func(ctx context.Context, ids []session.RecordID) ([]session.Record, error)
	walk   func(ctx context.Context, cursor string, limit int) ([]session.Record, string, error)
	sweep  func(ctx context.Context, before time.Time, limit int) (int, error)

	mu     sync.RWMutex // makes put one step
	writer sync.Mutex   // which defects wait for
}

func (f *faulty) Load(ctx context.Context, id session.RecordID) (session.Record, error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if f.load != nil {
		return f.load(ctx, id)
	}
	return f.Store.Load(ctx, id)
}

func (f *faulty) Create(ctx context.Context, r session.Record) error {
	if f.create != nil {
		return f.create(ctx, r)
	}
	return f.Store.Create(ctx, r)
}

func (f *faulty) Update(ctx context.Context, r session.Record) error {
	if f.update != nil {
		return f.update(ctx, r)
	}
	return f.Store.Update(ctx, r)
}

func (f *faulty) Delete(ctx context.Context, id session.RecordID) error {
	if f.delete != nil {
		return f.delete(ctx, id)
	}
	return f.Store.Delete(ctx, id)
}

func (f *faulty) Touch(ctx context.Context, id session.RecordID, seen, expires time.Time) error {
	if f.touch != nil {
		return f.touch(ctx, id, seen, expires)
	}
	return f.Store.Touch(ctx, id, seen, expires)
}

func (f *faulty) Find(ctx context.Context, subject string) ([]session.RecordID, error) {
	if f.find != nil {
		return f.find(ctx, subject)
	}
	return f.Store.Find(ctx, subject)
}

func (f *faulty) LoadAll(ctx context.Context, ids []session.RecordID) ([]session.Record, error) {
	if f.all != nil {
		return f.all(ctx, ids)
	}
	return f.Store.LoadAll(ctx, ids)
}

func (f *faulty) Walk(ctx context.Context, cursor string, limit int) ([]session.Record, string, error) {
	if f.walk != nil {
		return f.walk(ctx, cursor, limit)
	}
	return f.Store.Walk(ctx, cursor, limit)
}

func (f *faulty) Sweep(ctx context.Context, before time.Time, limit int) (int, error) {
	if f.sweep != nil {
		return f.sweep(ctx, before, limit)
	}
	return f.Store.Sweep(ctx, before, limit)
}

// Block implements Blocker.
func (f *faulty) Block(*testing.T) (release func()) {
	f.writer.Lock()
	return f.writer.Unlock
}

// put writes a record whatever there was, as a plain SET does.
func (f *faulty) put(ctx context.Context, r session.Record) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.Store.Delete(ctx, r.ID); err != nil {
		return err
	}
	return f.Store.Create(ctx, r)
}

// replacing makes a store see other records than those it is given.
func (f *faulty) replacing(damage func(r session.Record) (session.Record, error)) {
	f.create = func(ctx context.Context, r session.Record) error {
		r, err := damage(r)
		if err != nil {
			return err
		}
		return f.Store.Create(ctx, r)
	}
	f.update = func(ctx context.Context, r session.Record) error {
		r, err := damage(r)
		if err != nil {
			return err
		}
		return f.Store.Update(ctx, r)
	}
}

// latency is the way to a server and back, long enough for another request to get between.
func latency() { time.Sleep(time.Duration(rand.IntN(200)) * time.Microsecond) }

// ledger is what a store notes about records besides them.
type ledger[V any] struct {
	mu    sync.Mutex
	notes map[session.RecordID]V
}

func (l *ledger[V]) set(id session.RecordID, v V) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.notes == nil {
		l.notes = map[session.RecordID]V{}
	}
	l.notes[id] = v
}

func (l *ledger[V]) remove(id session.RecordID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.notes, id)
}

func (l *ledger[V]) get(id session.RecordID) V {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.notes[id]
}

func (l *ledger[V]) all() map[session.RecordID]V {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.notes)
}

// honest are stores that differ from the reference in what they may.
var honest = []subject{
	{"has only what it must", func() session.Store { return struct{ session.Store }{memstore.New()} }},
	{"answers ErrUnsupported", func() session.Store {
		return &faulty{
			Store: memstore.New(),
			touch: func(context.Context, session.RecordID, time.Time, time.Time) error { return errors.ErrUnsupported },
			find:  func(context.Context, string) ([]session.RecordID, error) { return nil, errors.ErrUnsupported },
			all:   func(context.Context, []session.RecordID) ([]session.Record, error) { return nil, errors.ErrUnsupported },
			walk: func(context.Context, string, int) ([]session.Record, string, error) {
				return nil, "", errors.ErrUnsupported
			},
			sweep: func(context.Context, time.Time, int) (int, error) { return 0, errors.ErrUnsupported },
		}
	}},
	{"drops expired records by itself", func() session.Store { return dropping{memstore.New()} }},
	{"refuses large data", func() session.Store {
		f := &faulty{Store: memstore.New()}
		f.replacing(func(r session.Record) (session.Record, error) {
			if len(r.Data) > 1e6 {
				return r, session.ErrTooLarge
			}
			return r, nil
		})
		return f
	}},
}

// dropping is a store whose server has a clock of its own.
type dropping struct{ *memstore.Store }

func (s dropping) Load(ctx context.Context, id session.RecordID) (session.Record, error) {
	r, err := s.Store.Load(ctx, id)
	if err == nil && !time.Now().Before(r.Expires) {
		return session.Record{}, errors.Join(session.ErrNotFound, s.Delete(ctx, id))
	}
	return r, err
}

func (s dropping) Update(ctx context.Context, r session.Record) error {
	if _, err := s.Load(ctx, r.ID); err != nil {
		return err
	}
	return s.Store.Update(ctx, r)
}

func (s dropping) Touch(ctx context.Context, id session.RecordID, seen, expires time.Time) error {
	if _, err := s.Load(ctx, id); err != nil {
		return err
	}
	return s.Store.Touch(ctx, id, seen, expires)
}
