package fromfiber_test

import (
	"bytes"
	"context"
	"encoding/gob" //nolint:depguard // Fiber writes it
	"errors"
	"strings"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	fromfiber "github.com/coatcheck/coatcheck/migrate/fiber"
)

// The sessions of the real Fiber are in migrate/proof and adapters/fiberv3. Here are those that it would not write.

const uuid = "6ba7b810-9dad-41d1-80b4-00c04fd430c8"

var (
	now     = time.Unix(1700000000, 0)
	errDown = errors.New("connection refused")
)

type storage map[string][]byte

func (s storage) Get(key string) ([]byte, error) {
	if string(s[key]) == "down" {
		return nil, errDown
	}
	return s[key], nil
}

func encode(t testing.TB, v any) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

type version func(fromfiber.Config) (session.Importer, error)

func importer(t testing.TB, version version, c fromfiber.Config) session.Importer {
	t.Helper()
	c.Now = func() time.Time { return now }
	i, err := version(c)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// reason is the reason for which a cookie opens nothing.
func reason(t testing.TB, i session.Importer, value string) session.Reason {
	t.Helper()
	_, err := i.Open(t.Context(), value)
	refused, ok := errors.AsType[*session.NotImportedError](err)
	switch {
	case errors.Is(err, session.ErrNotFound):
		return session.ReasonUnknown
	case !ok:
		t.Fatalf("error %v, want a refusal", err)
	case refused.Detail == "" || strings.Contains(refused.Detail, "hunter2"):
		t.Errorf("detail %q", refused.Detail)
	}
	return refused.Reason
}

func TestOpen(t *testing.T) {
	values := map[string]any{"cart": []string{"tea"}, "language": "de"}
	v3 := map[any]any{7: "left out"}
	for key, value := range values {
		v3[key] = value
	}
	for why, i := range map[string]session.Importer{
		"2": importer(t, fromfiber.V2, fromfiber.Config{Storage: storage{uuid: encode(t, values)}}),
		"3": importer(t, fromfiber.V3, fromfiber.Config{Storage: storage{uuid: encode(t, v3)}}),
	} {
		f, err := i.Open(t.Context(), uuid)
		if err != nil {
			t.Fatalf("%s: %v", why, err)
		}
		if len(f.Values) != 2 || f.Values["language"] != "de" || f.Values["cart"].([]string)[0] != "tea" ||
			f.ID != uuid || !f.Deadline.IsZero() {
			t.Errorf("%s: %+v", why, f)
		}
	}
}

type unnamed struct{ Text string }

func TestOpenRefuses(t *testing.T) {
	gob.Register(unnamed{})
	v2 := encode(t, map[string]any{"password": "hunter2"})
	v3 := encode(t, map[any]any{"password": "hunter2"})
	for _, test := range []struct {
		why     string
		version version
		data    []byte
		want    session.Reason
	}{
		{"not a gob", fromfiber.V2, []byte(`{"a":1}`), session.ReasonCorrupt},
		{"version 3's", fromfiber.V2, v3, session.ReasonCorrupt},
		{"version 2's", fromfiber.V3, v2, session.ReasonCorrupt},
		{"of a type that nobody named", fromfiber.V2, encode(t, map[string]any{"a": unnamed{}}), session.ReasonCorrupt},
		{"of such a type, 3", fromfiber.V3, encode(t, map[any]any{"a": unnamed{}}), session.ReasonCorrupt},
		{"bytes behind", fromfiber.V2, append(bytes.Clone(v2), "hunter2"...), session.ReasonCorrupt},
		{"too long", fromfiber.V2, encode(t, map[string]any{"a": strings.Repeat("x", 1<<20)}), session.ReasonCorrupt},
		{"nothing", fromfiber.V2, []byte{}, session.ReasonUnknown},
		{"not there", fromfiber.V2, nil, session.ReasonUnknown},
	} {
		i := importer(t, test.version, fromfiber.Config{Storage: storage{uuid: test.data}})
		if got := reason(t, i, uuid); got != test.want {
			t.Errorf("%s: %s, want %s", test.why, got, test.want)
		}
	}
	for n := 1; n < len(v2); n++ {
		i := importer(t, fromfiber.V2, fromfiber.Config{Storage: storage{uuid: v2[:n]}})
		if got := reason(t, i, uuid); got != session.ReasonCorrupt {
			t.Errorf("cut off after %d bytes: %s", n, got)
		}
	}
}

// Applications keep other things in the storage, by addresses and paths.
func TestIDsAreChecked(t *testing.T) {
	mine := func(id string) bool { return strings.HasPrefix(id, "mine-") }
	for _, test := range []struct {
		value   string
		validID func(string) bool
		want    session.Reason
	}{
		{uuid, nil, session.ReasonUnknown},
		{strings.Repeat("A", 43), nil, session.ReasonUnknown},
		{"mine-1", mine, session.ReasonUnknown},
		{"", nil, session.ReasonMalformed},
		{"127.0.0.1", nil, session.ReasonMalformed},
		{strings.ToUpper(uuid), nil, session.ReasonMalformed},
		{uuid + "\n", nil, session.ReasonMalformed},
		{uuid + " ", nil, session.ReasonMalformed},
		{strings.Repeat("A", 42) + "=", nil, session.ReasonMalformed},
		{uuid, mine, session.ReasonMalformed},
		{"mine-" + strings.Repeat("x", 1<<16), mine, session.ReasonMalformed},
	} {
		i := importer(t, fromfiber.V2, fromfiber.Config{Storage: storage{}, ValidID: test.validID})
		if got := reason(t, i, test.value); got != test.want {
			t.Errorf("%.50q: %s, want %s", test.value, got, test.want)
		}
	}
}

// Storages on MySQL find keys without regard to case. All spellings are one session, or it could be taken over once for
// each.
func TestIDWithoutCase(t *testing.T) {
	data, upper := encode(t, map[string]any{"a": 1}), strings.Repeat("A", 43)
	i := importer(t, fromfiber.V2, fromfiber.Config{Storage: storage{upper: data, strings.ToLower(upper): data}})
	a, errA := i.Open(t.Context(), upper)
	b, errB := i.Open(t.Context(), strings.ToLower(upper))
	if errA != nil || errB != nil || a.ID == "" || a.ID != b.ID {
		t.Errorf("%q (%v) and %q (%v), want one ID", a.ID, errA, b.ID, errB)
	}
}

type contextStorage struct{ storage }

func (contextStorage) GetWithContext(ctx context.Context, _ string) ([]byte, error) {
	return nil, ctx.Err()
}

func TestStorageWithoutAnswer(t *testing.T) {
	i := importer(t, fromfiber.V2, fromfiber.Config{Storage: storage{uuid: []byte("down")}})
	if _, err := i.Open(t.Context(), uuid); !errors.Is(err, errDown) || strings.Contains(err.Error(), uuid) {
		t.Errorf("error %v, want the storage's", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	i = importer(t, fromfiber.V2, fromfiber.Config{Storage: contextStorage{}})
	if _, err := i.Open(ctx, uuid); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the context's", err)
	}
}

func TestConfigRefused(t *testing.T) {
	for why, c := range map[string]fromfiber.Config{
		"no storage": {}, "a nil among the types": {Storage: storage{}, Types: []any{nil}},
	} {
		_, err2 := fromfiber.V2(c)
		_, err3 := fromfiber.V3(c)
		if err2 == nil || err3 == nil {
			t.Errorf("%s: accepted", why)
		}
	}
}

func FuzzOpen(f *testing.F) {
	gob.Register(time.Time{})
	f.Add(uuid, encode(f, map[string]any{"a": 1, "b": []byte("x")}))
	f.Add(uuid, encode(f, map[any]any{"a": 1, 2: "x", "c": time.Unix(1, 0)}))
	f.Fuzz(func(t *testing.T, value string, data []byte) {
		c := fromfiber.Config{Storage: storage{value: data}, Types: []any{time.Time{}}}
		for _, i := range []session.Importer{importer(t, fromfiber.V2, c), importer(t, fromfiber.V3, c)} {
			got, err := i.Open(t.Context(), value)
			if err == nil && (got.ID == "" || !got.Deadline.IsZero() && !got.Deadline.After(now)) {
				t.Errorf("opened %q: %+v", value, got)
			}
			if err != nil && string(data) != "down" {
				reason(t, i, value)
			}
		}
	})
}
