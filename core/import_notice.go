package session

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// noticeDay is the day, counted from 1970, on which it was last told that an importer ends.
type noticeDay struct{ atomic.Int64 }

// errImportEnds is told when an importer's end is near or past.
var errImportEnds = errors.New("session: an importer ends")

// noteEnds tells of all importers when the program starts.
func (m *Manager) noteEnds() {
	for _, im := range m.importers {
		if e, due := im.endNotice(m.now()); due {
			m.emit(context.Background(), m.appendEvent(nil, e))
		}
	}
}

// endNotice is due once a day in the last week of an importer, and says how to see whether it may end.
func (im *importer) endNotice(now wire.Millis) (e Event, due bool) {
	if now+wire.FromDuration(noticeTime) < im.until {
		return e, false
	}
	day := int64(now / wire.FromDuration(noticeTime/7))
	if known := im.notice.Load(); known == day || !im.notice.CompareAndSwap(known, day) {
		return e, false
	}
	verb, advice := "ends", "from then on its visitors have to log in again: move Until if any still come each day"
	if im.isOver(now) {
		verb, advice = "has ended", "its cookies are not looked at any more: take it out of Options.Import"
	}
	err := fmt.Errorf("%w: %q %s on %s: %s", errImportEnds, im.Name, verb, im.Until.Format("2006-01-02"), advice)
	return Event{Reason: ReasonImportEnds, Importer: im.Name, Err: err}, true
}
