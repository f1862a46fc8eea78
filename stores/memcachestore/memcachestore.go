// Package memcachestore keeps sessions in Memcached 1.4 or newer, through gomemcache. It is for sessions that may get
// lost: Memcached keeps nothing on disk. Every restart logs everybody out, and when its memory is full it evicts
// what was not used for longest, expired or not, which logs that visitor out. Where that will not do, put it in
// front of a durable store with package tieredstore, or use another one. A server that may not evict (-M) refuses
// what does not fit any more: new sessions and changes then fail, and ending a session works.
//
// # Items
//
// A record is one item under prefix + id (SHA-256, base64). Numbers are big-endian, times in milliseconds since 1970:
//
//	byte 0       format, 1
//	bytes 1-24   version, last seen, expires (8 bytes each)
//	then         the data
//
// Creating is an add. Updating and touching are a gets and a cas, so they cost two round trips and more when others
// write the same record; a touch sends the data back too, because the times are part of the item. The server must
// not run with -C, which turns cas off; Update and Touch report that.
//
// Memcached forgets by itself: an item six minutes after its record has expired. Up to 30 days the lifetime is sent in
// seconds and counted from Seen, on whose clock Expires was set, so no clocks need agree. Beyond, Memcached
// takes an absolute time, which its own clock judges. gomemcache sends neither beyond 2038-01-19: a session that would
// live longer is forgotten on that day or after 30 days, whichever is later, unless it is used again.
//
// # What it cannot do
//
// Memcached cannot search, so Find returns errors.ErrUnsupported, and with it Manager.List and all ways to revoke. It
// cannot list its keys either, so there is no Walk: sessions can be neither counted nor moved to another store. Many
// records at a time can be loaded, one round trip to each server. There is nothing to sweep.
//
// An ended session stays ended, also when its marker is evicted: the record is then absent, and Update and Touch
// never create. What an evicted marker takes along is the way to the renewed session: of a request that was in flight
// during a renewal or login, the changes are then refused instead of carried over, and a logout that raced the login
// leaves the login's session alive. Memcached evicts the least recently used items, so a marker of five minutes goes
// only if the memory is far too small: watch its counter of evictions.
//
// # Several servers
//
// With a fixed list of servers each record lives on exactly one. While that server is down its sessions are
// unavailable, a 503, and when it restarts they are gone. A selector that hands the keys of a missing server to
// others, or a changed list, loses that guarantee: a server that comes back with its memory intact has records as
// they were when it left, sessions that were ended meanwhile among them. Flush it before it returns, or change the
// prefix.
//
// Memcached asks nobody for a password by default: whoever reaches it reads and writes all sessions.
//
// # Lost connections
//
// After a restart of the server the client's idle connections are dead, and it notices when it uses them. A call that
// finds one closes the others and goes on with a new connection. A write whose answer was lost is sent again only
// after a look at the record has shown that it has not happened.
//
// # Time limits
//
// gomemcache takes no contexts. Each call runs in a goroutine of its own, and returns when its context ends; the
// goroutine ends at the client's Timeout at the latest, counted anew for each step of connecting, writing and reading.
// What was sent by then may still happen. Set Client.MaxIdleConns to the number of requests at a time: with its default
// of two most calls connect anew.
package memcachestore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bradfitz/gomemcache/memcache"

	session "github.com/coatcheck/coatcheck/core"
)

const (
	defaultPrefix   = "coatcheck:"
	defaultItemSize = 1 << 20
)

// Store is a session.Store in Memcached, with session.Toucher and session.BatchLoader. It is safe for concurrent use.
// Errors that the contract does not name are the client's, with the operation's name and never a value. Use New.
type Store struct {
	client   *memcache.Client
	prefix   string
	itemSize int
}

var (
	_ session.Store       = (*Store)(nil)
	_ session.Toucher     = (*Store)(nil)
	_ session.BatchLoader = (*Store)(nil)
	_ session.Indexer     = (*Store)(nil)
)

// New returns a store whose keys begin with "coatcheck:", for servers with the default item size of 1 MiB. It sends
// nothing, and panics if the client is nil. The client stays the caller's to configure and close.
func New(client *memcache.Client) *Store {
	if client == nil {
		panic("memcachestore: the client is nil: make one with memcache.New")
	}
	return &Store{client: client, prefix: defaultPrefix, itemSize: defaultItemSize}
}

// WithPrefix returns a store on the same client whose keys begin with prefix, for servers that are shared. Stores with
// different prefixes know nothing of each other's sessions. It panics if the prefix has more than 207 bytes, spaces
// or control characters, which Memcached does not take.
func (s *Store) WithPrefix(prefix string) *Store {
	if err := checkPrefix(prefix); err != nil {
		panic("memcachestore: the prefix " + err.Error())
	}
	other := *s
	other.prefix = prefix
	return &other
}

// WithItemSize returns a store on the same client for servers whose largest item, the option -I, has this many bytes
// instead of 1 MiB. What does not fit is session.ErrTooLarge. A session may have about 150 bytes less.
func (s *Store) WithItemSize(bytes int) *Store {
	other := *s
	other.itemSize = bytes
	return &other
}

// Load returns the record, or session.ErrNotFound. Its Subject and Handle are left empty.
func (s *Store) Load(ctx context.Context, id session.RecordID) (session.Record, error) {
	item, err := s.get(ctx, id)
	if err != nil {
		return session.Record{}, failed("load", err)
	}
	return value(item.Value).record(id), nil
}

// Create stores a new record, or returns session.ErrExists.
func (s *Store) Create(ctx context.Context, r session.Record) error {
	item := &memcache.Item{Key: s.key(r.ID), Value: newValue(r)}
	err := s.write(ctx, s.client.Add, item)
	if lost(err) {
		err = s.addUnlessAdded(ctx, r.ID, item)
	}
	if errors.Is(err, memcache.ErrNotStored) {
		return session.ErrExists
	}
	return failed("create", err)
}

// addUnlessAdded adds an item of whose first add nobody knows what became.
func (s *Store) addUnlessAdded(ctx context.Context, id session.RecordID, item *memcache.Item) error {
	found, err := s.get(ctx, id)
	if errors.Is(err, session.ErrNotFound) {
		return s.write(ctx, s.client.Add, item)
	}
	if err == nil && !bytes.Equal(found.Value, item.Value) {
		return session.ErrExists
	}
	return err
}

// Update replaces a record of the same version, or returns session.ErrConflict or session.ErrNotFound.
func (s *Store) Update(ctx context.Context, r session.Record) error {
	return failed("update", s.change(ctx, r.ID, func(old value) (value, error) {
		if old.version() != r.Version {
			return nil, session.ErrConflict
		}
		next := r
		next.Version++
		return newValue(next), nil
	}))
}

// Touch extends a record, or returns session.ErrNotFound.
func (s *Store) Touch(ctx context.Context, id session.RecordID, seen, expires time.Time) error {
	return failed("touch", s.change(ctx, id, func(v value) (value, error) {
		if !v.extend(seen, expires) {
			return nil, nil
		}
		return v, nil
	}))
}

// Delete removes a record. It is no error if there is none.
func (s *Store) Delete(ctx context.Context, id session.RecordID) error {
	err := s.repeatable(ctx, func() error { return s.client.Delete(s.key(id)) })
	if errors.Is(err, memcache.ErrCacheMiss) {
		return nil
	}
	return failed("delete", err)
}

// Find returns errors.ErrUnsupported: Memcached cannot search.
func (s *Store) Find(ctx context.Context, _ string) ([]session.RecordID, error) {
	if err := ctx.Err(); err != nil {
		return nil, failed("find", err)
	}
	return nil, failed("find", fmt.Errorf("memcached cannot search by subject; use another store, "+
		"or put this one in front of it with package tieredstore: %w", errors.ErrUnsupported))
}

// change replaces a record by what edit makes of it, again and again until no other write gets in between. Nil from
// edit means that the record is right as it is. A write that fails is due to one that succeeded, so somebody gets on.
// Of a write whose answer was lost the record tells whether it has happened; it is sent again once.
func (s *Store) change(ctx context.Context, id session.RecordID, edit func(value) (value, error)) error {
	var unknown value
	for {
		item, err := s.get(ctx, id)
		if err != nil {
			return err
		}
		if item.CasID == 0 {
			return errors.New("the server gives no cas ids: start memcached without -C, and use no proxy that drops them")
		}
		if unknown != nil && bytes.Equal(item.Value, unknown) {
			return nil
		}
		if item.Value, err = edit(item.Value); err != nil || item.Value == nil {
			return err
		}
		switch err = s.write(ctx, s.client.CompareAndSwap, item); {
		case errors.Is(err, memcache.ErrCacheMiss), errors.Is(err, memcache.ErrNotStored):
			return session.ErrNotFound
		case lost(err) && unknown == nil:
			unknown = item.Value
		case !errors.Is(err, memcache.ErrCASConflict):
			return err
		}
	}
}

// get returns the item of a record, whose value has been checked.
func (s *Store) get(ctx context.Context, id session.RecordID) (item *memcache.Item, err error) {
	var got *memcache.Item // nobody else's once await has returned without an error
	err = s.repeatable(ctx, func() (err error) {
		got, err = s.client.Get(s.key(id))
		return err
	})
	if errors.Is(err, memcache.ErrCacheMiss) {
		return nil, session.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return got, value(got.Value).check()
}

// write sends an item with one of the client's methods. One that is too large changes nothing: an add stores nothing
// and a cas leaves what there is.
func (s *Store) write(ctx context.Context, send func(*memcache.Item) error, item *memcache.Item) error {
	if limit := s.itemSize - itemOverhead - len(item.Key); len(item.Value) > limit {
		return fmt.Errorf("%w: the item has %d bytes, and %d fit (memcached -I, and WithItemSize)", session.ErrTooLarge,
			len(item.Value), limit)
	}
	item.Expiration = value(item.Value).expiration()
	err := s.await(ctx, func() error { return send(item) })
	if refusedSize(err) {
		return fmt.Errorf("%w: the server's limit is lower than the %d bytes assumed (memcached -I, and WithItemSize)",
			session.ErrTooLarge, s.itemSize)
	}
	if refusedFull(err) {
		return fmt.Errorf("the server's memory is full, and it may not evict: raise memcached -m, or start it without -M: %w",
			err)
	}
	return err
}

func failed(operation string, err error) error {
	if err == nil || errors.Is(err, session.ErrNotFound) || errors.Is(err, session.ErrConflict) {
		return err
	}
	return fmt.Errorf("memcachestore: %s: %w", operation, err)
}
