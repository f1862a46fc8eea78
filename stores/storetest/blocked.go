package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// Blocker is a store under test whose back end can be made to hang, so that the suite sees whether the store waits
// for it longer than it may: by holding the lock that its writers take, a transaction of another process, or a
// connection. Without it that case is skipped. A store for users does not have it: wrap yours in the test.
type Blocker interface {
	// Block returns when the back end is blocked. The suite calls release once.
	Block(t *testing.T) (release func())
}

var blockedCases = []testCase{{
	name: "BlockedBackEnd",
	why: "one writer that hangs, in this process or another, must not take every visitor's request with it: each call " +
		"ends with its own context",
	run: blockedBackEnd,
}}

// whileBlocked is how long a call's context lasts.
const whileBlocked = 20 * time.Millisecond

func blockedBackEnd(t *trial) {
	blocker, ok := t.store.(Blocker)
	if !ok {
		t.Skip("the store under test has no Block; whether it waits for a back end that hangs is not known")
	}
	r := newRecordOf(newSubject(), "values")
	t.create(r)
	release := blocker.Block(t.T)
	defer func() { release() }()
	for name, call := range t.calls(r) {
		for kind, bounded := range map[string]func(ctx context.Context) (context.Context, context.CancelFunc){
			"whose deadline passes": func(ctx context.Context) (context.Context, context.CancelFunc) {
				return context.WithTimeout(ctx, whileBlocked)
			},
			"that is cancelled": func(ctx context.Context) (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancel(ctx)
				timer := time.AfterFunc(whileBlocked, cancel)
				return ctx, func() { timer.Stop(); cancel() }
			},
		} {
			t.endsWith(name+" under a context "+kind+", while the back end is blocked", bounded, call)
		}
	}
	release()
	release = func() {}
	t.afterwards(r)
}

// calls are all that the store can do, on a record that is there.
func (t *trial) calls(r session.Record) map[string]func(ctx context.Context) error {
	calls := map[string]func(ctx context.Context) error{
		"Load":   func(ctx context.Context) error { _, err := t.store.Load(ctx, r.ID); return err },
		"Create": func(ctx context.Context) error { return t.store.Create(ctx, newRecordOf(r.Subject, "added")) },
		"Update": func(ctx context.Context) error { return t.store.Update(ctx, r) },
		"Delete": func(ctx context.Context) error { return t.store.Delete(ctx, newID()) },
	}
	if s, ok := t.store.(session.Toucher); ok {
		calls["Touch"] = func(ctx context.Context) error { return s.Touch(ctx, r.ID, r.Seen, r.Expires.Add(time.Minute)) }
	}
	if s, ok := t.store.(session.Indexer); ok {
		calls["Find"] = func(ctx context.Context) error { _, err := s.Find(ctx, r.Subject); return err }
	}
	if s, ok := t.store.(session.BatchLoader); ok {
		calls["LoadAll"] = func(ctx context.Context) error { _, err := s.LoadAll(ctx, []session.RecordID{r.ID}); return err }
	}
	if s, ok := t.store.(session.Walker); ok {
		calls["Walk"] = func(ctx context.Context) error { _, _, err := s.Walk(ctx, "", 1); return err }
	}
	if s, ok := t.store.(session.Sweeper); ok {
		calls["Sweep"] = func(ctx context.Context) error { _, err := s.Sweep(ctx, time.UnixMilli(0), 1); return err }
	}
	return calls
}

// endsWith checks that a call is over soon after its context, with the context's error if it could not do its work.
func (t *trial) endsWith(what string, bounded func(context.Context) (context.Context, context.CancelFunc),
	call func(context.Context) error) {
	t.Helper()
	ctx, cancel := bounded(t.ctx)
	defer cancel()
	answer := make(chan error, 1)
	go func() { answer <- call(ctx) }()
	select {
	case err := <-answer:
		if err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, session.ErrConflict) &&
			(ctx.Err() == nil || !errors.Is(err, ctx.Err())) {
			t.Fatalf("%s: error is %v, want the context's", what, err)
		}
	case <-time.After(promptly):
		t.Fatalf("%s: no answer within %s", what, promptly)
	}
}

// afterwards checks that nobody has left with the lock.
func (t *trial) afterwards(r session.Record) {
	t.Helper()
	t.want("Update once the back end answers", t.change(r.ID, func(now *session.Record) error {
		now.Subject, now.Handle, now.Data = r.Subject, r.Handle, []byte("afterwards")
		return nil
	}), nil)
	if last := t.load(r.ID); string(last.Data) != "afterwards" {
		t.Fatalf("Load once the back end answers: data is %.40q", last.Data)
	}
}
