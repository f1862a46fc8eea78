package fromgorilla_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
)

// What nobody has signed opens nothing.
func FuzzCookie(f *testing.F) {
	i, good := importer(f, config(newHash, newBlock, hashKey)), signed(f, values, nil, hashKey)
	f.Add(good)
	f.Add(strings.TrimRight(good, "="))
	f.Add(base64.URLEncoding.EncodeToString([]byte("1||")))
	f.Fuzz(func(t *testing.T, value string) {
		if found, err := open(i, value); err == nil && !isSigned(value, hashKey) {
			t.Errorf("opened: %v", found.Values)
		} else if reason := (*session.NotImportedError)(nil); err != nil && !errors.As(err, &reason) {
			t.Errorf("not refused, but failed: %v", err)
		}
	})
}

// isSigned reports whether securecookie has written a value with the key: base64 of date, value and MAC, with "|"
// between them. The MAC is over the cookie's name, date and value, likewise.
func isSigned(value string, key []byte) bool {
	raw, err := base64.URLEncoding.DecodeString(value)
	parts := bytes.SplitN(raw, []byte("|"), 3)
	if err != nil || len(parts) != 3 {
		return false
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(name + "|" + string(parts[0]) + "|" + string(parts[1])))
	return bytes.Equal(mac.Sum(nil), parts[2])
}

// Whatever is signed is read or refused, in the cookie and in Redis.
func FuzzPayload(f *testing.F) {
	f.Add(gobOf(f, values), false)
	f.Add(gobOf(f, map[any]any{7: []any{map[string]any{"a": nil}}}), false)
	f.Add(gobOf(f, "A"), false)
	f.Add(`{"lang":"de","a":[1,{}]}`, true)
	f.Fuzz(func(t *testing.T, payload string, asJSON bool) {
		c := config(hashKey)
		c.JSON, c.MaxLength = asJSON, -1
		inCookie, value := importer(t, c), signed(t, []byte(payload), verbatim, hashKey)
		inRedis, id := redis(t, shelf{"session_A": payload}, c), signed(t, "A", nil, hashKey)
		for i, value := range map[*session.Importer]string{&inCookie: value, &inRedis: id} {
			found, err := open(*i, value)
			if reason := (*session.NotImportedError)(nil); err != nil && !errors.As(err, &reason) && payload != "down" {
				t.Errorf("not refused, but failed: %v", err)
			} else if (err == nil) != (found.Values != nil) {
				t.Errorf("values %v with %v", found.Values, err)
			}
		}
	})
}
