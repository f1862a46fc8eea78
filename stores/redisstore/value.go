package redisstore

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

const (
	format    = 1
	versionAt = 2
	seenAt    = 10
	expiresAt = 18
	ownerAt   = 34
	ownerSize = sha256.Size
)

// margin is how long a record outlives its end: the five minutes that a store owes the core, and another because
// servers that take over from each other do not have the same time.
const margin = 6 * time.Minute

var errUnreadable = errors.New("the record is not in a format that this version reads; was it written by a newer one, or does another program use the prefix?")

// value is one record as the package comment describes it.
type value []byte

func newValue(r session.Record, indexed time.Time) value {
	owner := ownerOf(r.Subject)
	v := make(value, 0, ownerAt+len(owner)+len(r.Data))
	v = append(v, format, byte(len(owner)))
	v = binary.BigEndian.AppendUint64(v, r.Version)
	for _, t := range [...]time.Time{r.Seen, r.Expires, indexed} {
		v = binary.BigEndian.AppendUint64(v, uint64(t.UnixMilli()))
	}
	return append(append(v, owner...), r.Data...)
}

// parse checks what was read.
func parse(b []byte) (value, error) {
	if len(b) < ownerAt || b[0] != format || b[1] != 0 && b[1] != ownerSize || len(b) < ownerAt+int(b[1]) {
		return nil, errUnreadable
	}
	return b, nil
}

func (v value) versionBytes() []byte { return v[versionAt:seenAt] }
func (v value) dataAt() int          { return ownerAt + int(v[1]) }

func (v value) timeAt(i int) time.Time { return time.UnixMilli(int64(binary.BigEndian.Uint64(v[i:]))) }

func (v value) record(id session.RecordID) session.Record {
	return session.Record{
		ID: id, Version: binary.BigEndian.Uint64(v.versionBytes()), Data: v[v.dataAt():len(v):len(v)],
		Seen: v.timeAt(seenAt), Expires: v.timeAt(expiresAt),
	}
}

// ownerOf stands for a subject in keys and records: of one length, and no name that shows up in a server's logs.
func ownerOf(subject string) string {
	if subject == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(subject))
	return string(sum[:])
}

// ttl is how many milliseconds to keep what ends at expires, and how much longer.
func ttl(seen, expires time.Time, longer time.Duration) int64 {
	return max(0, expires.UnixMilli()-seen.UnixMilli()) + longer.Milliseconds()
}
