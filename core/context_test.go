package session

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// installed runs m's part of a middleware on ctx.
func installed(ctx context.Context, t *testing.T, m *Manager) (context.Context, *Session) {
	t.Helper()
	r := &Request{}
	inner, ok := m.Begin(ctx, r, nil)
	if !ok {
		t.Fatal("Begin: the manager is at work already")
	}
	return inner, r.Session()
}

func named(name string) *Manager { return must(New(struct{ Store }{}, Options{Name: name})) }

// panicText runs f and returns what it panics with, or "".
func panicText(f func()) (text string) {
	defer func() {
		if v := recover(); v != nil {
			text, _ = v.(string)
		}
	}()
	f()
	return ""
}

func TestFromFindsTheSessionInDerivedContexts(t *testing.T) {
	type key struct{}
	m := named("id")
	ctx, s := installed(t.Context(), t, m)
	derived, cancel := context.WithCancel(context.WithValue(context.WithoutCancel(ctx), key{}, "more"))
	defer cancel()
	for _, ctx := range []context.Context{ctx, derived} {
		if From(ctx) != s || m.From(ctx) != s {
			t.Errorf("%T does not lead to the request's session", ctx)
		}
	}
}

func TestManagerFromPicksAndFromTakesTheInnermost(t *testing.T) {
	shop, admin := named("shop"), named("admin")
	ctx, ofShop := installed(t.Context(), t, shop)
	ctx, ofAdmin := installed(ctx, t, admin)
	if From(ctx) != ofAdmin {
		t.Error("From does not return the innermost manager's session")
	}
	if shop.From(ctx) != ofShop || admin.From(ctx) != ofAdmin {
		t.Error("Manager.From returns another manager's session")
	}
	if again, ok := shop.Begin(ctx, &Request{}, nil); ok || again != ctx {
		t.Error("a manager's second middleware starts a second session")
	}
}

// A framework that starts a request over, after its middleware has returned, does so with the context that it has by then.
func TestARequestThatIsStartedOverGetsASessionAgain(t *testing.T) {
	shop, admin := named("shop"), named("admin")
	outer, ofShop := installed(t.Context(), t, shop)
	over := &Request{}
	ctx, ok := admin.Begin(outer, over, nil)
	if !ok || !over.Nested() {
		t.Errorf("Begin %v, Nested %v: want both true inside of another manager's", ok, over.Nested())
	}
	over.End()
	ctx, second := installed(ctx, t, admin)
	if From(ctx) != second || admin.From(ctx) != second || shop.From(ctx) != ofShop {
		t.Error("a context that leads to a session which is over hides the next one")
	}
}

func TestFromPanicsWithAdviceWhereNoMiddlewareIs(t *testing.T) {
	ctx, _ := installed(t.Context(), t, named("shop"))
	for name, f := range map[string]func(){
		"no manager":      func() { From(t.Context()) },
		"another manager": func() { named("admin").From(ctx) },
	} {
		if text := panicText(f); !strings.HasPrefix(text, "session: ") || !strings.Contains(text, "install the adapter's Middleware") {
			t.Errorf("%s: panic %q, want a text that says what to install", name, text)
		}
	}
}

// page is a framework's own context type, which hides the request's.
type page struct {
	context.Context
	request context.Context
}

func TestRegisterContextLeadsFromThroughAFrameworksOwnContext(t *testing.T) {
	registered := frameworkContexts
	t.Cleanup(func() { frameworkContexts = registered })
	frameworkContexts = nil

	shop, admin := named("shop"), named("admin")
	ctx, ofShop := installed(t.Context(), t, shop)
	ctx, ofAdmin := installed(ctx, t, admin)
	p := &page{t.Context(), ctx}
	if text := panicText(func() { From(p) }); text == "" {
		t.Fatal("From finds the session without help, so this test proves nothing")
	}
	RegisterContext(func(context.Context) context.Context { return nil }) // another framework's
	RegisterContext(func(ctx context.Context) context.Context {
		if p, ok := ctx.(*page); ok {
			return p.request
		}
		return nil
	})
	if From(p) != ofAdmin || shop.From(p) != ofShop {
		t.Error("From and Manager.From do not look where RegisterContext says")
	}
	if text := panicText(func() { From(t.Context()) }); text == "" {
		t.Error("a context of no framework leads somewhere")
	}
	if text := panicText(func() { From(&page{t.Context(), t.Context()}) }); text == "" {
		t.Error("a framework's context without a session leads somewhere")
	}
}

func TestARequestsContextIsStillItsParent(t *testing.T) {
	type key struct{}
	parent, cancel := context.WithTimeout(context.WithValue(t.Context(), key{}, "kept"), time.Hour)
	ctx, _ := installed(parent, t, named("id"))
	want, _ := parent.Deadline()
	if got, ok := ctx.Deadline(); !ok || got != want || ctx.Value(key{}) != "kept" || ctx.Err() != nil {
		t.Errorf("deadline %v, value %v, err %v; want the parent's", got, ctx.Value(key{}), ctx.Err())
	}
	cancel()
	<-ctx.Done()
	if !errors.Is(ctx.Err(), context.Canceled) {
		t.Errorf("err = %v after the parent was cancelled", ctx.Err())
	}
}

func TestInstallingASessionAllocatesNothing(t *testing.T) {
	m, ctx, r := named("id"), t.Context(), &Request{}
	if n := testing.AllocsPerRun(100, func() {
		inner, _ := m.Begin(ctx, r, nil)
		m.From(inner)
	}); n != 0 {
		t.Errorf("%v allocations besides the Request, want 0", n)
	}
}

func TestABoundMakesNoTimerUntilSomebodyWaits(t *testing.T) {
	b := &bounded{parent: t.Context(), deadline: toInstant(time.Now().Add(time.Hour))}
	if n := testing.AllocsPerRun(100, func() { _ = b.Err(); _, _ = b.Deadline(); _ = b.Value("x") }); n != 0 {
		t.Errorf("%v allocations by a store that does not wait, want 0", n)
	}
	if b.timer.Load() != nil {
		t.Fatal("a timer exists before anybody asked for Done")
	}
	b.stop() // nothing to free, and no panic
	if b.Done() != b.Done() || b.timer.Load() == nil {
		t.Error("Done does not keep to one channel")
	}
	b.stop()
}

func TestABoundEndsAtItsDeadline(t *testing.T) {
	for name, wait := range map[string]func(*bounded){
		"when somebody waits": func(b *bounded) { <-b.Done() },
		"when nobody does":    func(b *bounded) { <-time.After(time.Until(b.deadline.time())) },
		"when a derived context does": func(b *bounded) {
			ctx, cancel := context.WithCancel(b)
			defer cancel()
			<-ctx.Done()
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			b := &bounded{parent: t.Context(), deadline: toInstant(start.Add(5 * time.Second))}
			defer b.stop()
			if b.Err() != nil {
				t.Errorf("%s: err = %v before the deadline", name, b.Err())
			}
			wait(b)
			if d := time.Since(start); d != 5*time.Second || !errors.Is(b.Err(), context.DeadlineExceeded) {
				t.Errorf("%s: err = %v after %v, want DeadlineExceeded after 5s", name, b.Err(), d)
			}
		})
	}
}

func TestStopFreesTheTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bounded{parent: t.Context(), deadline: toInstant(time.Now().Add(time.Hour))}
		start, done := time.Now(), b.Done()
		b.stop()
		<-done
		if d := time.Since(start); d != 0 || !errors.Is(b.Err(), context.Canceled) {
			t.Errorf("err = %v, %v after stop; want Canceled at once", b.Err(), d)
		}
	})
}

func TestAHangUpDoesNotEndABound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		parent, hangUp := context.WithCancel(context.WithValue(t.Context(), handle{}, "kept"))
		b := &bounded{parent: parent, deadline: toInstant(time.Now().Add(time.Minute))}
		defer b.stop()
		done := b.Done()
		hangUp()
		synctest.Wait()
		select {
		case <-done:
			t.Error("the client hung up, and what its handler did is not saved")
		default:
		}
		if b.Err() != nil || b.Value(handle{}) != "kept" {
			t.Errorf("Err %v, value %v", b.Err(), b.Value(handle{}))
		}
	})
}
