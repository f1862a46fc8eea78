package movingstore_test

import (
	"context"
	"net/http"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/crowd"
	"github.com/coatcheck/coatcheck/stores/memstore"
	"github.com/coatcheck/coatcheck/stores/movingstore"
)

func site(t *testing.T, store session.Store) http.Handler {
	t.Helper()
	m, err := session.New(store, session.Options{OnEvent: func(context.Context, session.Event) {}})
	if err != nil {
		t.Fatal(err)
	}
	return crowd.Site(m)
}

// moveAll is what the command does.
func moveAll(t *testing.T, pair *movingstore.Store, old *memstore.Store) {
	t.Helper()
	for moved := 1; moved > 0; {
		moved = 0
		for cursor, more := "", true; more; more = cursor != "" {
			page, next, err := old.Walk(t.Context(), cursor, 50)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range page {
				ok, err := pair.Move(t.Context(), r)
				if err != nil {
					t.Fatal(err)
				}
				if ok {
					moved++
				}
			}
			cursor = next
		}
	}
}

// TestVisitorsDuringAMove: servers are replaced one after the other while 20 visitors work, and between any two steps
// some of both kinds run. Nobody is logged out, no update gets lost, and who logs out stays so.
func TestVisitorsDuringAMove(t *testing.T) {
	old, fresh := memstore.New(), memstore.New()
	pair := movingstore.New(old, fresh, movingstore.Options{})
	alone, done := site(t, old), site(t, fresh)
	holding, moving := site(t, movingstore.New(old, fresh, movingstore.Options{Hold: true})), site(t, pair)

	fleet, over := crowd.NewFleet(alone), make(chan struct{})
	go func() {
		defer close(over)
		const requests = 500
		fleet.Await(requests)
		for _, running := range [][]http.Handler{{alone, holding}, {holding}, {holding, moving}} {
			fleet.Deploy(running...)
			fleet.Await(requests)
		}
		moveAll(t, pair, old) // earlier than anybody would, so that the two kinds meet it
		fleet.Deploy(moving)
		fleet.Await(requests)
		moveAll(t, pair, old)
		for _, running := range [][]http.Handler{{moving, done}, {done}} {
			fleet.Deploy(running...)
			fleet.Await(requests)
		}
	}()
	crowd.Run(t, 20, fleet, over)
	if page, _, err := old.Walk(t.Context(), "", 500); err != nil || len(page) > 0 {
		t.Errorf("left in the old store: %v, %v", page, err)
	}
}
