package tieredstore

import (
	"encoding/binary"
	"errors"
	"strings"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

const (
	magic     = "copy"
	format    = 1
	versionAt = 5
	seenAt    = 13
	expiresAt = 21
	dataAt    = 29
)

var errForeign = errors.New("the fast store holds a record that is no copy: give it a prefix or a server of its own")

// copied is a record as the fast store keeps it; the package comment describes it.
type copied session.Record

func newCopy(r session.Record, asked time.Time, maxStale time.Duration) copied {
	data := make([]byte, 0, dataAt+len(r.Data))
	data = append(append(data, magic...), format)
	data = binary.BigEndian.AppendUint64(data, r.Version)
	data = binary.BigEndian.AppendUint64(data, uint64(r.Seen.UnixMilli()))
	data = binary.BigEndian.AppendUint64(data, uint64(r.Expires.UnixMilli()))
	return copied{ID: r.ID, Version: 1, Data: append(data, r.Data...), Seen: asked, Expires: asked.Add(maxStale)}
}

// check tells copies from what is not to be touched.
func (c copied) check() error {
	if !strings.HasPrefix(string(c.Data[:min(len(c.Data), len(magic))]), magic) {
		return errForeign
	}
	return nil
}

// readable reports whether this version of the package has made the copy. Any other one's is replaced.
func (c copied) readable() bool { return len(c.Data) >= dataAt && c.Data[len(magic)] == format }

func (c copied) asked() time.Time   { return c.Seen }
func (c copied) expires() time.Time { return c.timeAt(expiresAt) }

// version is the record's, or 0, which no record has, for a copy that cannot be read.
func (c copied) version() uint64 {
	if !c.readable() {
		return 0
	}
	return binary.BigEndian.Uint64(c.Data[versionAt:])
}

func (c copied) timeAt(at int) time.Time {
	if !c.readable() {
		return time.Time{}
	}
	return time.UnixMilli(int64(binary.BigEndian.Uint64(c.Data[at:])))
}

func (c copied) record() session.Record {
	return session.Record{
		ID: c.ID, Version: c.version(), Data: c.Data[dataAt:len(c.Data):len(c.Data)],
		Seen: c.timeAt(seenAt), Expires: c.timeAt(expiresAt), Cached: true,
	}
}

// extended is the copy after a touch.
func (c copied) extended(seen, expires time.Time) copied {
	r := c.record()
	r.Seen, r.Expires = later(r.Seen, seen), later(r.Expires, expires)
	return newCopy(r, c.Seen, c.Expires.Sub(c.Seen))
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
