package redisstore

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	session "github.com/coatcheck/coatcheck/core"
)

var (
	errHidden = fmt.Errorf("this client does not show the servers of its cluster: walk with a store on the cluster's "+
		"client itself: %w", errors.ErrUnsupported)
	errMoving = errors.New("the cluster is moving slots from one server to another, so a record could be missed: " +
		"go on with the same cursor when it has done so")
)

// Walk returns a page of records, in no particular order, of about limit. It takes two round trips: one that asks a
// server for keys and whether it still is who it was, and one that reads the records. See the package comment for what
// a walk does when servers change. Subject and Handle are left empty.
func (s *Store) Walk(ctx context.Context, cursor string, limit int) ([]session.Record, string, error) {
	at, err := parsePlace(cursor)
	if err != nil {
		return nil, "", fmt.Errorf("redisstore: walk: %w", err)
	}
	found, err := await(ctx, s, func() (step, error) { return s.step(ctx, at, limit) })
	if err != nil {
		return nil, "", s.failed("walk", err)
	}
	records, err := s.LoadAll(ctx, found.ids)
	if err != nil {
		return records, "", err
	}
	return records, found.next, nil
}

// step is what one page has, and the cursor of the next.
type step struct {
	ids  []session.RecordID
	next string
}

func (s *Store) step(ctx context.Context, at place, limit int) (step, error) {
	servers, err := s.servers(ctx)
	if err != nil {
		return step{}, err
	}
	at, found, err := s.follow(ctx, servers, at, limit)
	switch {
	case err != nil:
		return step{}, err
	case found.moving:
		return step{}, errMoving
	}
	next := place{at.server, found.layout, found.process, found.next}
	if found.next == 0 {
		next = place{at.server + 1, found.layout, "", 0}
	}
	if next.server == len(servers) {
		return step{s.ids(found.keys), ""}, nil
	}
	return step{s.ids(found.keys), next.String()}, nil
}

// follow looks at a place. When keys may have moved between servers since the place was noted, that is the walk's
// beginning. When the server is another process than it was, which has its keys in another order, it is the beginning
// of that server.
func (s *Store) follow(ctx context.Context, servers []server, at place, limit int) (place, scanned, error) {
	found, err := s.scan(ctx, servers, at, limit)
	switch {
	case err != nil:
		return at, found, err
	case at != place{} && found.layout != at.layout:
		at = place{}
	case at.server >= len(servers):
		return at, found, errForeign
	case at.scan != 0 && found.process != at.process:
		at.scan = 0
	default:
		return at, found, nil
	}
	found, err = s.scan(ctx, servers, at, limit)
	return at, found, err
}

// scanned is a server's answer.
type scanned struct {
	keys    []string
	next    uint64
	process string // which run of the server's program it is
	layout  string // which servers there are, and what is where
	moving  bool   // slots are on their way to another server
}

func (s *Store) scan(ctx context.Context, servers []server, at place, limit int) (scanned, error) {
	on := servers[min(at.server, len(servers)-1)]
	p := on.client.Pipeline()
	info, nodes := p.Info(ctx, "server"), redis.NewStringCmd(ctx, "cluster", "nodes")
	if on.listed {
		_ = p.Process(ctx, nodes) // only queues it; fails where there is no cluster
	}
	scan := p.ScanType(ctx, at.scan, s.pattern(), int64(limit), "string")
	_, err := p.Exec(ctx) // each command holds its own error, but for the context's end
	if err = errors.Join(info.Err(), scan.Err(), ctx.Err()); err != nil {
		return scanned{}, err
	}
	found := scanned{process: short(field(info.Val(), "run_id"))}
	found.keys, found.next = scan.Val()
	slots := ""
	if field(info.Val(), "redis_mode") == "cluster" {
		if !on.listed {
			return scanned{}, errHidden
		}
		if nodes.Err() != nil {
			return scanned{}, nodes.Err()
		}
		slots, found.moving = layoutOf(nodes.Val())
	}
	found.layout = short(addresses(servers) + slots)
	return found, nil
}

// field reads a line of what INFO answers.
func field(info, name string) string {
	for line := range strings.Lines(info) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), name+":"); ok {
			return value
		}
	}
	return ""
}

// idLength is that of an id in a key.
var idLength = base64.RawURLEncoding.EncodedLen(len(session.RecordID{}))

var literally = strings.NewReplacer(`*`, `\*`, `?`, `\?`, `[`, `\[`, `\`, `\\`)

// pattern is of the prefix and an id's length, which the keys of lists and of longer prefixes have not.
func (s *Store) pattern() string { return literally.Replace(s.prefix) + strings.Repeat("?", idLength) }

// ids are those of the keys that are records', once each.
func (s *Store) ids(keys []string) (ids []session.RecordID) {
	for _, key := range keys {
		text, ok := strings.CutPrefix(key, s.prefix)
		id, err := base64.RawURLEncoding.Strict().DecodeString(text)
		if ok && err == nil && len(id) == len(session.RecordID{}) {
			ids = append(ids, session.RecordID(id))
		}
	}
	slices.SortFunc(ids, func(a, b session.RecordID) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(ids)
}
