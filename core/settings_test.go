package session_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

func settingsOf(t *testing.T, m *session.Manager, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(m.Settings())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestSettings: what an application has left out is there too, since that is what it works with.
func TestSettings(t *testing.T) {
	m, err := session.New(memstore.New(), session.Options{})
	got := settingsOf(t, m, err)
	const want = `{"manager":"id","sealed":false,"store":"*memstore.Store","transport":"cookie",` +
		`"finds_subjects":true,"goes_through":true,"revocations":false,` +
		`"cookie":{"name":"__Host-id","path":"/","secure":true,"http_only":true,"same_site":"Lax",` +
		`"partitioned":false,"persistent":false},` +
		`"idle_seconds":1800,"touch_seconds":180,"absolute_seconds":43200,"max_lifetime_seconds":34560000,` +
		`"renew_seconds":0,"lifetime_by_subject":false,"idle_from_change":false,"ends_replayed":false,` +
		`"max_per_subject":0,"refuses_login":false,"client_hints":false,` +
		`"binding_agent":"ignore","binding_network":"ignore","allow_cross_site":false,` +
		`"serves_on":false,"events":false}`
	if got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

// TestSettingsOfEverything: each option that a standard has a word about shows, and no key does.
func TestSettingsOfEverything(t *testing.T) {
	key, err := session.GenerateKey("blue")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := session.ParseKeys(key)
	if err != nil {
		t.Fatal(err)
	}
	importer := (&elsewhere{}).importer()
	importer.Until = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
	m, err := session.NewSealed(keys, session.Options{
		Name: "shop", Cookie: session.Cookie{Domain: "example.com", SameSite: http.SameSiteNoneMode, Partitioned: true,
			Persistent: true},
		IdleTimeout: time.Hour, TouchInterval: time.Minute, RenewAfter: time.Minute, Basis: session.LastChange,
		OnReplay: session.EndReplayed, Transport: session.Either, Revocations: memstore.New(), AllowCrossSite: true,
		Import:      []session.Importer{importer},
		Binding:     session.Binding{Agent: session.End, Network: session.Report},
		LifetimeFor: func(string) session.Lifetime { return session.Lifetime{} },
		OnEvent:     func(context.Context, session.Event) {}, AnonymousWhenUnavailable: true,
	})
	got := settingsOf(t, m, err)
	for _, part := range []string{
		`"manager":"shop","sealed":true,"transport":"either"`, `"revocations":true`,
		`"name":"__Secure-shop","domain":"example.com"`,
		`"same_site":"None","partitioned":true,"persistent":true`, `"idle_seconds":3600,"touch_seconds":0`,
		`"renew_seconds":60,"lifetime_by_subject":true,"idle_from_change":true,"ends_replayed":true`,
		`"binding_agent":"end","binding_network":"report","allow_cross_site":true`, `"serves_on":true,"events":true`,
		`"imports":[{"name":"elsewhere","cookie":"old_session","until":"2100-01-01T00:00:00Z","mirror":false}]`,
	} {
		if !strings.Contains(got, part) {
			t.Errorf("%s is missing in %s", part, got)
		}
	}
	if _, secret, _ := strings.Cut(key, ":"); strings.Contains(got, secret[:8]) {
		t.Error("a key shows")
	}
}
