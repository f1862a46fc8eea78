// Package probe wraps a store for tests: it counts calls and lets a test step in before and after each one, to fail
// it, to lose its answer, or to let another request go first.
package probe

import (
	"context"
	"errors"
	"sync"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// Call is one call of a store.
type Call struct {
	Method string // Load, Create, Update, Delete, Touch, Find, LoadAll or Walk
	ID     session.RecordID
	Record session.Record // of Create and Update
}

// Store is a session.Store that a test looks into. It is safe for concurrent use.
type Store struct {
	inner session.Store

	mu     sync.Mutex
	before func(Call) error
	after  func(Call, error) error
	counts map[string]int
}

// New wraps inner.
func New(inner session.Store) *Store { return &Store{inner: inner, counts: map[string]int{}} }

// Before installs f, which runs before each call and, by returning an error, takes its place. Nil removes it.
func (s *Store) Before(f func(Call) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = f
}

// After installs f, which runs after each call and decides what it returns. Nil removes it.
func (s *Store) After(f func(Call, error) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.after = f
}

// Inner is the store itself, without the probe.
func (s *Store) Inner() session.Store { return s.inner }

// Count returns how many calls of a method were made, or of all with "".
func (s *Store) Count(method string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if method != "" {
		return s.counts[method]
	}
	n := 0
	for _, c := range s.counts {
		n += c
	}
	return n
}

// Reset sets all counts to zero.
func (s *Store) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.counts)
}

func (s *Store) call(c Call, f func() error) error {
	s.mu.Lock()
	s.counts[c.Method]++
	before, after := s.before, s.after
	s.mu.Unlock()
	if before != nil {
		if err := before(c); err != nil {
			return err
		}
	}
	err := f()
	if after != nil {
		return after(c, err)
	}
	return err
}

// Load implements session.Store.
func (s *Store) Load(ctx context.Context, id session.RecordID) (r session.Record, err error) {
	err = s.call(Call{Method: "Load", ID: id}, func() (err error) {
		r, err = s.inner.Load(ctx, id)
		return err
	})
	return r, err
}

// Create implements session.Store.
func (s *Store) Create(ctx context.Context, r session.Record) error {
	return s.call(Call{"Create", r.ID, r}, func() error { return s.inner.Create(ctx, r) })
}

// Update implements session.Store.
func (s *Store) Update(ctx context.Context, r session.Record) error {
	return s.call(Call{"Update", r.ID, r}, func() error { return s.inner.Update(ctx, r) })
}

// Delete implements session.Store.
func (s *Store) Delete(ctx context.Context, id session.RecordID) error {
	return s.call(Call{Method: "Delete", ID: id}, func() error { return s.inner.Delete(ctx, id) })
}

// Touch implements session.Toucher if the wrapped store does.
func (s *Store) Touch(ctx context.Context, id session.RecordID, seen, expires time.Time) error {
	t, ok := s.inner.(session.Toucher)
	if !ok {
		return errors.ErrUnsupported
	}
	return s.call(Call{Method: "Touch", ID: id}, func() error { return t.Touch(ctx, id, seen, expires) })
}

// Find implements session.Indexer if the wrapped store does.
func (s *Store) Find(ctx context.Context, subject string) (ids []session.RecordID, err error) {
	i, ok := s.inner.(session.Indexer)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	err = s.call(Call{Method: "Find"}, func() (err error) {
		ids, err = i.Find(ctx, subject)
		return err
	})
	return ids, err
}

// LoadAll implements session.BatchLoader if the wrapped store does.
func (s *Store) LoadAll(ctx context.Context, ids []session.RecordID) (records []session.Record, err error) {
	i, ok := s.inner.(session.BatchLoader)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	err = s.call(Call{Method: "LoadAll"}, func() (err error) {
		records, err = i.LoadAll(ctx, ids)
		return err
	})
	return records, err
}

// Walk implements session.Walker if the wrapped store does.
func (s *Store) Walk(ctx context.Context, cursor string, limit int) (page []session.Record, next string, err error) {
	w, ok := s.inner.(session.Walker)
	if !ok {
		return nil, "", errors.ErrUnsupported
	}
	err = s.call(Call{Method: "Walk"}, func() (err error) {
		page, next, err = w.Walk(ctx, cursor, limit)
		return err
	})
	return page, next, err
}
