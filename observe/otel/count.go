package otelsession

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// Counter is a *session.Manager whose store can walk through its records.
type Counter interface {
	Count(ctx context.Context) (int, error)
}

// CountSessions counts a manager's live sessions now and every so often until ctx ends, into coatcheck.sessions under
// the manager's name. Each count reads the whole store, so count seldom, and on one server of several. A count that
// fails goes to OpenTelemetry's error handler and leaves the earlier one standing; where sessions cannot be counted it
// is the last.
func (o *Observer) CountSessions(ctx context.Context, manager string, sessions Counter, every time.Duration) error {
	if every < time.Second {
		return fmt.Errorf("otelsession: CountSessions: every %v is less than a second, "+
			"and each count reads the whole store", every)
	}
	go o.count(ctx, manager, sessions, every)
	return nil
}

func (o *Observer) count(ctx context.Context, manager string, sessions Counter, every time.Duration) {
	name := metric.WithAttributes(attribute.String("manager", manager))
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		n, err := sessions.Count(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			o.sessions.Record(ctx, int64(n), name)
		default:
			otel.Handle(fmt.Errorf("otelsession: CountSessions: %w", err))
			if errors.Is(err, errors.ErrUnsupported) {
				return
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
