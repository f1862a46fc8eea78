package session_test

import (
	"context"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

// asking is a store that asks each context whether it ends at its deadline and not before.
type asking struct {
	*memstore.Store
	answers map[string]bool
}

func (a *asking) ask(ctx context.Context, call string) {
	c, ok := ctx.(interface{ EndsAtDeadline() bool })
	a.answers[call] = ok && c.EndsAtDeadline()
}

func (a *asking) Load(ctx context.Context, id session.RecordID) (session.Record, error) {
	a.ask(ctx, "Load")
	return a.Store.Load(ctx, id)
}

func (a *asking) Create(ctx context.Context, r session.Record) error {
	a.ask(ctx, "Create")
	return a.Store.Create(ctx, r)
}

func (a *asking) Update(ctx context.Context, r session.Record) error {
	a.ask(ctx, "Update")
	return a.Store.Update(ctx, r)
}

// A store whose client cannot be cancelled spares a goroutine for each call of a request. For a call of the
// application's, which may be cancelled at any moment, it must not.
func TestARequestsStoreCallsEndAtTheirDeadlineAndNotBefore(t *testing.T) {
	store := &asking{memstore.New(), map[string]bool{}}
	m, err := session.New(store, session.Options{})
	if err != nil {
		t.Fatal(err)
	}
	v := begin(t, m, "")
	count.Set(v.Session, 1)
	cookie := v.finish().succeeded().issued()
	v = begin(t, m, cookie)
	count.Update(v.Session, addOne)
	v.finish().succeeded()
	for _, call := range []string{"Create", "Load", "Update"} {
		if !store.answers[call] {
			t.Errorf("the context of a request's %s does not say that it ends at its deadline", call)
		}
	}
	if _, err := m.Inspect(t.Context(), cookie); err != nil {
		t.Fatal(err)
	}
	if store.answers["Load"] {
		t.Error("the context of Inspect says that it ends at its deadline, and its caller can cancel it")
	}
}
