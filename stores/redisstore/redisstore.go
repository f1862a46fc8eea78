// Package redisstore keeps sessions in Redis 7 or newer, or what speaks its protocol and runs its scripts, through
// go-redis: one server, Sentinel, or Cluster. Loading, updating and touching cost one round trip each, and so does
// creating a session that is nobody's.
//
// # Keys
//
// A record is one string under prefix + id (SHA-256, base64). Numbers are big-endian, times in milliseconds since 1970:
//
//	byte 0        format, 1
//	byte 1        length of the owner: 0, or 32
//	bytes 2-33    version, last seen, expires, indexed until (8 bytes each)
//	then          the owner, which is SHA-256 over the subject; the data
//
// A subject's sessions are listed in a sorted set under prefix + "subject:" + owner (base64): each member is a record's
// id, its score the time on Redis's clock until which it counts. In a cluster the two live on different servers, so no
// script can change both. A session is therefore listed first and written second; whoever searches believes the record,
// not the list. A crash in between leaves an entry without a session, never a session without an entry. Nothing removes
// an entry but its score, because an entry without a session may be one whose session is about to be written. A
// record knows until when it is indexed, and a write that would outlive that extends its entry first.
//
// Redis forgets by itself: a record six minutes after it has expired. The time is counted from Seen, on whose clock
// Expires was set, so the clocks of Redis and of the application need not agree.
//
// # What Redis is to be like
//
// With maxmemory use the policy noeviction. Any other ends sessions when memory runs out, and may take a list before
// the sessions on it, which then escape Manager.RevokeAll.
//
// At maxmemory new and changed sessions are refused; listing and deleting go on to work.
//
// A user of Redis's own needs the keys under the prefix and these commands, some of which run in scripts:
//
//	ACL SETUSER shop on >secret ~coatcheck:* +get +getex +set +del +eval +evalsha +getrange +setrange
//	  +pexpire +pexpireat +time +zadd +zrange +zremrangebyscore +scan +info
//
// SCAN and INFO are for Store.Walk alone. A cluster's client asks for more, CLUSTER SLOTS first of all, and a walk there
// for CLUSTER NODES.
//
// Redis replicates and saves asynchronously, so a failover or crash can lose the writes of its last moments: a change
// that was reported as saved, a new session, or an end, in which case the session is back. In a cluster it can be an
// entry of a list: that session then works and cannot be listed or revoked until a touch lists it again, an hour of use
// at most. WAIT and appendfsync always make that rarer; they are the server's and the client's business.
//
// Sessions are read from masters, also with a client that reads from replicas (ReadOnly, RouteByLatency) or keeps a
// client-side cache: either may be behind, and would show an ended session or not yet know a new one. A redis.Ring
// hands a shard's keys to others while it is down and takes them back as they were, ended sessions included; where
// that matters use Sentinel or Cluster.
//
// # Walking
//
// A walk goes through the keys of one server after the other, those of a cluster's masters, with SCAN. It reads keys
// that are a prefix and an id, so it sees no lists, nor what is under a longer prefix. A server that shares its keys
// with other programs is searched whole, so that pages can be short, or empty.
//
// A record can be on two pages when a server's table shrinks meanwhile. A server that has been replaced or restarted
// has its keys in another order: the walk goes through it anew. When slots have moved, or masters are others, the walk
// begins anew by itself, and while slots are moving it is an error. So nothing is missed, and what comes again is more
// than one page. In a ring records of a shard that is down are missing.
//
// # Time limits
//
// Every call returns when its context ends, whatever the client makes of contexts. What was sent by then may still
// happen. Set ContextTimeoutEnabled in the client's options, so that it gives up at the deadline too: otherwise each
// call takes a goroutine, and those that nobody waits for any more occupy connections until ReadTimeout.
//
// # Pipelining
//
// With very many requests at a time give NewPipelined what the client's AsyncAutoPipeline returns, which recent
// versions of go-redis have: commands of several requests then share a round trip. New takes such a client too, and
// spends a goroutine on each call. What such a client stands on it does not say, so that sessions are read with GETEX,
// as a cache or replica may be in between; Redis refuses GETEX while it refuses writes, for want of replicas or of a
// disk.
package redisstore

import (
	"context"
	"encoding/base64"
	"errors"
	"reflect"
	"time"

	"github.com/redis/go-redis/v9"

	session "github.com/coatcheck/coatcheck/core"
)

const defaultPrefix = "coatcheck:"

// Store is a session.Store in Redis, with session.Toucher, session.Indexer and session.Walker. There is nothing to
// sweep. It is safe for concurrent use. Errors that the contract does not name are the client's, with the operation's name and never a
// value. Use New.
type Store struct {
	client redis.UniversalClient
	prefix string
	read   string // the command that reads a record

	heedsDeadlines bool // the client does

	submit func(context.Context, redis.Cmder) error // carries single commands, if the client is one that pipelines
}

var (
	_ session.Store   = (*Store)(nil)
	_ session.Toucher = (*Store)(nil)
	_ session.Indexer = (*Store)(nil)
	_ session.Walker  = (*Store)(nil)
)

// New returns a store whose keys begin with "coatcheck:". It sends nothing, so it does not find out whether the server
// can be reached. The client must not be nil, and stays the caller's to configure and close.
func New(client redis.UniversalClient) *Store {
	return &Store{
		client: client, prefix: defaultPrefix, read: readCommand(client), heedsDeadlines: heedsDeadlines(client),
	}
}

// WithPrefix returns a store on the same client whose keys begin with prefix, for a Redis that is shared. Stores with
// different prefixes know nothing of each other's sessions, as long as no prefix begins with another.
func (s *Store) WithPrefix(prefix string) *Store {
	other := *s
	other.prefix = prefix
	return &other
}

// readCommand is GET, or GETEX where GET might be answered by a cache or a replica. Without options it reads all the
// same, but counts as a write, which neither of them may answer. A server that refuses writes for a while refuses
// GETEX too, hence not always.
func readCommand(client redis.UniversalClient) string {
	switch c := client.(type) {
	case *redis.Client:
		if !keepsCopies(c.Options()) {
			return "get"
		}
	case *redis.ClusterClient:
		if !c.Options().ReadOnly {
			return "get"
		}
	case *redis.Ring:
		return "get"
	}
	return "getex"
}

// keepsCopies reports whether a client has a cache of its own. The options of older versions of go-redis have no such
// fields, so the compiler cannot look for them.
func keepsCopies(o *redis.Options) bool {
	options := reflect.ValueOf(o).Elem()
	for _, name := range []string{"ClientSideCacheConfig", "ClientSideCache"} {
		if f := options.FieldByName(name); f.IsValid() && !f.IsZero() {
			return true
		}
	}
	return false
}

func (s *Store) key(id session.RecordID) string {
	return s.prefix + base64.RawURLEncoding.EncodeToString(id[:])
}

// Load returns the record, or session.ErrNotFound. Its Subject and Handle are left empty.
func (s *Store) Load(ctx context.Context, id session.RecordID) (session.Record, error) {
	cmd := redis.NewStringCmd(ctx, s.read, s.key(id))
	err := s.do(ctx, cmd)
	if errors.Is(err, redis.Nil) {
		return session.Record{}, session.ErrNotFound
	}
	if err != nil {
		return session.Record{}, s.failed("load", err)
	}
	b, _ := cmd.Bytes() // its error was seen above
	v, err := parse(b)
	if err != nil {
		return session.Record{}, s.failed("load", err)
	}
	return v.record(id), nil
}

// Create stores a new record, or returns session.ErrExists.
func (s *Store) Create(ctx context.Context, r session.Record) error {
	var indexed time.Time
	if r.Subject != "" {
		var err error
		if indexed, err = s.index(ctx, r.ID, ownerOf(r.Subject), r.Seen, r.Expires); err != nil {
			return s.failed("create", err)
		}
	}
	err := s.do(ctx, redis.NewStatusCmd(ctx, "set", s.key(r.ID), []byte(newValue(r, indexed)), "nx", "px",
		ttl(r.Seen, r.Expires, margin)))
	if errors.Is(err, redis.Nil) {
		return session.ErrExists
	}
	return s.failed("create", err)
}

// Update replaces a record of the same version, or returns session.ErrConflict or session.ErrNotFound.
func (s *Store) Update(ctx context.Context, r session.Record) error {
	answer, err := s.replace(ctx, r, time.Time{})
	if err == nil && answer == "unindexed" {
		var indexed time.Time
		if indexed, err = s.index(ctx, r.ID, ownerOf(r.Subject), r.Seen, r.Expires); err == nil {
			answer, err = s.replace(ctx, r, indexed)
		}
	}
	return s.outcome("update", answer, err)
}

func (s *Store) replace(ctx context.Context, r session.Record, indexed time.Time) (answer string, err error) {
	old := newValue(r, indexed).versionBytes()
	r.Version++
	return s.run(ctx, updateScript, s.key(r.ID), []byte(newValue(r, indexed)), old, ttl(r.Seen, r.Expires, margin))
}

// Delete removes a record. It is no error if there is none.
func (s *Store) Delete(ctx context.Context, id session.RecordID) error {
	return s.failed("delete", s.do(ctx, redis.NewIntCmd(ctx, "del", s.key(id))))
}

// Touch extends a record in place, or returns session.ErrNotFound.
func (s *Store) Touch(ctx context.Context, id session.RecordID, seen, expires time.Time) error {
	owner, indexed := "", time.Time{}
	for {
		answer, err := s.run(ctx, touchScript, s.key(id),
			seen.UnixMilli(), expires.UnixMilli(), ttl(seen, expires, margin), owner, indexed.UnixMilli())
		if err != nil || len(answer) != ownerSize {
			return s.outcome("touch", answer, err)
		}
		owner = answer
		if indexed, err = s.index(ctx, id, owner, seen, expires); err != nil {
			return s.failed("touch", err)
		}
	}
}

func (s *Store) outcome(operation, answer string, err error) error {
	switch {
	case err != nil:
		return s.failed(operation, err)
	case answer == "done":
		return nil
	case answer == "absent":
		return session.ErrNotFound
	case answer == "conflict":
		return session.ErrConflict
	}
	return s.failed(operation, errUnreadable)
}
