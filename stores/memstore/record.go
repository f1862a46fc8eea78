package memstore

import (
	"slices"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// record is what is kept of one session. The data is the caller's own, immutable once handed over, so that to keep it
// and to hand it out costs nothing.
type record struct {
	version       uint64
	seen, expires int64 // milliseconds since 1970
	subject       string
	place         int // in its subject's list, whose lock guards it
	data          []byte
}

// set takes over everything but the version.
func (kept *record) set(r session.Record) {
	kept.seen, kept.expires = r.Seen.UnixMilli(), r.Expires.UnixMilli()
	kept.subject, kept.data = r.Subject, slices.Clip(r.Data)
}

// touch moves the times forward, never back.
func (kept *record) touch(seen, expires time.Time) {
	kept.seen, kept.expires = max(kept.seen, seen.UnixMilli()), max(kept.expires, expires.UnixMilli())
}

func (kept *record) record(id session.RecordID) session.Record {
	return session.Record{
		ID: id, Version: kept.version, Data: kept.data,
		Seen: time.UnixMilli(kept.seen), Expires: time.UnixMilli(kept.expires),
	}
}
