package prometheus

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.yaml.in/yaml/v2"

	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/examples/internal/exampletest"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

// flaky is a store that fails while it is down.
type flaky struct {
	session.Store
	down bool
}

func (f *flaky) Load(ctx context.Context, id session.RecordID) (session.Record, error) {
	if f.down {
		return session.Record{}, errors.New("no route to host")
	}
	return f.Store.Load(ctx, id)
}

// badDay is a site on which everything happens that there is an alert for. It returns what Prometheus would be told:
// the values of each label, by metric.
func badDay(t *testing.T) map[string]map[string][]string {
	t.Helper()
	slog.SetDefault(slog.New(slog.DiscardHandler))
	registry, store, now := prometheus.NewRegistry(), &flaky{Store: memstore.New()}, time.Now()
	o := session.Options{
		InsecureHTTP: true, Name: "shop", RenewAfter: time.Minute, RenewGrace: time.Minute,
		Now: func() time.Time { return now }, Import: []session.Importer{{
			Name: "flask", Cookie: session.ForeignCookie{Name: "old"}, Until: now.Add(72 * time.Hour),
			Open: func(context.Context, string) (session.Foreign, error) { return session.Foreign{Subject: "user:2"}, nil },
		}},
		ErrorResponse: func(error, func(string) string) session.Response {
			return session.Response{Status: http.StatusServiceUnavailable}
		},
	}
	Watch(registry, &o)
	sessions, err := session.New(store, o)
	if err != nil {
		t.Fatal(err)
	}
	site := httpsession.Middleware(sessions)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s := httpsession.From(r)
		if r.URL.Path == "/login" {
			s.Login("user:1")
		}
		_ = s.Subject()
	}))
	moving := httptest.NewRequest(http.MethodGet, "/", nil)
	moving.AddCookie(&http.Cookie{Name: "old", Value: "signed"})
	site.ServeHTTP(httptest.NewRecorder(), moving)
	name := ""
	get := func(path, token string) string {
		w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, path, nil)
		r.AddCookie(&http.Cookie{Name: name, Value: token})
		site.ServeHTTP(w, r)
		for _, c := range w.Result().Cookies() {
			name, token = c.Name, c.Value
		}
		return token
	}
	first := get("/login", "")
	now = now.Add(2 * time.Minute)
	second := get("/", first)
	get("/", second)
	now = now.Add(2 * time.Minute)
	get("/", first) // a replay
	get("/", "nonsense")
	store.down = true
	get("/", second)
	return gathered(t, registry)
}

func gathered(t *testing.T, registry prometheus.Gatherer) map[string]map[string][]string {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]map[string][]string{}
	for _, f := range families {
		name := f.GetName()
		if strings.HasSuffix(name, "_seconds") {
			name += "_count" // what a histogram is exported as
		}
		found[name] = map[string][]string{}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				found[name][l.GetName()] = append(found[name][l.GetName()], l.GetValue())
			}
		}
	}
	return found
}

func TestTheRecipe(t *testing.T) {
	for name, labels := range badDay(t) {
		known := slices.Sorted(maps.Keys(labels))
		if want := map[string][]string{
			"coatcheck_events_total":                 {"manager", "reason"},
			"coatcheck_store_duration_seconds_count": {"operation", "outcome"},
		}[name]; !slices.Equal(known, want) {
			t.Errorf("%s has the labels %v, want %v: none may hold what a visitor chooses", name, known, want)
		}
	}
}

var (
	selector = regexp.MustCompile(`(coatcheck_\w+)(?:\{(\w+)=~?"([^"]*)"\})?`)
	function = regexp.MustCompile(`\b(sum|by|rate|increase|or|and|unless|offset|manager)\b|[\d.]+[md]?|[()\[\]/>\s]`)
)

// TestTheAlerts holds what each alert asks for against what the recipe exports on a bad day: a misspelt name or reason
// would be an alert that never comes.
func TestTheAlerts(t *testing.T) {
	source, err := os.ReadFile("alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For string
				Annotations      struct{ Summary string }
			}
		}
	}
	if err := yaml.UnmarshalStrict(source, &file); err != nil {
		t.Fatal(err)
	}
	exported, n := badDay(t), 0
	for _, rule := range file.Groups[0].Rules {
		n++
		if rule.Alert == "" || rule.Annotations.Summary == "" {
			t.Errorf("an alert lacks its name or summary: %+v", rule)
		}
		if rest := function.ReplaceAllString(selector.ReplaceAllString(rule.Expr, ""), ""); rest != "" {
			t.Errorf("%s: this test does not know %q", rule.Alert, rest)
		}
		found := selector.FindAllStringSubmatch(rule.Expr, -1)
		if len(found) == 0 {
			t.Errorf("%s asks for nothing", rule.Alert)
		}
		for _, s := range found {
			values, ok := exported[s[1]]
			happened := s[2] == "" || slices.ContainsFunc(strings.Split(s[3], "|"), func(v string) bool {
				return slices.Contains(values[s[2]], v)
			})
			if !ok || !happened {
				t.Errorf("%s asks for %s, which never happened; exported are %v", rule.Alert, s[0], exported)
			}
		}
	}
	if n != 4 {
		t.Errorf("there are %d alerts, want 4", n)
	}
}

func TestThePageShowsWhatIsTested(t *testing.T) {
	text := exampletest.Page(t, "../../../docs/operations.md")
	for _, file := range []string{"metrics.go", "alerts.yml"} {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, code, isGo := strings.Cut(string(source), "\nimport ")
		if !isGo {
			code = string(source)
		}
		if !strings.Contains(text, code) {
			t.Errorf("docs/operations.md does not show examples/with/prometheus/%s as it is", file)
		}
	}
}
