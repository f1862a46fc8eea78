package redisstore

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// errForeign does not repeat the cursor, which may be anybody's text.
var errForeign = errors.New("the cursor is none that this store has made: begin the walk anew, without one")

// place is where a walk is: at a server, the one of that number, and there at a place of SCAN's. It holds for servers
// that are as they were.
type place struct {
	server  int
	layout  string
	process string // "" at a server's beginning
	scan    uint64
}

var goodPlace = regexp.MustCompile(`^redis-(0|[1-9][0-9]{0,4})-([0-9a-f]{16})-([0-9a-f]{16})?-(0|[1-9][0-9]{0,19})$`)

func (p place) String() string {
	return fmt.Sprintf("redis-%d-%s-%s-%d", p.server, p.layout, p.process, p.scan)
}

func parsePlace(cursor string) (place, error) {
	if cursor == "" {
		return place{}, nil
	}
	parts := goodPlace.FindStringSubmatch(cursor[:min(len(cursor), 100)])
	if parts == nil {
		return place{}, errForeign
	}
	server, _ := strconv.Atoi(parts[1]) // five digits
	scan, err := strconv.ParseUint(parts[4], 10, 64)
	if err != nil || (scan == 0) != (parts[3] == "") {
		return place{}, errForeign
	}
	return place{server, parts[2], parts[3], scan}, nil
}

// short stands for a text in cursors.
func short(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}

// server is one of those that the records are spread over.
type server struct {
	addr   string // "" if it is the only one
	listed bool   // as a master of what may be a cluster
	client interface{ Pipeline() redis.Pipeliner }
}

// servers returns them in an order of their own: a cluster's masters as they are at the moment, a ring's shards, or the
// only one.
func (s *Store) servers(ctx context.Context) (servers []server, err error) {
	var mu sync.Mutex
	add := func(listed bool) func(context.Context, *redis.Client) error {
		return func(_ context.Context, c *redis.Client) error {
			mu.Lock()
			defer mu.Unlock()
			servers = append(servers, server{c.Options().Addr, listed, c})
			return nil
		}
	}
	type each = func(context.Context, *redis.Client) error
	switch c := s.client.(type) {
	case interface {
		ForEachMaster(ctx context.Context, f each) error
	}:
		err = c.ForEachMaster(ctx, add(true))
	case interface {
		ForEachShard(ctx context.Context, f each) error
	}:
		err = c.ForEachShard(ctx, add(false))
	default:
		return []server{{"", false, s.client}}, nil
	}
	if err == nil && len(servers) == 0 {
		err = errors.New("none of the servers can be reached")
	}
	slices.SortFunc(servers, func(a, b server) int { return cmp.Compare(a.addr, b.addr) })
	return servers, err
}

func addresses(servers []server) (all string) {
	for _, s := range servers {
		all += s.addr + "\n"
	}
	return all
}

// layoutOf reads what CLUSTER NODES answers: which slots are where, and whether some are on their way from the server
// that was asked to another. That one may have been walked already.
func layoutOf(nodes string) (layout string, moving bool) {
	const slotsAt = 8
	var parts []string
	for line := range strings.Lines(nodes) {
		fields := strings.Fields(line)
		for _, slots := range fields[min(slotsAt, len(fields)):] {
			if strings.HasPrefix(slots, "[") {
				moving = moving || strings.Contains(slots, "->-")
				continue
			}
			parts = append(parts, fields[0]+" "+slots+"\n")
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, ""), moving
}
