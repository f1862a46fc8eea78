package redisstore

import (
	"context"
	"encoding/base64"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	session "github.com/coatcheck/coatcheck/core"
)

const (
	// indexSlack is how much further than its session an entry reaches, so that a touch seldom has to extend it.
	indexSlack = time.Hour
	// listBatch is how many records List asks for at once.
	listBatch = 500
)

func (s *Store) indexKey(owner string) string {
	return s.prefix + "subject:" + base64.RawURLEncoding.EncodeToString([]byte(owner))
}

// index lists a record under its owner and returns until when, on the application's clock, a record may rely on it.
// The entry stays for longer: the write that relies on it comes later, and its time is counted from then.
func (s *Store) index(ctx context.Context, id session.RecordID, owner string, seen, expires time.Time) (time.Time, error) {
	_, err := s.run(ctx, indexScript, s.indexKey(owner), id[:], ttl(seen, expires, 2*indexSlack+margin))
	return expires.Add(indexSlack), err
}

// List returns the records of a subject. It takes two round trips, and another for every further 500 entries; entries of
// sessions that have ended count until they would have expired. In a cluster the records come from several servers.
func (s *Store) List(ctx context.Context, subject string) ([]session.Record, error) {
	if subject == "" {
		return nil, ctx.Err()
	}
	owner := ownerOf(subject)
	ids, err := await(ctx, s, func() ([]string, error) {
		return listScript.Run(ctx, s.client, []string{s.indexKey(owner)}).StringSlice()
	})
	if err != nil {
		return nil, s.failed("list", err)
	}
	var records []session.Record
	for len(ids) > 0 {
		n := min(len(ids), listBatch)
		owned, err := s.loadOwned(ctx, ids[:n], owner)
		if err != nil {
			return nil, s.failed("list", err)
		}
		records, ids = append(records, owned...), ids[n:]
	}
	for i := range records {
		records[i].Subject = subject
	}
	return records, nil
}

// loadOwned returns those of the records that are there and have this owner.
func (s *Store) loadOwned(ctx context.Context, ids []string, owner string) (records []session.Record, _ error) {
	cmds, err := await(ctx, s, func() ([]*redis.StringCmd, error) {
		cmds, p := make([]*redis.StringCmd, len(ids)), s.client.Pipeline()
		for i, id := range ids {
			cmds[i] = redis.NewStringCmd(ctx, s.read, s.key(session.RecordID([]byte(id))))
			_ = p.Process(ctx, cmds[i]) // only queues it
		}
		_, _ = p.Exec(ctx) // each command holds its own error
		return cmds, nil
	})
	if err != nil {
		return nil, err
	}
	for i, cmd := range cmds {
		b, err := cmd.Bytes()
		if errors.Is(err, redis.Nil) {
			continue
		}
		if err != nil {
			return nil, err
		}
		v, err := parse(b)
		if err != nil {
			return nil, err
		}
		if v.owner() == owner {
			records = append(records, v.record(session.RecordID([]byte(ids[i]))))
		}
	}
	return records, nil
}
