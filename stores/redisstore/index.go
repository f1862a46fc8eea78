package redisstore

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	session "github.com/coatcheck/coatcheck/core"
)

const (
	// indexSlack is how much further than its session an entry reaches, so that a touch seldom has to extend it.
	indexSlack = time.Hour
	// maxPage is how many records LoadAll asks for at once.
	maxPage = 500
)

func (s *Store) indexKey(owner string) string {
	return s.prefix + "subject:" + base64.RawURLEncoding.EncodeToString([]byte(owner))
}

// index lists a record under its owner and returns until when, on the application's clock, a record may rely on it.
// The entry stays for longer: the write that relies on it comes later, and its time is counted from then.
func (s *Store) index(
	ctx context.Context, id session.RecordID, owner string, seen, expires time.Time,
) (time.Time, error) {
	_, err := s.run(ctx, indexScript, s.indexKey(owner), id[:], ttl(seen, expires, 2*indexSlack+margin))
	return expires.Add(indexSlack), err
}

// Find returns the ids of a subject's list, which Redis reads at one moment, in one round trip. Entries of sessions
// that have ended or moved count until they would have expired.
func (s *Store) Find(ctx context.Context, subject string) ([]session.RecordID, error) {
	if subject == "" {
		return nil, ctx.Err()
	}
	members, err := await(ctx, s, func() ([]string, error) {
		return listScript.Run(ctx, s.client, []string{s.indexKey(ownerOf(subject))}).StringSlice()
	})
	if err != nil {
		return nil, s.failed("find", err)
	}
	ids := make([]session.RecordID, 0, len(members))
	for _, m := range members {
		if len(m) == len(session.RecordID{}) { // anything else is not an entry of this package's
			ids = append(ids, session.RecordID([]byte(m)))
		}
	}
	return ids, nil
}

// LoadAll returns those of the records that are there. It takes one round trip for every 500. In a cluster the records
// come from several servers.
func (s *Store) LoadAll(ctx context.Context, ids []session.RecordID) (records []session.Record, err error) {
	for page := range slices.Chunk(ids, maxPage) {
		loaded, err := s.loadPage(ctx, page)
		records = append(records, loaded...)
		if err != nil {
			return records, s.failed("load all", err)
		}
	}
	return records, nil
}

// loadPage returns what it could read also when one of the records is an error.
func (s *Store) loadPage(ctx context.Context, ids []session.RecordID) (records []session.Record, failed error) {
	cmds, err := await(ctx, s, func() ([]*redis.StringCmd, error) {
		cmds, p := make([]*redis.StringCmd, len(ids)), s.client.Pipeline()
		for i, id := range ids {
			cmds[i] = redis.NewStringCmd(ctx, s.read, s.key(id))
			_ = p.Process(ctx, cmds[i]) // only queues it
		}
		_, err := p.Exec(ctx) // each command holds its own error, but for the context's end
		if ctx.Err() != nil {
			return nil, err
		}
		return cmds, nil
	})
	if err != nil {
		return nil, err
	}
	for i, cmd := range cmds {
		switch r, err := recordOf(ids[i], cmd); {
		case err == nil:
			records = append(records, r)
		case !errors.Is(err, session.ErrNotFound) && failed == nil:
			failed = err
		}
	}
	return records, failed
}

// recordOf reads the answer to the command that reads a record.
func recordOf(id session.RecordID, cmd *redis.StringCmd) (session.Record, error) {
	b, err := cmd.Bytes()
	if errors.Is(err, redis.Nil) {
		return session.Record{}, session.ErrNotFound
	}
	if err != nil {
		return session.Record{}, err
	}
	v, err := parse(b)
	if err != nil {
		return session.Record{}, err
	}
	return v.record(id), nil
}
