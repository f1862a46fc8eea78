// Package prometheus is the recipe of docs/operations.md.
package prometheus

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	session "github.com/coatcheck/coatcheck/core"
)

// Watch has what happens to the sessions of managers made with these options counted, and the calls of their store
// timed.
func Watch(registry prometheus.Registerer, o *session.Options) {
	events := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "coatcheck_events_total", Help: "What happened to sessions.",
	}, []string{"manager", "reason"})
	duration := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "coatcheck_store_duration_seconds", Help: "How long calls of the session store took.",
		Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
	}, []string{"operation", "outcome"})
	registry.MustRegister(events, duration)

	o.OnEvent = func(ctx context.Context, e session.Event) {
		events.WithLabelValues(e.Manager, string(e.Reason)).Inc()
		session.LogFailure(ctx, e) // as without OnEvent
	}
	o.TraceStore = func(ctx context.Context, operation string) (context.Context, func(error)) {
		began := time.Now()
		return ctx, func(err error) {
			duration.WithLabelValues(operation, outcome(err)).Observe(time.Since(began).Seconds())
		}
	}
}

func outcome(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, session.ErrNotFound), errors.Is(err, session.ErrExists), errors.Is(err, session.ErrConflict):
		return "answered" // in good health
	case errors.Is(err, context.Canceled):
		return "canceled" // the visitor did not wait
	}
	return "failed"
}
