package fromscs_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	fromscs "github.com/coatcheck/coatcheck/migrate/scs"
)

// scsStore stands for the scs.Store of the program. It has one session, as scs v2.9.0 has written it.
type scsStore struct{}

func (scsStore) Find(token string) (data []byte, found bool, err error) {
	if token != "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8" {
		return nil, false, nil
	}
	data, err = base64.StdEncoding.DecodeString("JX8DAQL/gAABAgEIRGVhZGxpbmUB/4IAAQZWYWx1ZXMB/4QAAAAQ/4EFAQEEVGltZQH/" +
		"ggAAACf/gwQBARdtYXBbc3RyaW5nXWludGVyZmFjZSB7fQH/hAABDAEQAAAj/4ABDwEAAAAO4vJqwAAAAAD//wEBBHVzZXIDaW50BAIAVAA=")
	return data, true, err
}

func ExampleSessions() {
	old, err := fromscs.Sessions(fromscs.Config{
		Store:    scsStore{},
		Lifetime: 24 * time.Hour,
		Now:      func() time.Time { return time.Date(2027, time.February, 1, 0, 0, 0, 0, time.UTC) },
	})
	if err != nil {
		panic(err)
	}
	old.Until = time.Date(2027, time.March, 1, 0, 0, 0, 0, time.UTC)
	old.Subject = func(_ context.Context, f session.Foreign) (string, error) {
		if id, ok := f.Values["user"].(int); ok {
			return fmt.Sprintf("user:%d", id), nil
		}
		return "", nil
	}
	importers := []session.Importer{old} // for session.Options.Import

	// A visitor brings this cookie.
	found, err := importers[0].Open(context.Background(), "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8")
	if err != nil {
		panic(err)
	}
	fmt.Println(importers[0].Subject(context.Background(), found))
	fmt.Println(found.Created.UTC(), found.Deadline.UTC())
	// Output:
	// user:42 <nil>
	// 2027-01-31 12:00:00 +0000 UTC 2027-02-01 12:00:00 +0000 UTC
}
