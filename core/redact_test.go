package session_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

// printing prints the contexts and records that a store gets.
type printing struct {
	session.Store
	printed *strings.Builder
}

func (p printing) Create(ctx context.Context, r session.Record) error {
	for _, thing := range []any{ctx, r, &r, r.ID, context.WithValue(ctx, p, 1)} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%t"} {
			fmt.Fprintf(p.printed, verb+" "+verb, thing, struct{ Shown any }{thing})
		}
		slog.New(slog.NewJSONHandler(p.printed, nil)).Info("x", "thing", thing)
	}
	return p.Store.Create(ctx, r)
}

// A store's author logs what the store was called with.
func TestNothingThatAStoreGetsPrintsASecret(t *testing.T) {
	var printed strings.Builder
	m, err := session.New(printing{memstore.New(), &printed}, session.Options{})
	if err != nil {
		t.Fatal(err)
	}
	v := begin(t, m, "")
	name.Set(v.Session, "sesame")
	v.Login("user:sesame")
	cookie := v.finish().succeeded().issued()
	value := []byte("sesame")
	for _, secret := range []string{
		cookie, string(value), hex.EncodeToString(value), strings.ToUpper(hex.EncodeToString(value)),
		string(bytes.Trim(fmt.Append(nil, value), "[]")), "c2VzYW1l",
	} {
		if strings.Contains(printed.String(), secret) {
			t.Errorf("%q was printed", secret)
		}
	}
}
