// Package fromexpress takes over the sessions of Node's express-session that connect-redis keeps, and knows who has
// logged in by passport. See docs/migration.md.
package fromexpress

import (
	"context"
	"errors"
	"fmt"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/migrate"
	"github.com/coatcheck/coatcheck/migrate/internal/strict"
)

// Config says how the application has set express-session and connect-redis up.
type Config struct {
	// Secrets are express-session's secret, or all of a list: any of them may have signed a cookie.
	Secrets []string
	// Server is where connect-redis keeps sessions: redisstore.KeyValue(rdb).
	Server migrate.KeyValue
	// Prefix is connect-redis's. Empty means "sess:".
	Prefix string
	// NoPrefix says that it is empty there.
	NoPrefix bool
}

// ConnectRedis takes sessions over. Their values are json.RawMessage. Foreign.Subject is passport.user if that is a
// string or a number. If it is an object, Foreign.Subject is empty, and without an Importer.Subject that looks into
// Foreign.Values["passport"] the visitor comes in as nobody. Foreign.Written is known if the application sets
// cookie.maxAge.
//
// A session ends when the server forgets it, as with connect-redis: the time of expiry inside stays behind when a
// request extends a session without changing it. One without a TTL there does not end.
func ConnectRedis(c Config) (session.Importer, error) {
	if len(c.Secrets) == 0 {
		return session.Importer{}, errors.New("fromexpress: no Secrets: give the secret of express-session")
	}
	for _, secret := range c.Secrets {
		if secret == "" {
			return session.Importer{}, errors.New("fromexpress: Secrets: one of them is empty, which signs nothing")
		}
	}
	if c.Server == nil {
		return session.Importer{}, errors.New("fromexpress: no Server: give a redisstore.KeyValue")
	}
	c.Prefix = strict.Prefix(c.Prefix, "sess:", c.NoPrefix)
	return session.Importer{
		Name:   "express",
		Cookie: session.ForeignCookie{Name: "connect.sid", Insecure: true},
		Open:   c.open,
	}, nil
}

func (c Config) open(ctx context.Context, value string) (session.Foreign, error) {
	id, err := c.verify(value)
	if err != nil {
		return session.Foreign{}, err
	}
	text, err := c.Server.Get(ctx, c.Prefix+id)
	if err != nil {
		return session.Foreign{}, fmt.Errorf("fromexpress: get: %w", err)
	}
	if len(text) == 0 { // nothing, to connect-redis
		return session.Foreign{}, session.ErrNotFound
	}
	f, err := decode(text)
	if err != nil {
		return session.Foreign{}, strict.Refused(session.ReasonCorrupt, "%v", err)
	}
	f.ID = id
	return f, nil
}
