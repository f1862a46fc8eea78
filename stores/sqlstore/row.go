package sqlstore

import (
	"fmt"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// sweepUnit is the precision of the indexed time, in milliseconds. A finer one makes more touches write to the index;
// a coarser one makes each sweep read more rows whose time has not come.
const sweepUnit = 10 * 60 * 1000

// bucket is the coarse time of a row. It never falls when the exact time rises, so what has expired is found below
// the bucket of now.
func bucket(t time.Time) int64 { return t.UnixMilli() / sweepUnit }

// fits refuses what MySQL would cut short when it is not strict, in every dialect alike.
func fits(r session.Record) error {
	if len(r.Data) > maxData {
		return fmt.Errorf("sqlstore: %d bytes of data, and the column takes %d: %w", len(r.Data), maxData,
			session.ErrTooLarge)
	}
	if len(r.Subject) > maxSubject {
		return fmt.Errorf("sqlstore: a subject of %d bytes, and the column takes %d: %w", len(r.Subject), maxSubject,
			session.ErrTooLarge)
	}
	return nil
}

// dataOf is never nil, which a driver would take for NULL.
func dataOf(r session.Record) []byte {
	if r.Data == nil {
		return []byte{}
	}
	return r.Data
}

// subjectOf is bytes and not text, so that no collation has a say; nobody is NULL.
func subjectOf(r session.Record) []byte {
	if r.Subject == "" {
		return nil
	}
	return []byte(r.Subject)
}

// into is where a row's version, seen, expires and data are scanned to. The data becomes a copy of its own.
func into(r *session.Record) []any {
	return []any{&r.Version, (*moment)(&r.Seen), (*moment)(&r.Expires), &r.Data}
}

// moment scans milliseconds since 1970.
type moment time.Time

// Scan implements sql.Scanner.
func (m *moment) Scan(value any) error {
	ms, ok := value.(int64)
	if !ok {
		return fmt.Errorf("a time is %T where milliseconds were expected", value)
	}
	*m = moment(time.UnixMilli(ms))
	return nil
}
