package gorillastore_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"testing"

	"github.com/gorilla/sessions"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/migrate/gorillastore"
)

// What an importer brings is where the handlers that have not changed look for it.
func TestFill(t *testing.T) {
	s := newSite(t)
	s.visit(func(_ http.ResponseWriter, r *http.Request) {
		err := gorillastore.Fill("shop")(r.Context(), session.From(r.Context()), session.Foreign{Values: map[string]any{
			"cart": cart{Note: "x"}, "_flash": []any{"saved"}, "json": json.RawMessage(`{"a":[1,null]}`),
			"null": json.RawMessage("null"),
		}})
		if err != nil {
			t.Error(err)
		}
	})
	s.look("shop", func(found *sessions.Session) {
		want := map[any]any{
			"cart": cart{Note: "x"}, "_flash": []any{"saved"}, "json": map[string]any{"a": []any{1.0, nil}}, "null": nil,
		}
		if found.IsNew || !reflect.DeepEqual(found.Values, want) {
			t.Errorf("got %#v", found.Values)
		}
	})
}

// A value that cannot be kept refuses the session. It is no failure that would answer every request of the visitor's
// with 503.
func TestFillRefuses(t *testing.T) {
	for _, v := range []any{json.RawMessage("{"), func() {}} {
		newSite(t).visit(func(_ http.ResponseWriter, r *http.Request) {
			fill := gorillastore.Fill("shop")
			err := fill(r.Context(), session.From(r.Context()), session.Foreign{Values: map[string]any{"a": v}})
			refused := (*session.NotImportedError)(nil)
			if !errors.As(err, &refused) || refused.Reason != session.ReasonCorrupt {
				t.Errorf("%T: %v", v, err)
			}
		})
	}
}
