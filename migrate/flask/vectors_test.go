package fromflask

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// The files in testdata were made by Flask 3.1.3 with itsdangerous 2.2.0, and by Flask-Session 0.8.0 with msgspec
// 0.20.0; each says so in its field "source".
func vectors(t testing.TB, name string, into any) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err == nil {
		err = json.Unmarshal(b, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

type cookieVector struct {
	Name       string
	SecretKey  any      `json:"secret_key"`
	Fallbacks  []string `json:"secret_key_fallbacks"`
	DerivedKey string   `json:"derived_key_hex"`
	Timestamp  int64
	Compressed bool
	TaggedJSON string `json:"tagged_json"`
	Cookie     string
	Decoded    any
	Now        int64
	MaxAge     *int64 `json:"max_age"`
	Result     string
}

type cookieVectors struct {
	Vectors, Rotation, Verify []cookieVector
	LossyTypes                []cookieVector `json:"lossy_types"`
}

// secrets are the vector's, which has bytes in hexadecimal digits.
func (v cookieVector) secrets(t testing.TB) []string {
	t.Helper()
	secret, ok := v.SecretKey.(string)
	if !ok {
		b, err := hex.DecodeString(v.SecretKey.(map[string]any)["hex"].(string))
		if err != nil {
			t.Fatal(err)
		}
		secret = string(b)
	}
	return append([]string{secret}, v.Fallbacks...)
}

// expected is what a value of Python's becomes here.
func expected(t testing.TB, value any) any {
	t.Helper()
	switch v := value.(type) {
	case []any:
		for i := range v {
			v[i] = expected(t, v[i])
		}
	case map[string]any:
		switch v["$"] {
		case "map":
			members := v["v"].(map[string]any)
			for name := range members {
				members[name] = expected(t, members[name])
			}
			return members
		case "bytes":
			b, err := hex.DecodeString(v["hex"].(string))
			if err != nil {
				t.Fatal(err)
			}
			return base64.StdEncoding.EncodeToString(b)
		case "datetime":
			return v["rfc3339"]
		}
		return expected(t, v["v"])
	}
	return value
}

func raw(value any) json.RawMessage {
	r, _ := value.(json.RawMessage)
	return r
}

func wantJSON(t testing.TB, values map[string]any) {
	t.Helper()
	for name, value := range values {
		if !json.Valid(raw(value)) {
			t.Errorf("%q is %s", name, value)
		}
	}
}

// decoded are values as Go decodes them.
func decoded(t testing.TB, values map[string]any) map[string]any {
	t.Helper()
	all := map[string]any{}
	for name, text := range values {
		var value any
		if err := json.Unmarshal(raw(text), &value); err != nil {
			t.Fatalf("%s: %s: %v", name, text, err)
		}
		all[name] = value
	}
	return all
}

func at(seconds int64) func() time.Time {
	return func() time.Time { return time.Unix(seconds, 999_999_999) }
}

func cookieImporter(t testing.TB, c Config) session.Importer {
	t.Helper()
	i, err := Cookie(c)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// reasonOf is why a session was refused. A refusal has no values with it.
func reasonOf(t testing.TB, i session.Importer, value string) session.Reason {
	t.Helper()
	f, err := i.Open(t.Context(), value)
	if err == nil {
		return ""
	}
	var refused *session.NotImportedError
	if !errors.As(err, &refused) || refused.Detail == "" || !reflect.DeepEqual(f, session.Foreign{}) {
		t.Fatalf("%v, %v: want nothing and a NotImportedError with details", f, err)
	}
	return refused.Reason
}

// TestFlaskCookies opens what Flask wrote.
func TestFlaskCookies(t *testing.T) {
	var all cookieVectors
	vectors(t, "flask-cookie.json", &all)
	for _, v := range all.Vectors {
		i := cookieImporter(t, Config{Secrets: v.secrets(t), Now: at(v.Timestamp)})
		f, err := i.Open(t.Context(), v.Cookie)
		if err != nil {
			t.Errorf("%s: %v", v.Name, err)
			continue
		}
		if got, want := decoded(t, f.Values), expected(t, v.Decoded); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, want %v", v.Name, got, want)
		}
		if f.Written.Unix() != v.Timestamp || !f.Created.IsZero() || !f.Authenticated.IsZero() || !f.Deadline.IsZero() {
			t.Errorf("%s: times are %+v, want %d", v.Name, f, v.Timestamp)
		}
	}
	if len(all.Vectors) != 30 {
		t.Errorf("%d vectors", len(all.Vectors))
	}
}

// TestFlaskVerdicts judges key lists, ages and damage as Flask does, but for what only a lenient decoder reads.
func TestFlaskVerdicts(t *testing.T) {
	var all cookieVectors
	vectors(t, "flask-cookie.json", &all)
	want := map[string]session.Reason{
		"sig-noncanonical-trailing-bits": session.ReasonMalformed,
		"sig-with-garbage":               session.ReasonMalformed,
		"sig-padded":                     session.ReasonMalformed,
		"no-separator":                   session.ReasonMalformed,
		"one-separator":                  session.ReasonMalformed,
		"empty-string":                   session.ReasonMalformed,
		"max-age-plus-1":                 session.ReasonExpiredIdle,
		"payload-json-list":              session.ReasonCorrupt,
	}
	results := map[string]session.Reason{
		"ok": "", "bad_signature": session.ReasonUnopenable, "bad_payload": session.ReasonCorrupt,
	}
	for _, v := range append(all.Verify, all.Rotation...) {
		lifetime := time.Minute
		if v.MaxAge != nil {
			lifetime = time.Duration(*v.MaxAge) * time.Second
		}
		reason, other := want[v.Name]
		if !other {
			reason = results[v.Result]
		}
		if v.Name == "from-the-future-1s" || v.Name == "no-max-age-future" { // here that is a minute and a second
			v.Now -= 60
			reason = session.ReasonUnopenable
		}
		i := cookieImporter(t, Config{Secrets: v.secrets(t), Lifetime: lifetime, Now: at(v.Now)})
		if got := reasonOf(t, i, v.Cookie); got != reason {
			t.Errorf("%s: refused as %q, want %q", v.Name, got, reason)
		}
	}
	if len(all.Verify) != 20 || len(all.Rotation) != 7 {
		t.Errorf("%d and %d vectors", len(all.Verify), len(all.Rotation))
	}
}

// TestLossyTypes: what Flask writes without a tag is what it reads back. NaN and Infinity are not JSON.
func TestLossyTypes(t *testing.T) {
	var all cookieVectors
	vectors(t, "flask-cookie.json", &all)
	i := cookieImporter(t, Config{Secrets: []string{"dev-secret-key"}, Now: at(1700000000)})
	for _, v := range all.LossyTypes {
		if v.Cookie == "" {
			continue
		}
		want := session.Reason("")
		if v.Name == "nan" || v.Name == "inf" {
			want = session.ReasonCorrupt
		}
		if got := reasonOf(t, i, v.Cookie); got != want {
			t.Errorf("%s: refused as %q, want %q", v.Name, got, want)
		}
	}
}

// TestItsdangerous: applications may have set up their signer in other ways.
func TestItsdangerous(t *testing.T) {
	var all struct {
		Timestamps []struct {
			Int *int64
			B64 string
		}
		Derivations []struct {
			SecretKey  string `json:"secret_key"`
			Salt       string
			Derivation string `json:"key_derivation"`
			Digest     string
			DerivedKey string `json:"derived_key_hex"`
			Signed     string `json:"signer_sign(value)"`
			Cookie     string `json:"urlsafe_timed_dumps"`
		}
	}
	vectors(t, "itsdangerous.json", &all)
	for _, v := range all.Timestamps {
		if got, err := timestamp(v.B64); err != nil || got != *v.Int {
			t.Errorf("%q is read as %d, %v; want %d", v.B64, got, err, *v.Int)
		}
	}
	for _, v := range all.Derivations {
		c := Config{
			Secrets: []string{v.SecretKey}, Now: at(1700000000),
			Signer: Signer{Salt: v.Salt, Digest: digests[v.Digest], Derivation: v.Derivation},
		}
		p, err := c.prepare("")
		if err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(p.signers[0].key); got != v.DerivedKey {
			t.Errorf("%s, %s: the key is %s, want %s", v.Derivation, v.Digest, got, v.DerivedKey)
		}
		if got := p.signers[0].sign("value"); got != v.Signed {
			t.Errorf("%s, %s: signed as %s, want %s", v.Derivation, v.Digest, got, v.Signed)
		}
		f, err := cookieImporter(t, c).Open(t.Context(), v.Cookie)
		if err != nil || !reflect.DeepEqual(decoded(t, f.Values), map[string]any{"a": []any{1.0, 2.0}}) {
			t.Errorf("%s, %s: %v, %v", v.Derivation, v.Digest, f.Values, err)
		}
	}
	if len(all.Timestamps) != 10 || len(all.Derivations) != 12 {
		t.Errorf("%d and %d vectors", len(all.Timestamps), len(all.Derivations))
	}
}
