package otelsession_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"

	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
	otelsession "github.com/coatcheck/coatcheck/observe/otel"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

func Example() {
	reader := metric.NewManualReader() // an exporter's, in a real application
	observer, err := otelsession.New(otelsession.Options{
		Meters: metric.NewMeterProvider(metric.WithReader(reader)), Store: "memory",
	})
	if err != nil {
		panic(err)
	}
	sessions, err := session.New(memstore.New(), session.Options{
		TraceStore: observer.TraceStore,
		OnEvent: func(ctx context.Context, e session.Event) {
			observer.OnEvent(ctx, e)
			session.LogFailure(ctx, e) // as without OnEvent
		},
	})
	if err != nil {
		panic(err)
	}
	login := httpsession.Middleware(sessions)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		httpsession.From(r).Login("user:42")
	}))
	login.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/login", nil))

	var all metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &all); err != nil {
		panic(err)
	}
	var lines []string
	for _, m := range all.ScopeMetrics[0].Metrics {
		if events, ok := m.Data.(metricdata.Sum[int64]); ok {
			for _, p := range events.DataPoints {
				reason, _ := p.Attributes.Value("reason")
				lines = append(lines, fmt.Sprint(m.Name, " ", reason.AsString(), " ", p.Value))
			}
		}
	}
	slices.Sort(lines)
	for _, line := range lines {
		fmt.Println(line)
	}
	// Output:
	// coatcheck.events created 1
	// coatcheck.events login 1
}
