package memcachestore

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

const (
	maxKey       = 250 // Memcached's
	itemOverhead = 80  // what Memcached adds to key and value, and a little room
)

func (s *Store) key(id session.RecordID) string {
	return s.prefix + base64.RawURLEncoding.EncodeToString(id[:])
}

func checkPrefix(prefix string) error {
	if most := maxKey - base64.RawURLEncoding.EncodedLen(len(session.RecordID{})); len(prefix) > most {
		return fmt.Errorf("has %d bytes: %d is the most there is room for in a key", len(prefix), most)
	}
	if strings.ContainsFunc(prefix, func(c rune) bool { return c <= ' ' || c == 0x7f }) {
		return fmt.Errorf("%q has a space or a control character: Memcached takes neither in a key", prefix)
	}
	return nil
}

// value is one record as the package comment describes it.
type value []byte

const (
	format    = 1
	versionAt = 1
	seenAt    = 9
	expiresAt = 17
	dataAt    = 25
)

func newValue(r session.Record) value {
	v := make(value, 0, dataAt+len(r.Data))
	v = append(v, format)
	v = binary.BigEndian.AppendUint64(v, r.Version)
	v = binary.BigEndian.AppendUint64(v, uint64(r.Seen.UnixMilli()))
	v = binary.BigEndian.AppendUint64(v, uint64(r.Expires.UnixMilli()))
	return append(v, r.Data...)
}

func (v value) check() error {
	if len(v) < dataAt || v[0] != format {
		return errors.New("the item is not one that this version has written: use a prefix that nothing else uses, and after an update go back to the newer version")
	}
	return nil
}

func (v value) version() uint64     { return binary.BigEndian.Uint64(v[versionAt:]) }
func (v value) millis(at int) int64 { return int64(binary.BigEndian.Uint64(v[at:])) }

func (v value) record(id session.RecordID) session.Record {
	return session.Record{
		ID: id, Version: v.version(), Data: v[dataAt:len(v):len(v)],
		Seen: time.UnixMilli(v.millis(seenAt)), Expires: time.UnixMilli(v.millis(expiresAt)),
	}
}

// extend moves the times forward, never back, and reports whether any has moved.
func (v value) extend(seen, expires time.Time) (moved bool) {
	moved = v.advance(seenAt, seen)
	return v.advance(expiresAt, expires) || moved
}

func (v value) advance(at int, to time.Time) bool {
	if to.UnixMilli() <= v.millis(at) {
		return false
	}
	binary.BigEndian.PutUint64(v[at:], uint64(to.UnixMilli()))
	return true
}

const (
	margin      = 360               // seconds: the five minutes that a store owes the core, one for the server's coarse clock and the way there
	maxRelative = 30 * 24 * 60 * 60 // what is more, Memcached takes for a time since 1970
)

// expiration is when the server is to forget the item, in Memcached's terms.
func (v value) expiration() int32 {
	seen, expires := v.millis(seenAt), v.millis(expiresAt)
	lifetime := max(expires-seen+999, 0)/1000 + margin // one that has expired stays for the margin
	if lifetime <= maxRelative {
		return int32(lifetime)
	}
	if math.MaxInt32 <= seen/1000+maxRelative { // absolute times have run out
		return maxRelative
	}
	return int32(min((expires+999)/1000+margin, math.MaxInt32))
}
