// Package fromscs takes over the sessions of github.com/alexedwards/scs/v2, from whichever of its stores they are in.
// See docs/migration.md.
package fromscs

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/migrate/internal/strict"
)

// Finder is the part of an scs.Store that is asked. One that has FindCtx too, as an scs.CtxStore has, is asked by that.
// It must be safe for concurrent use, as scs's own stores are.
type Finder interface {
	Find(token string) (data []byte, found bool, err error)
}

// Codec is the part of an scs.Codec that is used.
type Codec interface {
	Decode(data []byte) (deadline time.Time, values map[string]any, err error)
}

// Config says how the application has set scs up.
type Config struct {
	// Store is the store itself: the memory store of the same program, or one made anew on the same server.
	Store Finder
	// HashTokenInStore is SessionManager.HashTokenInStore.
	HashTokenInStore bool
	// Lifetime is SessionManager.Lifetime, by which it is known when a session began or its token was last renewed, as
	// it should be at a login. Zero means that this is not known: sessions of subjects for whom RevokeAll has been called
	// do not come in. Nor is it known where SetDeadline has set an end so late, or Lifetime is set so low here, that the
	// session would have begun in the future; where they differ by less, a session counts as newer than it is, and some
	// that are older than RevokeAll come in. So where the application calls SetDeadline, leave this zero.
	Lifetime time.Duration
	// Types has a value of each type that sessions hold besides Go's basic ones, slices of these, []any and
	// map[string]any: those that the application gives to gob.Register, such as time.Time{}. Others refuse the session.
	Types []any
	// Codec is SessionManager.Codec if the application sets one. Nil means scs.GobCodec's format. Types are for that
	// only: what another codec decodes is not checked.
	Codec Codec
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
}

// Sessions takes sessions over. Their values are Go values. The cookie is scs's by default, which is set without
// Secure.
func Sessions(c Config) (session.Importer, error) {
	if c.Store == nil {
		return session.Importer{}, errors.New("fromscs: no Store: give the scs.Store that the sessions are in")
	}
	gob, err := strict.NewGob(c.Types)
	if err != nil {
		return session.Importer{}, fmt.Errorf("fromscs: Types: %w", err)
	}
	if c.Codec == nil {
		c.Codec = gobCodec{gob}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return session.Importer{
		Name:   "scs",
		Cookie: session.ForeignCookie{Name: "session", SameSite: http.SameSiteLaxMode, Insecure: true},
		Open:   c.open,
	}, nil
}

// Sessions are found by tokens of 32 random bytes.
const tokenSize = 32

func (c Config) open(ctx context.Context, value string) (session.Foreign, error) {
	if token, err := strict.Base64URL(value); err != nil || len(token) != tokenSize {
		return session.Foreign{}, strict.Refused(session.ReasonMalformed, "not a token of 32 bytes in base64url")
	}
	data, err := c.find(ctx, value)
	if err != nil {
		return session.Foreign{}, err
	}
	deadline, values, err := c.Codec.Decode(data)
	if err != nil {
		return session.Foreign{}, strict.Refused(session.ReasonCorrupt, "%v", err)
	}
	if !c.Now().Before(deadline) {
		return session.Foreign{}, strict.Refused(session.ReasonExpiredAbsolute, "its deadline has passed")
	}
	return c.foreign(value, deadline, values), nil
}

// foreign gives the session an ID that it has in every spelling: MySQL finds tokens without regard to case.
func (c Config) foreign(token string, deadline time.Time, values map[string]any) session.Foreign {
	f := session.Foreign{ID: strings.ToLower(token), Values: values, Deadline: deadline}
	if began := deadline.Add(-c.Lifetime); c.Lifetime > 0 && !began.After(c.Now()) {
		f.Created = began
	}
	return f
}

// find asks the store, which knows nothing of sessions that have not been used for too long.
func (c Config) find(ctx context.Context, token string) ([]byte, error) {
	if c.HashTokenInStore {
		hash := sha256.Sum256([]byte(token))
		token = base64.RawURLEncoding.EncodeToString(hash[:])
	}
	find := func(_ context.Context, token string) ([]byte, bool, error) { return c.Store.Find(token) }
	if s, ok := c.Store.(interface {
		FindCtx(context.Context, string) ([]byte, bool, error)
	}); ok {
		find = s.FindCtx
	}
	data, found, err := find(ctx, token)
	if err != nil {
		return nil, fmt.Errorf("fromscs: find: %w", err)
	}
	if !found {
		return nil, session.ErrNotFound
	}
	return data, nil
}

// gobCodec reads what scs.GobCodec writes.
type gobCodec struct{ *strict.Gob }

func (c gobCodec) Decode(data []byte) (time.Time, map[string]any, error) {
	var content struct {
		Deadline time.Time
		Values   map[string]any
	}
	err := c.Gob.Decode(data, &content)
	return content.Deadline, content.Values, err
}
