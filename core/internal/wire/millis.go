package wire

import (
	"encoding/binary"
	"time"
)

// Millis is a point in time as milliseconds since 1970, or a duration in milliseconds: the precision of all that is
// stored, so that a record judged by one server is judged alike by all.
type Millis int64

// Never is later than every point in time that a session knows.
const Never = Millis(1 << 62)

// FromTime drops what is shorter than a millisecond.
func FromTime(t time.Time) Millis { return Millis(t.UnixMilli()) }

// FromDuration drops what is shorter than a millisecond.
func FromDuration(d time.Duration) Millis { return Millis(d / time.Millisecond) }

// Duration returns m, a duration, for other packages.
func (m Millis) Duration() time.Duration { return time.Duration(m) * time.Millisecond }

// Time returns m, a point in time, for other packages.
func (m Millis) Time() time.Time { return time.UnixMilli(int64(m)) }

func takeMillis(in []byte) (Millis, []byte) {
	v, rest := takeUvarint(in)
	if v >= 1<<48 { // 8900 years: keeps sums of clocks far from overflow
		return 0, nil
	}
	return Millis(v), rest
}

func appendMillis(dst []byte, m Millis) []byte { return binary.AppendUvarint(dst, uint64(max(0, m))) }
