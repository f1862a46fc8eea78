package fromgorilla_test

import (
	"context"
	"crypto/sha512"
	"encoding/base64"
	"encoding/gob" //nolint:depguard // gorilla writes it
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/securecookie"

	session "github.com/coatcheck/coatcheck/core"
	fromgorilla "github.com/coatcheck/coatcheck/migrate/gorilla"
)

// These tests sign with securecookie itself, by which gorilla/sessions writes its cookies. Those that gorilla/sessions
// and its relatives write are in migrate/proof, which has also made testdata.

type cart struct{ Items []string }

const name = "shop"

var (
	hashKey, blockKey = []byte(strings.Repeat("h", 32)), []byte(strings.Repeat("b", 32))
	newHash, newBlock = []byte(strings.Repeat("n", 64)), []byte(strings.Repeat("m", 16))
	values            = map[any]any{"cart": cart{[]string{"pear"}}, "lang": "de", 7: true, "_flash": []any{"saved"}}
	named             = map[string]any{"cart": cart{[]string{"pear"}}, "lang": "de", "_flash": []any{"saved"}}
)

func config(keys ...[]byte) fromgorilla.Config {
	return fromgorilla.Config{Cookie: name, KeyPairs: keys, Types: []any{cart{}}}
}

func importer(t testing.TB, c fromgorilla.Config) session.Importer {
	t.Helper()
	i, err := fromgorilla.Cookie(c)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func signed(t testing.TB, v any, prepare func(*securecookie.SecureCookie), keys ...[]byte) string {
	t.Helper()
	codecs := securecookie.CodecsFromPairs(keys...)
	for _, c := range codecs {
		if prepare != nil {
			prepare(c.(*securecookie.SecureCookie))
		}
	}
	s, err := securecookie.EncodeMulti(name, v, codecs...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// verbatim signs bytes as they are.
func verbatim(c *securecookie.SecureCookie) { c.SetSerializer(securecookie.NopEncoder{}).MaxLength(0) }

func open(i session.Importer, value string) (session.Foreign, error) {
	return i.Open(context.Background(), value)
}

func refused(t *testing.T, what string, i session.Importer, value string, want session.Reason) {
	t.Helper()
	f, err := open(i, value)
	var reason *session.NotImportedError
	switch {
	case !errors.As(err, &reason):
		t.Errorf("%s: opened as %v with error %v, want %s", what, f.Values, err, want)
	case reason.Reason != want:
		t.Errorf("%s: refused as %s, want %s", what, reason, want)
	case f.Values != nil:
		t.Errorf("%s: refused, and has values", what)
	}
}

func TestOpens(t *testing.T) {
	sha512s := config(hashKey, nil)
	sha512s.Hash = sha512.New
	asJSON := config(hashKey)
	asJSON.JSON = true
	for what, c := range map[string]struct {
		config  fromgorilla.Config
		keys    [][]byte
		prepare func(*securecookie.SecureCookie)
		value   any
		want    map[string]any
	}{
		"signed":                {config: config(hashKey), keys: [][]byte{hashKey}},
		"encrypted":             {config: config(hashKey, blockKey), keys: [][]byte{hashKey, blockKey}},
		"by the older pair":     {config: config(newHash, newBlock, hashKey, blockKey), keys: [][]byte{hashKey, blockKey}},
		"by the older hash key": {config: config(newHash, nil, hashKey), keys: [][]byte{hashKey}},
		"by an older block key": {config: config(hashKey, newBlock, hashKey, blockKey), keys: [][]byte{hashKey, blockKey}},
		"encrypted since":       {config: config(hashKey, newBlock, hashKey, nil), keys: [][]byte{hashKey}},
		"by another hash function": {
			sha512s, [][]byte{hashKey}, func(c *securecookie.SecureCookie) { c.HashFunc(sha512.New) }, values, named,
		},
		"JSON": {
			asJSON, [][]byte{hashKey}, func(c *securecookie.SecureCookie) { c.SetSerializer(securecookie.JSONEncoder{}) },
			map[string]any{"lang": "de", "n": 1}, map[string]any{"lang": json.RawMessage(`"de"`), "n": json.RawMessage("1")},
		},
		"nothing in it": {config: config(hashKey), keys: [][]byte{hashKey}, value: map[any]any{}, want: map[string]any{}},
	} {
		if c.value == nil {
			c.value, c.want = values, named
		}
		before := time.Now().Truncate(time.Second)
		f, err := open(importer(t, c.config), signed(t, c.value, c.prepare, c.keys...))
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if !reflect.DeepEqual(f.Values, c.want) {
			t.Errorf("%s: values %v, want %v", what, f.Values, c.want)
		}
		if f.Written.Before(before) || f.Written.After(time.Now()) {
			t.Errorf("%s: written at %v, and it is %v", what, f.Written, time.Now())
		}
	}
}

func TestKeysThatAreNoStrings(t *testing.T) {
	c := config(hashKey)
	c.KeyName = func(key any) (string, bool) { return fmt.Sprintf("key %v", key), key == 7 }
	value := signed(t, map[any]any{7: true, 8: false, "a": 1}, nil, hashKey)
	f, err := open(importer(t, c), value)
	if want := map[string]any{"key 7": true, "a": 1}; err != nil || !reflect.DeepEqual(f.Values, want) {
		t.Errorf("values %v, want %v, error %v", f.Values, want, err)
	}
	c.KeyName = func(any) (string, bool) { return "a", true }
	refused(t, "one name twice", importer(t, c), value, session.ReasonCorrupt)
}

// The age is judged as securecookie does it: to the second, and not at all with a negative MaxAge.
func TestAge(t *testing.T) {
	now := time.Now()
	value := signed(t, values, nil, hashKey)
	at := func(d, maxAge time.Duration) session.Importer {
		c := config(hashKey)
		c.MaxAge, c.Now = maxAge, func() time.Time { return now.Add(d) }
		return importer(t, c)
	}
	const day = 24 * time.Hour
	refused(t, "31 days old", at(31*day, 0), value, session.ReasonExpiredIdle)
	refused(t, "two hours old", at(2*time.Hour, time.Hour), value, session.ReasonExpiredIdle)
	refused(t, "from the future", at(-2*time.Minute, 0), value, session.ReasonUnopenable)
	for what, i := range map[string]session.Importer{
		"29 days old": at(29*day, 0), "an old one without a limit": at(4000*day, -1),
		"from a clock that is ahead": at(-50*time.Second, 0),
	} {
		if _, err := open(i, value); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestRefuses(t *testing.T) {
	plain, good := importer(t, config(hashKey)), signed(t, values, nil, hashKey)
	secret := importer(t, config(hashKey, blockKey))
	raw := func(payload string) string {
		return signed(t, []byte(payload), verbatim, hashKey)
	}
	other := config(hashKey)
	other.Cookie = "another"
	asJSON := config(hashKey)
	asJSON.JSON, asJSON.MaxLength = true, -1
	type stranger struct{ X int }
	gob.Register(stranger{})
	noBars := base64.URLEncoding.EncodeToString([]byte("no bars"))
	unnamed := signed(t, map[any]any{"a": stranger{1}}, nil, hashKey)
	nested := raw(`{"a":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + "}")
	large := raw(`{"a":"` + strings.Repeat("x", 1<<20) + `"}`)
	for what, c := range map[string]struct {
		i     session.Importer
		value string
		want  session.Reason
	}{
		"nothing":                         {plain, "", session.ReasonMalformed},
		"too long":                        {plain, strings.Repeat("A", 4097), session.ReasonOversized},
		"without padding":                 {plain, unpadded(t), session.ReasonMalformed},
		"with a line break":               {plain, good[:8] + "\n" + good[8:], session.ReasonMalformed},
		"without bars":                    {plain, noBars, session.ReasonMalformed},
		"another key":                     {plain, signed(t, values, nil, newHash), session.ReasonUnopenable},
		"another cookie's":                {importer(t, other), good, session.ReasonUnopenable},
		"signed and not encrypted":        {secret, raw("x"), session.ReasonCorrupt},
		"encrypted with another key":      {secret, signed(t, values, nil, hashKey, newBlock), session.ReasonCorrupt},
		"no gob":                          {plain, raw("no gob"), session.ReasonCorrupt},
		"a gob of a list":                 {plain, signed(t, []string{"a"}, nil, hashKey), session.ReasonCorrupt},
		"a type that is not named":        {plain, unnamed, session.ReasonCorrupt},
		"JSON where a gob should be":      {plain, raw(`{"a":1}`), session.ReasonCorrupt},
		"a gob where JSON should be":      {importer(t, asJSON), good, session.ReasonCorrupt},
		"JSON with a member twice":        {importer(t, asJSON), raw(`{"a":1,"a":2}`), session.ReasonCorrupt},
		"JSON, and more":                  {importer(t, asJSON), raw(`{"a":1}{}`), session.ReasonCorrupt},
		"JSON that is no object":          {importer(t, asJSON), raw(`["a"]`), session.ReasonCorrupt},
		"JSON null":                       {importer(t, asJSON), raw("null"), session.ReasonCorrupt},
		"JSON that nests":                 {importer(t, asJSON), nested, session.ReasonCorrupt},
		"more than a session may have":    {importer(t, asJSON), large, session.ReasonOversized},
		"a date of no number, but signed": {plain, forgeDate(t, "x"), session.ReasonCorrupt},
	} {
		refused(t, what, c.i, c.value, c.want)
	}
}

// unpadded is a good cookie without the = that base64 puts at its end.
func unpadded(t testing.TB) string {
	t.Helper()
	for n := range 3 {
		padded := signed(t, map[any]any{"a": strings.Repeat("x", n)}, nil, hashKey)
		if s := strings.TrimRight(padded, "="); s != padded {
			return s
		}
	}
	t.Fatal("nothing is padded")
	return ""
}

// forgeDate signs a value whose date is none, as only who has the key can.
func forgeDate(t testing.TB, date string) string {
	t.Helper()
	mac := hmacOf(name + "|" + date + "|")
	return base64.URLEncoding.EncodeToString([]byte(date + "||" + mac))
}

// A cookie opens in one spelling, whatever is changed about it.
func TestEveryChangeIsRefused(t *testing.T) {
	for what, keys := range map[string][][]byte{"signed": {hashKey}, "encrypted": {hashKey, blockKey}} {
		i, good := importer(t, config(keys...)), signed(t, values, nil, keys...)
		if _, err := open(i, good); err != nil {
			t.Fatal(err)
		}
		bytes, err := base64.URLEncoding.DecodeString(good)
		if err != nil {
			t.Fatal(err)
		}
		for n := range bytes {
			for bit := range 8 {
				bytes[n] ^= 1 << bit
				if _, err := open(i, base64.URLEncoding.EncodeToString(bytes)); err == nil {
					t.Errorf("%s: opened with bit %d of byte %d flipped", what, bit, n)
				}
				bytes[n] ^= 1 << bit
			}
		}
		for n := range good {
			if _, err := open(i, good[:n]); err == nil {
				t.Errorf("%s: opened with %d of %d characters", what, n, len(good))
			}
			for bit := range 8 {
				bad := []byte(good)
				bad[n] ^= 1 << bit
				if _, err := open(i, string(bad)); err == nil {
					t.Errorf("%s: opened with bit %d of character %d flipped", what, bit, n)
				}
			}
		}
	}
}

func TestWrongConfiguration(t *testing.T) {
	for what, c := range map[string]fromgorilla.Config{
		"no cookie":       {KeyPairs: [][]byte{hashKey}},
		"no keys":         {Cookie: name},
		"an empty key":    {Cookie: name, KeyPairs: [][]byte{{}}},
		"a bad block key": {Cookie: name, KeyPairs: [][]byte{hashKey, blockKey, hashKey, blockKey[:5]}},
		"a type of nil":   {Cookie: name, KeyPairs: [][]byte{hashKey}, Types: []any{nil}},
	} {
		if _, err := fromgorilla.Cookie(c); err == nil || strings.Contains(err.Error(), "hhhh") {
			t.Errorf("%s: %v", what, err)
		}
		if _, err := fromgorilla.Redis(shelf{}, c); err == nil {
			t.Errorf("%s was accepted by Redis", what)
		}
	}
	if _, err := fromgorilla.Redis(nil, config(hashKey)); err == nil {
		t.Error("Redis accepted no server")
	}
}
