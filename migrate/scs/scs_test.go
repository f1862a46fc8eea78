package fromscs_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/gob" //nolint:depguard // scs writes it
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	fromscs "github.com/coatcheck/coatcheck/migrate/scs"
)

// The sessions of the real library are in migrate/proof. Here are those that it would not write.

var (
	now   = time.Unix(1700000000, 0)
	token = strings.Repeat("A", 43)
)

type store map[string][]byte

var errDown = errors.New("connection refused")

func (s store) Find(token string) ([]byte, bool, error) {
	data, found := s[token]
	if string(data) == "down" {
		return nil, false, errDown
	}
	return data, found, nil
}

type content struct {
	Deadline time.Time
	Values   map[string]any
}

func written(t testing.TB, deadline time.Time, values map[string]any) []byte {
	t.Helper()
	return encode(t, content{deadline, values})
}

func encode(t testing.TB, v any) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func importer(t testing.TB, c fromscs.Config) session.Importer {
	t.Helper()
	c.Now = func() time.Time { return now }
	i, err := fromscs.Sessions(c)
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
	deadline := now.Add(time.Hour)
	data := written(t, deadline, map[string]any{"cart": []string{"tea"}, "language": "de"})
	hash := sha256.Sum256([]byte(token))
	for why, c := range map[string]fromscs.Config{
		"by token": {Store: store{token: data}},
		"by hash": {
			Store:            store{base64.RawURLEncoding.EncodeToString(hash[:]): data},
			HashTokenInStore: true, Lifetime: 24 * time.Hour,
		},
	} {
		f, err := importer(t, c).Open(t.Context(), token)
		if err != nil {
			t.Fatalf("%s: %v", why, err)
		}
		if !f.Deadline.Equal(deadline) || f.Values["language"] != "de" || f.Values["cart"].([]string)[0] != "tea" {
			t.Errorf("%s: %+v", why, f)
		}
		var began time.Time
		if c.Lifetime > 0 {
			began = now.Add(-23 * time.Hour)
		}
		if !f.Created.Equal(began) {
			t.Errorf("%s: began at %s, want %s", why, f.Created, began)
		}
	}
}

// An application may call SetDeadline, for "remember me" for example, or say less here than its Lifetime is. A time in
// the future tells nothing: were it taken for when the session began, RevokeAll would not end it.
func TestCreatedIsNotInTheFuture(t *testing.T) {
	for deadline, want := range map[time.Duration]time.Time{
		24 * time.Hour: now, 24*time.Hour + 1: {}, 720 * time.Hour: {},
	} {
		c := fromscs.Config{Store: store{token: written(t, now.Add(deadline), nil)}, Lifetime: 24 * time.Hour}
		f, err := importer(t, c).Open(t.Context(), token)
		if err != nil || !f.Created.Equal(want) {
			t.Errorf("%s: began at %s, %v; want %s", deadline, f.Created, err, want)
		}
	}
}

// MySQL compares text without regard to case, so a token has more than one spelling there. All are one session, or it
// could be taken over once for each.
func TestIDWithoutCase(t *testing.T) {
	lower := strings.ToLower(token[1:]) + "A" // which has no bits that are left out
	token := token[1:] + "A"
	data := written(t, now.Add(time.Hour), nil)
	i := importer(t, fromscs.Config{Store: store{token: data, lower: data}})
	a, errA := i.Open(t.Context(), token)
	b, errB := i.Open(t.Context(), lower)
	if errA != nil || errB != nil || a.ID == "" || a.ID != b.ID {
		t.Errorf("%q (%v) and %q (%v), want one ID", a.ID, errA, b.ID, errB)
	}
}

type unnamed struct{ Text string }

func TestOpenRefuses(t *testing.T) {
	gob.Register(unnamed{})
	alive := now.Add(time.Hour)
	whole := written(t, alive, map[string]any{"password": "hunter2"})
	for _, test := range []struct {
		why  string
		data []byte
		want session.Reason
	}{
		{"expired", written(t, now, nil), session.ReasonExpiredAbsolute},
		{"no deadline", written(t, time.Time{}, map[string]any{"a": 1}), session.ReasonExpiredAbsolute},
		{"empty", nil, session.ReasonCorrupt},
		{"not a gob", []byte(`{"Deadline":"2030-01-01T00:00:00Z"}`), session.ReasonCorrupt},
		{"another gob", encode(t, map[string]any{"a": 1}), session.ReasonCorrupt},
		{"a type that nobody named", written(t, alive, map[string]any{"a": unnamed{"hunter2"}}), session.ReasonCorrupt},
		{"bytes behind", append(bytes.Clone(whole), "hunter2"...), session.ReasonCorrupt},
		{"too long", written(t, alive, map[string]any{"a": strings.Repeat("x", 1<<20)}), session.ReasonCorrupt},
	} {
		if got := reason(t, importer(t, fromscs.Config{Store: store{token: test.data}}), token); got != test.want {
			t.Errorf("%s: %s, want %s", test.why, got, test.want)
		}
	}
	for n := range whole {
		got := reason(t, importer(t, fromscs.Config{Store: store{token: whole[:n]}}), token)
		if got != session.ReasonCorrupt {
			t.Errorf("cut off after %d bytes: %s", n, got)
		}
	}
}

// The store is not asked about what cannot be a token: other things may be beside sessions on its server.
func TestTokensAreChecked(t *testing.T) {
	for _, value := range []string{
		"", "A", token + "A", token[1:], token[1:] + "B", token[1:] + "=", token[1:] + "+", token[2:] + "\r\n",
		strings.Repeat("A", 1<<16), "user:42" + token[7:],
	} {
		i := importer(t, fromscs.Config{Store: store{value: []byte("down")}})
		if got := reason(t, i, value); got != session.ReasonMalformed {
			t.Errorf("%.50q: %s", value, got)
		}
	}
}

func TestStoreWithoutAnswer(t *testing.T) {
	i := importer(t, fromscs.Config{Store: store{token: []byte("down")}})
	if _, err := i.Open(t.Context(), token); !errors.Is(err, errDown) || strings.Contains(err.Error(), token) {
		t.Errorf("error %v, want the store's", err)
	}
	if got := reason(t, importer(t, fromscs.Config{Store: store{}}), token); got != session.ReasonUnknown {
		t.Errorf("%s, want that there is none", got)
	}
}

type contextStore struct{ store }

func (contextStore) FindCtx(ctx context.Context, _ string) ([]byte, bool, error) {
	return nil, false, ctx.Err()
}

// A store that takes a context gets the one that ends with Options.StoreTimeout.
func TestStoreWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := importer(t, fromscs.Config{Store: contextStore{}}).Open(ctx, token)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the context's", err)
	}
}

type jsonCodec struct{}

func (jsonCodec) Decode(data []byte) (time.Time, map[string]any, error) {
	var c content
	err := json.Unmarshal(data, &c)
	return c.Deadline, c.Values, err
}

func TestCodec(t *testing.T) {
	text := []byte(`{"Deadline":"2030-01-01T00:00:00Z","Values":{"language":"de"}}`)
	i := importer(t, fromscs.Config{Store: store{token: text}, Codec: jsonCodec{}})
	f, err := i.Open(t.Context(), token)
	if err != nil || !maps.Equal(f.Values, map[string]any{"language": "de"}) {
		t.Errorf("%+v, %v", f, err)
	}
	i = importer(t, fromscs.Config{Store: store{token: []byte("{")}, Codec: jsonCodec{}})
	if got := reason(t, i, token); got != session.ReasonCorrupt {
		t.Errorf("damaged: %s", got)
	}
}

func TestConfigRefused(t *testing.T) {
	for why, c := range map[string]fromscs.Config{
		"no store": {}, "a nil among the types": {Store: store{}, Types: []any{nil}},
	} {
		if _, err := fromscs.Sessions(c); err == nil {
			t.Errorf("%s: accepted", why)
		}
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(token, written(f, now.Add(time.Hour), map[string]any{"a": 1, "b": []byte("x"), "c": []string{"d"}}))
	f.Add("", []byte(nil))
	f.Fuzz(func(t *testing.T, value string, data []byte) {
		i := importer(t, fromscs.Config{Store: store{value: data}, Types: []any{time.Time{}}})
		got, err := i.Open(t.Context(), value)
		if err == nil && (len(value) != 43 || got.ID == "" || !got.Deadline.After(now)) {
			t.Errorf("opened %q: %+v", value, got)
		}
		if err != nil && string(data) != "down" {
			reason(t, i, value)
		}
	})
}
