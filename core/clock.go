package session

import (
	"time"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

func (m *Manager) now() wire.Millis { return wire.FromTime(m.clock()) }

// instant is a reading of the system's clock, in a third of the space of a time.Time.
type instant time.Duration

var processStart = time.Now()

func toInstant(t time.Time) instant { return instant(t.Sub(processStart)) }

func (i instant) time() time.Time { return processStart.Add(time.Duration(i)) }

func (i instant) passed() bool { return time.Since(processStart) >= time.Duration(i) }

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

func thisMoment() moment { return moment(time.Since(processStart) / time.Second) }

// before returns what the application's clock, which is at now, said at m. What is less than two seconds ago counts as now,
// and so does the zero moment.
func (m moment) before(now wire.Millis) wire.Millis {
	if m == 0 {
		return now
	}
	if ago := thisMoment() - m; ago > 1 {
		return now - 1000*wire.Millis(ago)
	}
	return now
}
