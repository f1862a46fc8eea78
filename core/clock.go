package session

import (
	"time"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

func (m *Manager) now() wire.Millis { return wire.FromTime(m.clock()) }

var processStart = time.Now()

// moment is a reading of the system's clock to the second, for what has little room.
type moment uint32

func thisMoment() moment { return moment(time.Since(processStart) / time.Second) }

// before returns what the application's clock, which is at now, said at m. What is less than two seconds ago counts
// as now, and so does the zero moment.
func (m moment) before(now wire.Millis) wire.Millis {
	if m == 0 {
		return now
	}
	if ago := thisMoment() - m; ago > 1 {
		return now - 1000*wire.Millis(ago)
	}
	return now
}
