package otelsession_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
	otelsession "github.com/coatcheck/coatcheck/observe/otel"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

// site is an application that is watched.
type site struct {
	*testing.T
	spans    *tracetest.SpanRecorder
	reader   *metric.ManualReader
	observer *otelsession.Observer
	handler  http.Handler
	cookies  []string // that it has set
	handles  []string // of sessions that it has seen
}

// down is a store that fails for as long as err says.
type down struct {
	session.Store
	err error
}

func (d *down) Load(ctx context.Context, id session.RecordID) (session.Record, error) {
	if d.err != nil {
		return session.Record{}, d.err
	}
	return d.Store.Load(ctx, id)
}

func newSite(t *testing.T, store session.Store) *site {
	t.Helper()
	s := &site{T: t, spans: tracetest.NewSpanRecorder(), reader: metric.NewManualReader()}
	tracers := trace.NewTracerProvider(trace.WithSpanProcessor(s.spans))
	observer, err := otelsession.New(otelsession.Options{
		Tracers: tracers, Meters: metric.NewMeterProvider(metric.WithReader(s.reader)), Store: "memory",
	})
	if err != nil {
		t.Fatal(err)
	}
	sessions, err := session.New(store, session.Options{
		Name: "shop", InsecureHTTP: true, OnEvent: observer.OnEvent, TraceStore: observer.TraceStore,
	})
	if err != nil {
		t.Fatal(err)
	}
	inner := httpsession.Middleware(sessions)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		v := httpsession.From(r)
		if r.URL.Path == "/login" {
			v.Login("alice@example.com")
		}
		_ = v.Save()
		s.handles = append(s.handles, v.Handle())
	}))
	s.observer = observer
	s.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, span := tracers.Tracer("test").Start(r.Context(), "request")
		defer span.End()
		inner.ServeHTTP(w, r.WithContext(ctx))
	})
	return s
}

func (s *site) get(path, cookie string) {
	s.Helper()
	w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, path, nil)
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	s.handler.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		s.cookies = append(s.cookies, c.Name+"="+c.Value)
	}
}

// collect returns a metric.
func (s *site) collect(name string) metricdata.Aggregation {
	s.Helper()
	var all metricdata.ResourceMetrics
	if err := s.reader.Collect(s.Context(), &all); err != nil {
		s.Fatal(err)
	}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			if m.Name == name {
				return m.Data
			}
		}
	}
	return nil
}

func label(set attribute.Set, name string) string {
	value, _ := set.Value(attribute.Key(name))
	return value.AsString()
}

func TestEventsAreCounted(t *testing.T) {
	s := newSite(t, memstore.New())
	s.get("/login", "")
	s.get("/login", "")
	s.get("/", "shop=nonsense") // under another name: nobody's
	counted := map[string]int64{}
	for _, p := range s.collect("coatcheck.events").(metricdata.Sum[int64]).DataPoints {
		counted[label(p.Attributes, "manager")+" "+label(p.Attributes, "reason")] = p.Value
		if p.Attributes.Len() != 2 {
			t.Errorf("the labels are %v, want reason and manager alone", p.Attributes.ToSlice())
		}
	}
	if counted["shop login"] != 2 || counted["shop created"] != 2 {
		t.Errorf("counted are %v, want two logins and two new sessions of the shop", counted)
	}
}

func TestStoreCallsAreTimed(t *testing.T) {
	store := &down{Store: memstore.New()}
	s := newSite(t, store)
	s.get("/login", "")
	s.get("/", s.cookies[0])
	store.err = errors.New("no route to host")
	s.get("/", s.cookies[0])
	store.err = context.DeadlineExceeded
	s.get("/", s.cookies[0])
	got := map[string]uint64{}
	for _, p := range s.collect("coatcheck.store.duration").(metricdata.Histogram[float64]).DataPoints {
		got[label(p.Attributes, "store")+" "+label(p.Attributes, "operation")+" "+label(p.Attributes, "outcome")] = p.Count
		if p.Sum < 0 || p.Sum > 60 || p.Attributes.Len() != 3 {
			t.Errorf("%v: %v seconds in all", p.Attributes.ToSlice(), p.Sum)
		}
	}
	for _, want := range []string{"memory create ok", "memory load ok", "memory load failed", "memory load timeout"} {
		if got[want] != 1 {
			t.Errorf("%q was counted %d times, want once; there are %v", want, got[want], got)
		}
	}
}

// A store's call is a span of the request's trace, and only its failures are errors.
func TestStoreCallsAreSpans(t *testing.T) {
	store := &down{Store: memstore.New()}
	s := newSite(t, store)
	s.get("/login", "")
	store.err = session.ErrNotFound
	s.get("/", s.cookies[0])
	store.err = errors.New("no route to host")
	s.get("/", s.cookies[0])
	requests := map[string]bool{}
	for _, span := range s.spans.Ended() {
		if span.Name() == "request" {
			requests[span.SpanContext().SpanID().String()] = true
		}
	}
	var got []string
	for _, span := range s.spans.Ended() {
		if span.Name() == "request" {
			continue
		}
		if !requests[span.Parent().SpanID().String()] {
			t.Errorf("%s is no part of a request", span.Name())
		}
		got = append(got, span.Name()+" "+label(attribute.NewSet(span.Attributes()...), "outcome")+" "+
			map[bool]string{true: "error"}[span.Status().Code == codes.Error])
	}
	want := "session store create ok ,session store load not-found ,session store load failed error"
	if strings.Join(got, ",") != want {
		t.Errorf("spans are %q, want %q", strings.Join(got, ","), want)
	}
}

// Who looks at a trace finds the session's other requests; who has the trace has no way in, and no names.
func TestSpansNameTheSession(t *testing.T) {
	s := newSite(t, memstore.New())
	s.get("/login", "")
	var all strings.Builder
	found := false
	for _, span := range s.spans.Ended() {
		all.WriteString(span.Name())
		for _, a := range span.Attributes() {
			found = found || span.Name() == "request" && a.Key == "session.id" && a.Value.AsString() == s.handles[0]
			all.WriteString(a.Value.Emit())
		}
		for _, e := range span.Events() {
			for _, a := range e.Attributes {
				all.WriteString(a.Value.Emit())
			}
		}
	}
	if !found {
		t.Errorf("no request's span has session.id %s", s.handles[0])
	}
	if !strings.Contains(all.String(), "login") {
		t.Error("the login is no event of the request's span")
	}
	_, token, _ := strings.Cut(s.cookies[0], "=")
	for _, secret := range []string{token, "alice"} {
		if strings.Contains(all.String(), secret) {
			t.Errorf("a span has %q", secret)
		}
	}
}

// census is a manager whose sessions grow by the minute.
type census struct {
	mu  sync.Mutex
	n   int
	err error
}

// is sets the error of the counts to come, and returns how many there have been.
func (c *census) is(err error) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = err
	return c.n
}

func (c *census) Count(context.Context) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	return c.n, c.err
}

func (s *site) sessions() (values []int64) {
	s.Helper()
	if gauge, ok := s.collect("coatcheck.sessions").(metricdata.Gauge[int64]); ok {
		for _, p := range gauge.DataPoints {
			if label(p.Attributes, "manager") != "shop" || p.Attributes.Len() != 1 {
				s.Errorf("the labels are %v", p.Attributes.ToSlice())
			}
			values = append(values, p.Value)
		}
	}
	return values
}

func TestSessionsAreCountedWhenAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newSite(t, memstore.New()), &census{}
		if s.sessions() != nil {
			t.Error("sessions are counted, and nobody has asked for that")
		}
		ctx, stop := context.WithCancel(t.Context())
		if err := s.observer.CountSessions(ctx, "shop", c, time.Minute); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if v := s.sessions(); len(v) != 1 || v[0] != 1 {
			t.Errorf("at once: %v, want 1", v)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if v := s.sessions(); len(v) != 1 || v[0] != 2 {
			t.Errorf("after a minute: %v, want 2", v)
		}
		down := errors.New("no route to host")
		c.is(down)
		time.Sleep(time.Minute)
		synctest.Wait()
		if v := s.sessions(); len(v) != 1 || v[0] != 2 || c.is(down) != 3 {
			t.Errorf("after a count that failed: %v and %d counts, want 2 and 3", v, c.is(down))
		}
		stop()
		synctest.Wait()
		time.Sleep(time.Hour)
		if n := c.is(down); n != 3 {
			t.Errorf("%d counts although it is over", n)
		}
	})
}

func TestCountingEndsWhereItIsImpossible(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newSite(t, memstore.New()), &census{err: errors.ErrUnsupported}
		if err := s.observer.CountSessions(t.Context(), "shop", c, time.Minute); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if n := c.is(errors.ErrUnsupported); n != 1 {
			t.Errorf("%d counts of what cannot be counted, want one", n)
		}
		if err := s.observer.CountSessions(t.Context(), "shop", c, time.Millisecond); err == nil {
			t.Error("a count of the whole store every millisecond was taken")
		}
	})
}
