package fromdjango_test

import (
	"context"
	"fmt"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	fromdjango "github.com/coatcheck/coatcheck/migrate/django"
)

func ExampleSignedCookies() {
	old, err := fromdjango.SignedCookies(fromdjango.Config{
		Secrets: []string{"django-insecure-test-key"}, // SECRET_KEY
		PasswordHash: func(context.Context, string) (string, error) {
			return "", session.ErrNotFound // or what the users' table has: see Users
		},
		Now: func() time.Time { return time.Date(2023, time.November, 15, 0, 0, 0, 0, time.UTC) },
	})
	if err != nil {
		panic(err)
	}
	const cart session.Key[[]string] = "cart"
	old.Until = time.Date(2027, time.March, 1, 0, 0, 0, 0, time.UTC)
	old.Values = map[string]session.AnyKey{"cart": cart}
	importers := []session.Importer{old} // for session.Options.Import

	// A visitor who is not logged in brings this cookie, which Django 5.2 has signed.
	cookie := "eyJjYXJ0IjpbImFwcGxlIiwiYmFuYW5hIl0sIm4iOjN9:1r31eq:jRTbboaL4vhrt4Wn3WEETFiiLKCP1Ej7FIUOZIGlnN0"
	found, err := importers[0].Open(context.Background(), cookie)
	if err != nil {
		panic(err)
	}
	fmt.Printf("%q %s %s\n", found.Subject, found.Values["cart"], found.Written.UTC())
	// Output: "" ["apple","banana"] 2023-11-14 22:13:20 +0000 UTC
}
