package session_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

// calls is what a TraceStore has been told, each as "operation: error".
type calls struct {
	told []string
	open int
}

type traceKey struct{}

func (c *calls) trace(ctx context.Context, operation string) (context.Context, func(error)) {
	c.open++
	return context.WithValue(ctx, traceKey{}, operation), func(err error) {
		c.open--
		c.told = append(c.told, fmt.Sprintf("%s: %v", operation, err))
	}
}

func (c *calls) want(t *testing.T, what string, want ...string) {
	t.Helper()
	if !slices.Equal(c.told, want) || c.open != 0 {
		t.Errorf("%s: told were %q, %d calls without end; want %q", what, c.told, c.open, want)
	}
	c.told = nil
}

// told is a store that notes which context it was called with.
type told struct {
	*memstore.Store
	with []any
}

func (s *told) Load(ctx context.Context, id session.RecordID) (session.Record, error) {
	s.with = append(s.with, ctx.Value(traceKey{}))
	return s.Store.Load(ctx, id)
}

func TestEveryCallOfTheStoreIsTold(t *testing.T) {
	c, store := &calls{}, &told{Store: memstore.New()}
	now := time.Now()
	m, err := session.New(store, session.Options{TraceStore: c.trace, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	v := begin(t, m, "")
	count.Set(v.Session, 1)
	cookie := v.finish().succeeded().issued()
	c.want(t, "begin", "create: <nil>")

	v = begin(t, m, cookie)
	count.Set(v.Session, 2)
	v.finish().succeeded()
	c.want(t, "write", "load: <nil>", "update: <nil>")
	if !slices.Equal(store.with, []any{"load"}) {
		t.Errorf("the store was called with %v, want the tracer's context", store.with)
	}

	now = now.Add(10 * time.Minute)
	v = begin(t, m, cookie)
	count.Get(v.Session)
	v.finish().succeeded()
	c.want(t, "touch", "load: <nil>", "touch: <nil>")

	v = begin(t, m, flip(cookie))
	count.Get(v.Session)
	v.finish().succeeded()
	c.want(t, "unknown", "load: "+session.ErrNotFound.Error())

	v = begin(t, m, "")
	v.Login("user:1")
	v.finish().succeeded()
	c.told = nil
	if _, err := m.List(t.Context(), "user:1"); err != nil {
		t.Error(err)
	}
	c.want(t, "list", "find: <nil>", "load-all: <nil>")
	if _, err := m.Sweep(t.Context()); err != nil {
		t.Error(err)
	}
	c.want(t, "sweep", "sweep: <nil>")
}

// TestWhatAStoreLacksItLacksTraced: a tracer makes no store appear to be more than it is.
func TestWhatAStoreLacksItLacksTraced(t *testing.T) {
	c := &calls{}
	bare := struct{ session.Store }{memstore.New()}
	if _, err := session.New(bare, session.Options{TraceStore: c.trace, MaxPerSubject: 1}); err == nil {
		t.Error("a store that cannot search by subject was taken with MaxPerSubject")
	}
	now := time.Now()
	m, err := session.New(bare, session.Options{TraceStore: c.trace, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	untraced, err := session.New(bare, session.Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, got := m.List(t.Context(), "user:1")
	_, want := untraced.List(t.Context(), "user:1")
	if !errors.Is(got, errors.ErrUnsupported) || got.Error() != want.Error() {
		t.Errorf("List: error %v, want %v", got, want)
	}
	if _, err := m.Sweep(t.Context()); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Sweep: error %v, want %v", err, errors.ErrUnsupported)
	}
	c.want(t, "what is lacking")
	v := begin(t, m, "")
	count.Set(v.Session, 1)
	cookie := v.finish().succeeded().issued()
	now = now.Add(10 * time.Minute)
	c.told = nil
	v = begin(t, m, cookie)
	count.Get(v.Session)
	v.finish().succeeded()
	c.want(t, "a touch without Toucher", "load: <nil>", "update: <nil>")
}

// A tracer may have nothing to do in the end.
func TestATraceNeedsNoEnd(t *testing.T) {
	m, err := session.New(memstore.New(), session.Options{
		TraceStore: func(ctx context.Context, _ string) (context.Context, func(error)) { return ctx, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	v := begin(t, m, "")
	count.Set(v.Session, 1)
	v.finish().succeeded()
}

// A span that is begun is ended, whatever the store does.
func TestATraceEndsWithAPanic(t *testing.T) {
	c, store := &calls{}, probe.New(memstore.New())
	m, err := session.New(store, session.Options{TraceStore: c.trace})
	if err != nil {
		t.Fatal(err)
	}
	store.Before(func(probe.Call) error { panic("a driver's fault") })
	v := begin(t, m, junkToken(t))
	func() {
		defer func() { _ = recover() }()
		v.Exists()
	}()
	c.want(t, "a panic", "load: session: a store or a function of the application panicked")
}
