package fromfiber_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	fromfiber "github.com/coatcheck/coatcheck/migrate/fiber"
)

// fiberStorage stands for the fiber.Storage of the program. It has one session, as Fiber v2.52.15 has written it.
type fiberStorage struct{}

func (fiberStorage) Get(key string) ([]byte, error) {
	if key != "1198a229-55c5-4f10-b4c5-427dae6cc35b" {
		return nil, nil
	}
	const row = "J/+DBAEBF21hcFtzdHJpbmddaW50ZXJmYWNlIHt9Af+EAAEMARAAABH/hAABBHVzZXIDaW50BAIAVA=="
	return base64.StdEncoding.DecodeString(row)
}

func ExampleV2() {
	old, err := fromfiber.V2(fromfiber.Config{Storage: fiberStorage{}})
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
	found, err := importers[0].Open(context.Background(), "1198a229-55c5-4f10-b4c5-427dae6cc35b")
	if err != nil {
		panic(err)
	}
	fmt.Println(importers[0].Subject(context.Background(), found))
	// Output: user:42 <nil>
}
