package session

import (
	"context"
	"errors"
	"fmt"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// Inspection is one session as an operator sees it.
type Inspection struct {
	Info
	// Reason says why the cookie opens nothing, in the words of events; it is "" for a session that is alive. Info and
	// Values are filled as far as there is something to fill them with.
	Reason Reason
	// Values are the keys with their values as they are stored: JSON. Those whose time is over are left out.
	Values map[string][]byte
	// Size is that of the stored session in bytes, metadata counted.
	Size int
}

// Inspect opens the value of a session cookie as a request would, without touching the session. It is for tools and
// support, never for a request's own session. A cookie that opens nothing is no error; one that cannot be looked up is
// ErrUnavailable.
func (m *Manager) Inspect(ctx context.Context, cookie string) (Inspection, error) {
	if reason := m.checkValue(cookie); reason != "" {
		return Inspection{Reason: reason}, nil
	}
	b := &bounded{parent: ctx, deadline: m.callDeadline(ctx), cancelable: true}
	defer b.stop()
	var rec record
	o, err := m.openCookie(b, cookie, m.now(), 0, &rec)
	if err != nil {
		if !errors.Is(err, ErrUnavailable) {
			err = unavailable("load", err)
		}
		return Inspection{}, fmt.Errorf("session: Inspect: %w", err)
	}
	i := Inspection{Reason: o.reason, Size: len(rec.data)}
	if rec.env.Kind == wire.Live {
		v := values{body: rec.env.Body, m: m, now: m.now()}
		i.Info, i.Values = m.info(&rec), jsonIn[[]byte](v.appendBody(nil, nil))
	}
	return i, nil
}
