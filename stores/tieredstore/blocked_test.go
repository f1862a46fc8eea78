package tieredstore_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/memstore"
	"github.com/coatcheck/coatcheck/stores/storetest"
	"github.com/coatcheck/coatcheck/stores/tieredstore"
)

// stalling is a store in memory that, while it stalls, answers when the context ends and not before.
type stalling struct {
	*memstore.Store
	stalls atomic.Bool
}

func (s *stalling) wait(ctx context.Context) error {
	if s.stalls.Load() {
		<-ctx.Done()
	}
	return ctx.Err()
}

func (s *stalling) Load(ctx context.Context, id session.RecordID) (session.Record, error) {
	if err := s.wait(ctx); err != nil {
		return session.Record{}, err
	}
	return s.Store.Load(ctx, id)
}

func (s *stalling) Create(ctx context.Context, r session.Record) error {
	if err := s.wait(ctx); err != nil {
		return err
	}
	return s.Store.Create(ctx, r)
}

func (s *stalling) Update(ctx context.Context, r session.Record) error {
	if err := s.wait(ctx); err != nil {
		return err
	}
	return s.Store.Update(ctx, r)
}

func (s *stalling) Delete(ctx context.Context, id session.RecordID) error {
	if err := s.wait(ctx); err != nil {
		return err
	}
	return s.Store.Delete(ctx, id)
}

func (s *stalling) Touch(ctx context.Context, id session.RecordID, seen, expires time.Time) error {
	if err := s.wait(ctx); err != nil {
		return err
	}
	return s.Store.Touch(ctx, id, seen, expires)
}

func (s *stalling) Find(ctx context.Context, subject string) ([]session.RecordID, error) {
	if err := s.wait(ctx); err != nil {
		return nil, err
	}
	return s.Store.Find(ctx, subject)
}

func (s *stalling) LoadAll(ctx context.Context, ids []session.RecordID) ([]session.Record, error) {
	if err := s.wait(ctx); err != nil {
		return nil, err
	}
	return s.Store.LoadAll(ctx, ids)
}

func (s *stalling) Walk(ctx context.Context, cursor string, limit int) ([]session.Record, string, error) {
	if err := s.wait(ctx); err != nil {
		return nil, "", err
	}
	return s.Store.Walk(ctx, cursor, limit)
}

func (s *stalling) Sweep(ctx context.Context, before time.Time, limit int) (int, error) {
	if err := s.wait(ctx); err != nil {
		return 0, err
	}
	return s.Store.Sweep(ctx, before, limit)
}

// tiers is a store of two, one of which or both can be made to stall.
type tiers struct {
	*tieredstore.Store
	stall []*stalling
}

func (s tiers) Block(*testing.T) (release func()) {
	set := func(stalls bool) {
		for _, tier := range s.stall {
			tier.stalls.Store(stalls)
		}
	}
	set(true)
	return func() { set(false) }
}

// TestStallingTiers: neither tier may hold up a visitor for longer than the request has, but for FastTimeout.
func TestStallingTiers(t *testing.T) {
	for name, stalls := range map[string][2]bool{"fast": {true, false}, "durable": {false, true}, "both": {true, true}} {
		t.Run(name, func(t *testing.T) {
			storetest.Run(t, func(*testing.T) session.Store {
				var stall []*stalling
				pair := [2]*stalling{{Store: memstore.New()}, {Store: memstore.New()}}
				for i, tier := range pair {
					if stalls[i] {
						stall = append(stall, tier)
					}
				}
				return tiers{tieredstore.New(pair[0], pair[1], tieredstore.Options{OnError: func(error) {}}), stall}
			})
		})
	}
}
