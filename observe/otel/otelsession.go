// Package otelsession watches sessions with OpenTelemetry: what happens to them, how long the store takes, and how
// many there are.
//
//	observer, err := otelsession.New(otelsession.Options{Store: "redis"})
//	sessions, err := session.New(store, session.Options{
//		OnEvent:    observer.OnEvent,
//		TraceStore: observer.TraceStore,
//	})
//
// These are the metrics:
//
//   - coatcheck.events counts the events of managers, by manager and reason, and by importer where one is at work.
//   - coatcheck.store.duration is a histogram of the store's calls in seconds, by operation, store and outcome. The
//     outcomes not-found, exists and conflict are answers that a store gives in good health; too-large and unsupported
//     are limits of it; canceled is a visitor who did not wait; timeout and failed are failures.
//   - coatcheck.sessions is how many sessions live, by manager, if Observer.CountSessions is asked to count them.
//
// No label holds what a visitor can choose, or what tells visitors apart: there are no handles, subjects and routes.
//
// Each call of the store is a span below the request's. An event adds itself to the span of its request, with the
// session's handle as session.id, and gives that to the span too. Subjects, keys, tokens and values stay out of spans.
package otelsession

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	session "github.com/coatcheck/coatcheck/core"
)

const scope = "github.com/coatcheck/coatcheck/observe/otel"

// Options say where to. The zero value takes OpenTelemetry's global providers.
type Options struct {
	// Tracers makes the tracer of the spans. Nil means otel.GetTracerProvider().
	Tracers trace.TracerProvider
	// Meters makes the meter of the metrics. Nil means otel.GetMeterProvider().
	Meters metric.MeterProvider
	// Store names the store in spans and metrics, such as "redis". Empty means "store".
	Store string
}

// Observer receives what managers tell. It is safe for concurrent use, and several managers may share one if their
// stores may have one name.
type Observer struct {
	tracer   trace.Tracer
	store    attribute.KeyValue
	events   metric.Int64Counter
	duration metric.Float64Histogram
	sessions metric.Int64Gauge
}

// New makes an observer. It fails if the meter refuses an instrument.
func New(o Options) (*Observer, error) {
	if o.Tracers == nil {
		o.Tracers = otel.GetTracerProvider()
	}
	if o.Meters == nil {
		o.Meters = otel.GetMeterProvider()
	}
	if o.Store == "" {
		o.Store = "store"
	}
	meter := o.Meters.Meter(scope)
	events, refused := meter.Int64Counter("coatcheck.events", metric.WithUnit("{event}"),
		metric.WithDescription("What happened to sessions."))
	duration, err := meter.Float64Histogram("coatcheck.store.duration", metric.WithUnit("s"),
		metric.WithDescription("How long calls of the session store took."),
		metric.WithExplicitBucketBoundaries(bounds...))
	refused = errors.Join(refused, err)
	sessions, err := meter.Int64Gauge("coatcheck.sessions", metric.WithUnit("{session}"),
		metric.WithDescription("How many sessions live."))
	if refused = errors.Join(refused, err); refused != nil {
		return nil, fmt.Errorf("otelsession: New: %w", refused)
	}
	return &Observer{o.Tracers.Tracer(scope), attribute.String("store", o.Store), events, duration, sessions}, nil
}

// bounds are those of the histogram's buckets, in seconds: from a store in memory to the default of
// session.Options.StoreTimeout.
var bounds = []float64{.00001, .0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5}

// OnEvent is for session.Options. Failures are logged no more once it is there: session.LogFailure does that, from a
// function that calls both.
func (o *Observer) OnEvent(ctx context.Context, e session.Event) {
	reason := attribute.String("reason", string(e.Reason))
	labels := []attribute.KeyValue{reason, attribute.String("manager", e.Manager)}
	if e.Importer != "" {
		labels = append(labels, attribute.String("importer", e.Importer))
	}
	o.events.Add(ctx, 1, metric.WithAttributes(labels...))
	span := trace.SpanFromContext(ctx)
	if !span.IsRecording() {
		return
	}
	known := []attribute.KeyValue{reason}
	if e.Handle != "" {
		id := attribute.String("session.id", e.Handle)
		span.SetAttributes(id)
		known = append(known, id)
	}
	if e.Err != nil {
		known = append(known, attribute.String("exception.message", e.Err.Error()))
	}
	span.AddEvent("session", trace.WithAttributes(known...))
}

// TraceStore is for session.Options.
func (o *Observer) TraceStore(ctx context.Context, operation string) (context.Context, func(error)) {
	began := time.Now()
	named := attribute.String("operation", operation)
	ctx, span := o.tracer.Start(ctx, "session store "+operation, trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(named, o.store))
	return ctx, func(err error) {
		how := outcome(err)
		o.duration.Record(ctx, time.Since(began).Seconds(),
			metric.WithAttributes(named, o.store, attribute.String("outcome", how)))
		span.SetAttributes(attribute.String("outcome", how))
		if how == failed || how == timeout {
			span.SetStatus(codes.Error, err.Error())
		}
		span.End()
	}
}

const (
	failed  = "failed"
	timeout = "timeout"
)

// outcome says in one word what a store has answered.
func outcome(err error) string {
	if err == nil {
		return "ok"
	}
	for _, known := range []struct {
		is   error
		word string
	}{
		{session.ErrNotFound, "not-found"}, {session.ErrExists, "exists"}, {session.ErrConflict, "conflict"},
		{session.ErrTooLarge, "too-large"}, {errors.ErrUnsupported, "unsupported"},
		{context.Canceled, "canceled"}, {context.DeadlineExceeded, timeout},
	} {
		if errors.Is(err, known.is) {
			return known.word
		}
	}
	return failed
}
