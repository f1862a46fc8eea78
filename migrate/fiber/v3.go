package fromfiber

import (
	"encoding/gob" //nolint:depguard // Fiber writes it
	"errors"
	"sync"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/migrate/internal/strict"
)

// A session that has a deadline holds it under a key of a type that Fiber does not export. Its name cannot be
// registered here, because a program that has Fiber's sessions too does that. So it gets another one that is as long.
const (
	expirationName    = "github.com/gofiber/fiber/v3/middleware/session.absExpirationKeyType"
	ownExpirationName = "coatcheck/migrate/fiber: fiber/v3/session.absExpirationKeyType....."
)

var _ [len(expirationName)]struct{} = [len(ownExpirationName)]struct{}{}

type expirationKey int

var registerExpiration = sync.OnceFunc(func() { gob.RegisterName(ownExpirationName, expirationKey(0)) })

func decodeV3(g *strict.Gob, data []byte) (f session.Foreign, err error) {
	all := map[any]any{}
	if err := g.Decode(data, &all); err != nil {
		return f, err
	}
	f.Values = make(map[string]any, len(all))
	for key, value := range all {
		switch key := key.(type) {
		case string:
			f.Values[key] = value
		case expirationKey:
			deadline, ok := value.(time.Time)
			if !ok || deadline.IsZero() {
				return f, errors.New("a deadline that is no time")
			}
			f.Deadline = deadline
		}
	}
	return f, nil
}
