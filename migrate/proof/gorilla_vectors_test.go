package proof_test

import (
	"encoding/base64"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var updateGorilla = flag.Bool("update-gorilla", false, "write migrate/gorilla/testdata anew")

// gorillaVector is a session as one of the libraries has written it, for the tests of fromgorilla, which has none of
// them.
type gorillaVector struct {
	Library, Cookie     string
	KeyPairs            [][]byte
	Row, Prefix, Values string // in Redis, base64; and what the values are as JSON
	JSON                bool
	Written             int64 // in seconds since 1970
}

// vector is what the site and the server have kept of one visit.
func (s gorillaSite) vector(t *testing.T, name, cookie string, redis gorillaServer) gorillaVector {
	t.Helper()
	values, err := json.Marshal(gorillaValues)
	mustGorilla(t, err)
	v := gorillaVector{
		Library: name, Cookie: cookie, KeyPairs: s.config.KeyPairs, Values: string(values),
		JSON: s.config.JSON, Prefix: s.config.KeyPrefix, Written: time.Now().Unix(),
	}
	for _, key := range redis.client.Keys(t.Context(), "*").Val() {
		row, err := redis.client.Get(t.Context(), key).Bytes()
		mustGorilla(t, err)
		v.Row = base64.StdEncoding.EncodeToString(row)
	}
	return v
}

// keepGorillaVectors writes them where tests that have none of the libraries find them, if that is asked for.
func keepGorillaVectors(t *testing.T, all []gorillaVector) {
	t.Helper()
	if !*updateGorilla {
		return
	}
	slices.SortFunc(all, func(a, b gorillaVector) int { return strings.Compare(a.Library, b.Library) })
	text, err := json.MarshalIndent(all, "", " ")
	mustGorilla(t, err)
	mustGorilla(t, os.WriteFile(filepath.Join("..", "gorilla", "testdata", "gorilla.json"), append(text, '\n'), 0o600))
}
