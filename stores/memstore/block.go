package memstore

import (
	"encoding/binary"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// block is one record as the package comment describes it. Keeping it in one piece is what keeps a session small:
// the same fields in a struct take 100 bytes more.
type block []byte

const (
	versionAt = 0
	seenAt    = 8
	expiresAt = 16
	subjectAt = 28
)

func newBlock(r session.Record) block {
	b := make(block, 0, subjectAt+len(r.Subject)+len(r.Data))
	b = binary.BigEndian.AppendUint64(b, r.Version)
	b = binary.BigEndian.AppendUint64(b, uint64(r.Seen.UnixMilli()))
	b = binary.BigEndian.AppendUint64(b, uint64(r.Expires.UnixMilli()))
	b = binary.BigEndian.AppendUint32(b, uint32(len(r.Subject)))
	return append(append(b, r.Subject...), r.Data...)
}

func (b block) version() uint64    { return binary.BigEndian.Uint64(b[versionAt:]) }
func (b block) seen() time.Time    { return b.timeAt(seenAt) }
func (b block) expires() time.Time { return b.timeAt(expiresAt) }
func (b block) subject() string    { return string(b[subjectAt:b.dataAt()]) }
func (b block) dataAt() int        { return subjectAt + int(binary.BigEndian.Uint32(b[subjectAt-4:])) }

func (b block) timeAt(i int) time.Time { return time.UnixMilli(int64(binary.BigEndian.Uint64(b[i:]))) }

func (b block) record(id session.RecordID) session.Record {
	return session.Record{ID: id, Version: b.version(), Data: b[b.dataAt():len(b):len(b)], Seen: b.seen(), Expires: b.expires()}
}

// touch moves the times forward, never back.
func (b block) touch(seen, expires time.Time) {
	if seen.After(b.seen()) {
		binary.BigEndian.PutUint64(b[seenAt:], uint64(seen.UnixMilli()))
	}
	if expires.After(b.expires()) {
		binary.BigEndian.PutUint64(b[expiresAt:], uint64(expires.UnixMilli()))
	}
}
