package session

import (
	"time"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

func (m *Manager) now() wire.Millis { return wire.FromTime(m.clock()) }

var processStart = time.Now()

// uptimeSeconds is when something was, in seconds since the process began: four bytes, for what has little room.
type uptimeSeconds uint32

func uptimeNow() uptimeSeconds { return uptimeSeconds(time.Since(processStart) / time.Second) }

// onAppClock returns what the application's clock, which is at now, said at u. What is less than two seconds ago counts
// as now, and so does zero.
func (u uptimeSeconds) onAppClock(now wire.Millis) wire.Millis {
	if u == 0 {
		return now
	}
	if ago := uptimeNow() - u; ago > 1 {
		return now - 1000*wire.Millis(ago)
	}
	return now
}

// uptimeNanos is when something is, in nanoseconds since the process began: a third of the space of a time.Time.
type uptimeNanos time.Duration

func uptimeAt(t time.Time) uptimeNanos { return uptimeNanos(t.Sub(processStart)) }

func (u uptimeNanos) time() time.Time { return processStart.Add(time.Duration(u)) }

func (u uptimeNanos) passed() bool { return time.Since(processStart) >= time.Duration(u) }
