package fromgorilla_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/gob" //nolint:depguard // redistore writes it
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
	fromgorilla "github.com/coatcheck/coatcheck/migrate/gorilla"
)

// gorilla/sessions registers []any for its flashes.
func init() {
	for _, v := range []any{cart{}, []any{}, map[string]any{}} {
		gob.Register(v)
	}
}

// shelf is a Redis with a few values.
type shelf map[string]string

var errDown = errors.New("down")

func (s shelf) Get(_ context.Context, key string) ([]byte, error) {
	v, ok := s[key]
	switch {
	case v == "down":
		return nil, errDown
	case !ok:
		return nil, session.ErrNotFound
	}
	return []byte(v), nil
}

func hmacOf(text string) string {
	h := hmac.New(sha256.New, hashKey)
	h.Write([]byte(text))
	return string(h.Sum(nil))
}

func gobOf(t testing.TB, v any) string {
	t.Helper()
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func redis(t testing.TB, s shelf, c fromgorilla.Config) session.Importer {
	t.Helper()
	i, err := fromgorilla.Redis(s, c)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func TestRedis(t *testing.T) {
	rows := shelf{"session_A": gobOf(t, values), "old:B": `{"lang":"de"}`}
	f, err := open(redis(t, rows, config(hashKey)), signed(t, "A", nil, hashKey))
	if err != nil || f.ID != "A" || !reflect.DeepEqual(f.Values, named) || f.Written.IsZero() {
		t.Errorf("gob: %v, %q, %v, written at %v", err, f.ID, f.Values, f.Written)
	}
	c := config(hashKey, blockKey)
	c.JSON, c.KeyPrefix = true, "old:"
	f, err = open(redis(t, rows, c), signed(t, "B", nil, hashKey, blockKey))
	if err != nil || !reflect.DeepEqual(f.Values, map[string]any{"lang": json.RawMessage(`"de"`)}) {
		t.Errorf("JSON: %v, %v", err, f.Values)
	}
	c = config(hashKey)
	c.NoPrefix = true
	if f, err = open(redis(t, shelf{"A": gobOf(t, values)}, c), signed(t, "A", nil, hashKey)); err != nil || f.ID != "A" {
		t.Errorf("without a prefix: %q, %v", f.ID, err)
	}
}

func TestRedisRefuses(t *testing.T) {
	good := gobOf(t, values)
	rows := shelf{"session_gob": "no gob", "session_down": "down", "session_": good, "session_A": good}
	i := redis(t, rows, config(hashKey))
	refused(t, "a row of no gob", i, signed(t, "gob", nil, hashKey), session.ReasonCorrupt)
	refused(t, "an id of nothing", i, signed(t, "", nil, hashKey), session.ReasonCorrupt)
	refused(t, "an id of no string", i, signed(t, 7, nil, hashKey), session.ReasonCorrupt)
	refused(t, "another key", i, signed(t, "A", nil, newHash), session.ReasonUnopenable)
	refused(t, "an id that nobody signed", i, "A", session.ReasonMalformed)
	if _, err := open(i, signed(t, "nobody", nil, hashKey)); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("a row that is gone: %v", err)
	}
	if _, err := open(i, signed(t, "down", nil, hashKey)); !errors.Is(err, errDown) {
		t.Errorf("a server that is down: %v", err)
	}
}
