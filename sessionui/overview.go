package sessionui

import (
	"net/http"
	"time"
)

// overview is what its page shows.
type overview struct {
	summary
	At          moment
	Counting    bool
	Unsupported bool
	Stopped     bool
}

// overview is the page about everybody's sessions, as far as they have been counted.
func (h *Handler) overview(r *http.Request) page {
	s := h.census.look(r.Context())
	v := overview{summary: s.summary, Counting: s.At.IsZero(), Unsupported: unsupported(s.Err)}
	v.Stopped = s.Err != nil && !v.Unsupported
	if v.Stopped && v.Total == 0 {
		return storeIsDown()
	}
	if !v.Counting {
		v.At = momentOf(s.At, h.now())
	}
	p := page{Status: http.StatusOK, Heading: "Live sessions", View: v, template: overviewPage}
	if v.Counting {
		p.Refresh = refreshAfter(s.Elapsed)
	}
	return p
}

// refreshAfter is when a page asks again about a count that goes on. It doubles the time that has passed, so that a
// long count makes few requests.
func refreshAfter(elapsed time.Duration) (seconds int) {
	return max(1, min(int(elapsed.Seconds()), 30))
}
