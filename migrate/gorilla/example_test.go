package fromgorilla_test

import (
	"context"
	"fmt"
	"time"

	"github.com/gorilla/securecookie"

	session "github.com/coatcheck/coatcheck/core"
	fromgorilla "github.com/coatcheck/coatcheck/migrate/gorilla"
)

func ExampleCookie() {
	// What sessions.NewCookieStore was given.
	keyPairs := [][]byte{securecookie.GenerateRandomKey(64), securecookie.GenerateRandomKey(32)}

	old, err := fromgorilla.Cookie(fromgorilla.Config{Cookie: "shop", KeyPairs: keyPairs, Types: []any{cart{}}})
	if err != nil {
		panic(err)
	}
	const basket session.Key[cart] = "cart"
	old.Until = time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)
	old.Values = map[string]session.AnyKey{"cart": basket}
	old.Subject = func(_ context.Context, f session.Foreign) (string, error) {
		if id, ok := f.Values["user_id"].(int); ok {
			return fmt.Sprint("user:", id), nil
		}
		return "", nil
	}
	importers := []session.Importer{old} // for session.Options.Import

	// A visitor brings a cookie like this one.
	codecs := securecookie.CodecsFromPairs(keyPairs...)
	cookie, err := securecookie.EncodeMulti("shop", map[any]any{"user_id": 42}, codecs...)
	if err != nil {
		panic(err)
	}
	found, err := importers[0].Open(context.Background(), cookie)
	if err != nil {
		panic(err)
	}
	fmt.Println(importers[0].Subject(context.Background(), found))
	// Output: user:42 <nil>
}
