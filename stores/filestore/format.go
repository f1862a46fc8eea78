package filestore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// file is the content of a record's file, as the package comment describes it. Only parse and newFile make one.
type file []byte

const (
	magic  = "coatchk"
	format = 1

	formatAt   = 7
	timesAt    = 8
	timesSumAt = 24
	bodySumAt  = 28
	bodyAt     = 32
	idAt       = 40
	lengthsAt  = 72
	subjectAt  = 80
)

var (
	errDamaged = errors.New("the file is damaged; removing it ends the session that it held")
	errNewer   = errors.New("the file was written by a newer version of filestore; read it with that version")
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

func newFile(r session.Record) (file, error) {
	if uint64(len(r.Subject)) > math.MaxUint32 || uint64(len(r.Data)) > math.MaxUint32 {
		return nil, session.ErrTooLarge
	}
	f := make(file, bodyAt, subjectAt+len(r.Subject)+len(r.Data))
	copy(f, magic)
	f[formatAt] = format
	f.setTimes(r.Seen, r.Expires)
	f = binary.BigEndian.AppendUint64(f, r.Version)
	f = append(f, r.ID[:]...)
	f = binary.BigEndian.AppendUint32(f, uint32(len(r.Subject)))
	f = binary.BigEndian.AppendUint32(f, uint32(len(r.Data)))
	f = append(append(f, r.Subject...), r.Data...)
	binary.BigEndian.PutUint32(f[bodySumAt:], checksum(f[bodyAt:]))
	return f, nil
}

// parse checks what was read from the file of that name.
func parse(b []byte, n name) (file, error) {
	f := file(b)
	switch {
	case bytes.HasPrefix(b, []byte(magic)) && len(b) > formatAt && f[formatAt] > format:
		return nil, fmt.Errorf("sessions/%s: %w", n.path(), errNewer)
	case !f.intact() || nameOf(f.id()) != n:
		return nil, fmt.Errorf("sessions/%s: %w", n.path(), errDamaged)
	}
	return f, nil
}

func (f file) intact() bool {
	return len(f) >= subjectAt && string(f[:formatAt]) == magic && f[formatAt] == format &&
		checksum(f[timesAt:timesSumAt]) == binary.BigEndian.Uint32(f[timesSumAt:]) &&
		checksum(f[bodyAt:]) == binary.BigEndian.Uint32(f[bodySumAt:]) &&
		uint64(len(f)) == subjectAt+uint64(f.length(0))+uint64(f.length(4))
}

func (f file) version() uint64      { return binary.BigEndian.Uint64(f[bodyAt:]) }
func (f file) id() []byte           { return f[idAt:lengthsAt] }
func (f file) length(at int) uint32 { return binary.BigEndian.Uint32(f[lengthsAt+at:]) }
func (f file) subject() string      { return string(f[subjectAt:f.dataAt()]) }
func (f file) dataAt() int          { return subjectAt + int(f.length(0)) }
func (f file) seen() time.Time      { return f.timeAt(timesAt) }
func (f file) expires() time.Time   { return f.timeAt(timesAt + 8) }

// times is the part of the file that a touch writes. It lies within the first 512 bytes, which disks write whole.
func (f file) times() []byte { return f[timesAt:bodySumAt] }

func (f file) timeAt(i int) time.Time { return time.UnixMilli(int64(binary.BigEndian.Uint64(f[i:]))) }

func (f file) setTimes(seen, expires time.Time) {
	binary.BigEndian.PutUint64(f[timesAt:], uint64(seen.UnixMilli()))
	binary.BigEndian.PutUint64(f[timesAt+8:], uint64(expires.UnixMilli()))
	binary.BigEndian.PutUint32(f[timesSumAt:], checksum(f[timesAt:timesSumAt]))
}

// touch moves the times forward, never back, and reports whether it moved one.
func (f file) touch(seen, expires time.Time) bool {
	before := [2]time.Time{f.seen(), f.expires()}
	after := [2]time.Time{later(before[0], seen), later(before[1], expires)}
	f.setTimes(after[0], after[1])
	return f.seen() != before[0] || f.expires() != before[1]
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func (f file) record() session.Record {
	return session.Record{
		ID: session.RecordID(f.id()), Version: f.version(), Data: f[f.dataAt():len(f):len(f)],
		Seen: f.seen(), Expires: f.expires(), Subject: f.subject(),
	}
}

// mtime is the modification time that stands for an expiry. File systems and the calls to them have a shorter range
// than records; what lies beyond is looked at too early at worst.
func (f file) mtime() time.Time {
	const year2200 = 7_258_118_400_000
	return time.UnixMilli(min(max(f.expires().UnixMilli(), 0), year2200))
}
