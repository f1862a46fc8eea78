package fromgorilla_test

import (
	"context"
	"encoding/base64"
	"encoding/gob" //nolint:depguard // gorilla's users register their types
	"encoding/json"
	"os"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	fromgorilla "github.com/coatcheck/coatcheck/migrate/gorilla"
)

// oneRow has the same value under every key.
type oneRow []byte

func (r oneRow) Get(context.Context, string) ([]byte, error) { return r, nil }

// TestVectors opens what gorilla/sessions 1.4.0, gin-contrib/sessions 1.0.4, echo-contrib 0.50.1 and boj/redistore
// 1.4.1 have written: migrate/proof made testdata with go test -run TestGorillaSessions -update-gorilla.
func TestVectors(t *testing.T) {
	gob.RegisterName("main.Cart", vectorCart{})
	text, err := os.ReadFile("testdata/gorilla.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		Library, Cookie, Row, Prefix, Values string
		KeyPairs                             [][]byte
		JSON                                 bool
		Written                              int64
	}
	if err := json.Unmarshal(text, &vectors); err != nil || len(vectors) < 8 {
		t.Fatalf("%d vectors, %v", len(vectors), err)
	}
	for _, v := range vectors {
		now := func() time.Time { return time.Unix(v.Written, 0) }
		c := fromgorilla.Config{
			Cookie: "shop", KeyPairs: v.KeyPairs, JSON: v.JSON, KeyPrefix: v.Prefix, Types: []any{vectorCart{}}, Now: now,
		}
		i := importer(t, c)
		if v.Row != "" {
			row, err := base64.StdEncoding.DecodeString(v.Row)
			if err != nil {
				t.Fatal(err)
			}
			if i, err = fromgorilla.Redis(oneRow(row), c); err != nil {
				t.Fatal(err)
			}
		}
		f, err := open(i, v.Cookie)
		got, _ := json.Marshal(f.Values)
		if err != nil || string(got) != v.Values || v.Written-f.Written.Unix() > 1 {
			t.Errorf("%s: %s, want %s; written at %v; %v", v.Library, got, v.Values, f.Written, err)
		}
		c.KeyPairs = [][]byte{newHash}
		refused(t, v.Library+" with another key", importer(t, c), v.Cookie, session.ReasonUnopenable)
	}
}

type vectorCart struct{ Items []string }
