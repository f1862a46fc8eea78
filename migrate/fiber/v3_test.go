package fromfiber

import (
	"bytes"
	"encoding/gob" //nolint:depguard // Fiber writes it
	"errors"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

type one []byte

func (o one) Get(string) ([]byte, error) { return o, nil }

// withExpiration is a session of Fiber 3 that has a value under the key of its deadline.
func withExpiration(t *testing.T, value any) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(map[any]any{expirationKey(0): value}); err != nil {
		t.Fatal(err)
	}
	return bytes.Replace(b.Bytes(), []byte(ownExpirationName), []byte(expirationName), 1)
}

func TestDeadlineOfV3(t *testing.T) {
	now := time.Unix(1700000000, 0)
	open := func(value any) (session.Foreign, error) {
		i, err := V3(Config{Storage: one(withExpiration(t, value)), Now: func() time.Time { return now }})
		if err != nil {
			t.Fatal(err)
		}
		return i.Open(t.Context(), "6ba7b810-9dad-41d1-80b4-00c04fd430c8")
	}
	registerExpiration()
	gob.Register(time.Time{})
	if f, err := open(now.Add(time.Second)); err != nil || !f.Deadline.Equal(now.Add(time.Second)) || len(f.Values) > 0 {
		t.Errorf("%+v, %v", f, err)
	}
	for want, value := range map[session.Reason]any{
		session.ReasonExpiredAbsolute: now, session.ReasonCorrupt: "tomorrow",
	} {
		_, err := open(value)
		if refused, ok := errors.AsType[*session.NotImportedError](err); !ok || refused.Reason != want {
			t.Errorf("%v: %v, want %s", value, err, want)
		}
	}
}

// What a visitor has written comes along as it is, whatever it is, and leaves him logged in.
func TestTextWithTheTypesName(t *testing.T) {
	registerExpiration()
	gob.Register(time.Time{})
	want := expirationName + "; " + ownExpirationName
	for range 20 { // a map is written in any order
		var b bytes.Buffer
		all := map[any]any{"search": want, "deadline": ownExpirationName, expirationKey(0): time.Now().Add(time.Hour)}
		if err := gob.NewEncoder(&b).Encode(all); err != nil {
			t.Fatal(err)
		}
		name := append([]byte{byte(len(ownExpirationName))}, ownExpirationName...) // a type's begins so, and a text
		text := bytes.ReplaceAll(b.Bytes(), name, append([]byte{byte(len(expirationName))}, expirationName...))
		i, err := V3(Config{Storage: one(text)})
		if err != nil {
			t.Fatal(err)
		}
		f, err := i.Open(t.Context(), "6ba7b810-9dad-41d1-80b4-00c04fd430c8")
		if err != nil || f.Values["search"] != want || f.Values["deadline"] != expirationName || f.Deadline.IsZero() {
			t.Fatalf("%+v, %v", f, err)
		}
	}
}
