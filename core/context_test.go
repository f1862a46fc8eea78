package session_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

// noExchange is of a request that tells nothing.
var noExchange = &exchange{}

// installed runs m's part of a middleware on ctx.
func installed(ctx context.Context, t *testing.T, m *session.Manager) (context.Context, *session.Session) {
	t.Helper()
	r := &session.Request{}
	inner, ok := m.Begin(ctx, r, noExchange)
	if !ok {
		t.Fatal("Begin: the manager is at work already")
	}
	return inner, r.Session()
}

func named(t *testing.T, name string) *session.Manager {
	t.Helper()
	m, err := session.New(memstore.New(), session.Options{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

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
	m := named(t, "id")
	ctx, s := installed(t.Context(), t, m)
	derived, cancel := context.WithCancel(context.WithValue(context.WithoutCancel(ctx), key{}, "more"))
	defer cancel()
	for _, ctx := range []context.Context{ctx, derived} {
		if session.From(ctx) != s || m.From(ctx) != s {
			t.Errorf("%T does not lead to the request's session", ctx)
		}
	}
}

func TestManagerFromPicksAndFromTakesTheInnermost(t *testing.T) {
	shop, admin := named(t, "shop"), named(t, "admin")
	ctx, ofShop := installed(t.Context(), t, shop)
	ctx, ofAdmin := installed(ctx, t, admin)
	if session.From(ctx) != ofAdmin {
		t.Error("From does not return the innermost manager's session")
	}
	if shop.From(ctx) != ofShop || admin.From(ctx) != ofAdmin {
		t.Error("Manager.From returns another manager's session")
	}
	if again, ok := shop.Begin(ctx, &session.Request{}, &exchange{}); ok || again != ctx {
		t.Error("a manager's second middleware starts a second session")
	}
}

// A framework that starts a request over, after its middleware has returned, does so with the context that it has by
// then.
func TestARequestThatIsStartedOverGetsASessionAgain(t *testing.T) {
	shop, admin := named(t, "shop"), named(t, "admin")
	outer, ofShop := installed(t.Context(), t, shop)
	over := &session.Request{}
	ctx, ok := admin.Begin(outer, over, &exchange{})
	if !ok || !over.Nested() {
		t.Errorf("Begin %v, Nested %v: want both true inside of another manager's", ok, over.Nested())
	}
	over.End()
	ctx, second := installed(ctx, t, admin)
	if session.From(ctx) != second || admin.From(ctx) != second || shop.From(ctx) != ofShop {
		t.Error("a context that leads to a session which is over hides the next one")
	}
}

func TestFromPanicsWithAdviceWhereNoMiddlewareIs(t *testing.T) {
	ctx, _ := installed(t.Context(), t, named(t, "shop"))
	for name, f := range map[string]func(){
		"no manager":      func() { session.From(t.Context()) },
		"another manager": func() { named(t, "admin").From(ctx) },
	} {
		if text := panicText(f); !strings.HasPrefix(text, "session: ") ||
			!strings.Contains(text, "install the adapter's Middleware") {
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
	t.Cleanup(session.ForgetContexts())

	shop, admin := named(t, "shop"), named(t, "admin")
	ctx, ofShop := installed(t.Context(), t, shop)
	ctx, ofAdmin := installed(ctx, t, admin)
	p := &page{t.Context(), ctx}
	if text := panicText(func() { session.From(p) }); text == "" {
		t.Fatal("From finds the session without help, so this test proves nothing")
	}
	session.RegisterContext(func(context.Context) context.Context { return nil }) // another framework's
	session.RegisterContext(func(ctx context.Context) context.Context {
		if p, ok := ctx.(*page); ok {
			return p.request
		}
		return nil
	})
	if session.From(p) != ofAdmin || shop.From(p) != ofShop {
		t.Error("From and Manager.From do not look where RegisterContext says")
	}
	if text := panicText(func() { session.From(t.Context()) }); text == "" {
		t.Error("a context of no framework leads somewhere")
	}
	if text := panicText(func() { session.From(&page{t.Context(), t.Context()}) }); text == "" {
		t.Error("a framework's context without a session leads somewhere")
	}
}

func TestARequestsContextIsStillItsParent(t *testing.T) {
	type key struct{}
	parent, cancel := context.WithTimeout(context.WithValue(t.Context(), key{}, "kept"), time.Hour)
	ctx, _ := installed(parent, t, named(t, "id"))
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
	m, ctx, r := named(t, "id"), t.Context(), &session.Request{}
	if n := testing.AllocsPerRun(100, func() {
		inner, _ := m.Begin(ctx, r, noExchange)
		m.From(inner)
	}); n != 0 {
		t.Errorf("%v allocations besides the Request, want 0", n)
	}
}
