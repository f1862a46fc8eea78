package session

import "time"

// millis is a point in time as milliseconds since 1970, or a duration in milliseconds: the precision of all
// that is stored, so that a record judged by one server is judged alike by all.
type millis int64

func toMillis(t time.Time) millis { return millis(t.UnixMilli()) }

func durationMillis(d time.Duration) millis { return millis(d / time.Millisecond) }

func (m millis) time() time.Time { return time.UnixMilli(int64(m)) }

func (m *Manager) now() millis { return toMillis(m.clock()) }

// instant is a reading of the system's clock, in a third of the space of a time.Time.
type instant time.Duration

var started = time.Now()

func toInstant(t time.Time) instant { return instant(t.Sub(started)) }

func (i instant) time() time.Time { return started.Add(time.Duration(i)) }

func (i instant) passed() bool { return time.Since(started) >= time.Duration(i) }

// deadlineFrom is when a call of the store that begins now has to be done. at is now on m's clock, which saves asking
// another one unless the application has given m a clock of its own.
func (m *Manager) deadlineFrom(at time.Time) instant {
	if m.ownClock {
		at = time.Now()
	}
	return toInstant(at.Add(m.storeTimeout))
}

// moment is a reading of the system's clock to the second, for what has little room.
type moment uint32

func thisMoment() moment { return moment(time.Since(started) / time.Second) }

// before returns what the application's clock, which is at now, said at m. What is less than two seconds ago counts as now,
// and so does the zero moment.
func (m moment) before(now millis) millis {
	if m == 0 {
		return now
	}
	if ago := thisMoment() - m; ago > 1 {
		return now - 1000*millis(ago)
	}
	return now
}
