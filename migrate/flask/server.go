package fromflask

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/migrate"
	"github.com/coatcheck/coatcheck/migrate/internal/strict"
)

// Session ids of Flask-Session are UUIDs of 36 characters, since 0.6 by default 43. A shorter one could be guessed, and
// before 0.7 any would do that a visitor came with.
const (
	minID, maxID = 22, 128
	idCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	maxSignedID  = 256

	pickleRefused = "a pickle, which is never read: let Flask-Session 0.7 or 0.8 run for as long as sessions last, " +
		"with SESSION_SERIALIZATION_FORMAT; it reads pickles and does not write them"
)

// KeyValue reads what Flask-Session keeps in Redis or Memcached: redisstore.KeyValue or memcachestore.KeyValue. Both
// formats are read, MessagePack and JSON, whichever Flask-Session writes. A Config with a Mirror needs a
// migrate.WritableKeyValue.
func KeyValue(c Config, kv migrate.KeyValue) (session.Importer, error) {
	if kv == nil {
		return session.Importer{}, errors.New("fromflask: there is no server: take redisstore.KeyValue or " +
			"memcachestore.KeyValue")
	}
	var w written
	if all, ok := kv.(migrate.WritableKeyValue); ok {
		w = onlySessions{all}
	}
	return c.onServer(func(ctx context.Context, key string) (data []byte, created time.Time, err error) {
		data, err = kv.Get(ctx, key)
		return data, created, err
	}, w)
}

// onlySessions deletes what begins as sessions do, and nothing else: visitors choose the ids, and other programs' keys
// may have the same prefix.
type onlySessions struct{ migrate.WritableKeyValue }

func (o onlySessions) Delete(ctx context.Context, key string) error {
	data, err := o.Get(ctx, key)
	if errors.Is(err, session.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if !begunAsSession(data) {
		return nil
	}
	return o.WritableKeyValue.Delete(ctx, key)
}

// begunAsSession recognizes JSON objects, MessagePack's in its three sizes, and pickles, also where the rest cannot be
// read here: a logout has to end such a session as well.
func begunAsSession(data []byte) bool {
	return len(data) > 0 && (data[0] == '{' || data[0]&0xf0 == 0x80 || data[0] == 0xde || data[0] == 0xdf) || pickled(data)
}

// server reads sessions that are kept on a server, while the cookie has an id.
type server struct {
	*prepared
	get get
}

// get returns what a session has, by prefix and id, and when it began, if that is known.
type get func(ctx context.Context, key string) (data []byte, created time.Time, err error)

func (c Config) onServer(g get, w written) (session.Importer, error) {
	p, err := c.prepare("flask-session")
	if err != nil {
		return session.Importer{}, err
	}
	if p.Mirror != nil && w == nil {
		return session.Importer{}, errors.New("fromflask: a mirror writes: it needs a migrate.WritableKeyValue")
	}
	s := server{p, g}
	return p.importer(s.open, serverMirror{s, w}), nil
}

func (s server) open(ctx context.Context, value string) (session.Foreign, error) {
	id, err := s.id(value)
	if err != nil {
		return session.Foreign{}, err
	}
	data, created, err := s.get(ctx, s.Prefix+id)
	if err != nil {
		return session.Foreign{}, err
	}
	values, err := decode(data)
	if err != nil {
		return session.Foreign{}, strict.Refused(session.ReasonCorrupt, "%v", err)
	}
	return session.Foreign{ID: id, Subject: subject(values[s.User]), Values: values, Created: created}, nil
}

// id is the session id in a cookie, whose signature is right if there has to be one.
func (s server) id(value string) (id string, err error) {
	if len(value) > maxSignedID {
		return "", strict.Refused(session.ReasonOversized, "more than %d bytes", maxSignedID)
	}
	id = value
	if len(s.signers) > 0 {
		if id, err = s.unsign(value); err != nil {
			return "", err
		}
	}
	if len(id) < minID || len(id) > maxID || strings.Trim(id, idCharacters) != "" {
		return "", strict.Refused(session.ReasonMalformed, "not a session id of Flask-Session's")
	}
	return id, nil
}

// decode reads MessagePack or JSON into members of plain JSON. What is one of them is not the other: an object begins
// with { in JSON, which would be a number in MessagePack.
func decode(data []byte) (map[string]any, error) {
	switch {
	case bytes.HasPrefix(data, []byte("{")):
		return strict.Object(data)
	case pickled(data):
		return nil, errors.New(pickleRefused)
	}
	return unpacked(data)
}

// pickled recognizes pickles: those of protocol 2 and later say so, and a dictionary of protocol 0 looks like this.
func pickled(data []byte) bool {
	return len(data) > 2 && (data[0] == 0x80 && data[1] >= 2 && data[1] <= 5 ||
		data[0] == '(' && data[len(data)-1] == '.')
}
