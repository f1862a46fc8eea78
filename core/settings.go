package session

import (
	"net/http"
	"slices"
	"time"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// Settings are the options that a Manager works with, whoever has chosen them. No secret is among them: an application
// may write them to its log or a file when it starts, or show them behind its own guard, as JSON, and "coatcheck audit"
// holds them against what standards require.
type Settings struct {
	Manager   string `json:"manager"`
	Sealed    bool   `json:"sealed"`          // the session travels in the cookie
	Store     string `json:"store,omitempty"` // its type
	Transport string `json:"transport"`       // cookie, bearer or either

	FindsSubjects bool `json:"finds_subjects"` // the store's type has what List and Revoke need
	GoesThrough   bool `json:"goes_through"`   // and what All, Count and RevokeEverybody need
	Revocations   bool `json:"revocations"`    // ended sessions are written down elsewhere

	Cookie CookieSettings `json:"cookie"`

	IdleSeconds        float64 `json:"idle_seconds"`
	TouchSeconds       float64 `json:"touch_seconds"` // an unused session lives up to this much longer
	AbsoluteSeconds    float64 `json:"absolute_seconds"`
	MaxLifetimeSeconds float64 `json:"max_lifetime_seconds"`
	RenewSeconds       float64 `json:"renew_seconds"` // 0: no periodic renewal
	LifetimeBySubject  bool    `json:"lifetime_by_subject"`
	IdleFromChange     bool    `json:"idle_from_change"`
	EndsReplayed       bool    `json:"ends_replayed"`

	MaxPerSubject int  `json:"max_per_subject"` // 0: any number
	RefusesLogin  bool `json:"refuses_login"`   // beyond that, instead of ending the oldest

	ClientHints    bool     `json:"client_hints"`
	BindingAgent   string   `json:"binding_agent"` // ignore, report, refuse or end
	BindingNetwork string   `json:"binding_network"`
	AllowCrossSite bool     `json:"allow_cross_site"`
	TrustedOrigins []string `json:"trusted_origins,omitempty"`
	ServesOn       bool     `json:"serves_on"` // as anonymous, while the store is not available
	Events         bool     `json:"events"`    // the application receives them

	Imports []ImportSettings `json:"imports,omitempty"`
}

// ImportSettings are an Importer's name, the cookie that it takes over, when that ends, and whether the other system is
// kept in step.
type ImportSettings struct {
	Name   string    `json:"name"`
	Cookie string    `json:"cookie"`
	Until  time.Time `json:"until"`
	Mirror bool      `json:"mirror"`
}

// CookieSettings are the cookie's name and attributes.
type CookieSettings struct {
	Name        string `json:"name"`
	Domain      string `json:"domain,omitempty"`
	Path        string `json:"path"`
	Secure      bool   `json:"secure"`
	HTTPOnly    bool   `json:"http_only"`
	SameSite    string `json:"same_site"`
	Partitioned bool   `json:"partitioned"`
	Persistent  bool   `json:"persistent"`
}

// Settings returns the options that the manager works with.
func (m *Manager) Settings() Settings {
	idle, touchEvery := m.idleTerms(&wire.Envelope{})
	s := Settings{
		Manager: m.name, Sealed: m.store == nil, Transport: m.transport.String(),
		FindsSubjects: m.index != nil, GoesThrough: m.walker != nil, Revocations: m.revocations != nil,
		Cookie:      m.cookie.settings(),
		IdleSeconds: seconds(idle), TouchSeconds: seconds(touchEvery), AbsoluteSeconds: seconds(m.absolute),
		MaxLifetimeSeconds: seconds(m.maxLifetime), RenewSeconds: seconds(m.renewEvery),
		LifetimeBySubject: m.lifetimeFor != nil, IdleFromChange: m.basis == LastChange,
		EndsReplayed: m.onReplay == EndReplayed, MaxPerSubject: m.maxPerSubject, RefusesLogin: m.limit == RefuseLogin,
		BindingAgent: m.binding.Agent.String(), BindingNetwork: m.binding.Network.String(),
		ClientHints: m.hints, AllowCrossSite: m.origins.allowAll, TrustedOrigins: slices.Clone(m.origins.trusted),
		ServesOn: m.serveOn, Events: m.onEvent != nil,
	}
	if m.store != nil {
		s.Store = nameOf(m.store)
	}
	for _, im := range m.importers {
		s.Imports = append(s.Imports, ImportSettings{im.Name, im.cookie.name, im.Until, im.Mirror != nil})
	}
	return s
}

func seconds(d wire.Millis) float64 { return (time.Duration(d) * time.Millisecond).Seconds() }

// settings reads them from the line that responses set.
func (c *cookie) settings() CookieSettings {
	s := CookieSettings{Name: c.name, Persistent: c.persistent}
	line, err := http.ParseSetCookie(c.assignment + "x" + c.attributes)
	if err != nil { // net/http is stricter than this package
		return s
	}
	s.Domain, s.Path, s.Secure, s.HTTPOnly, s.Partitioned = line.Domain, line.Path, line.Secure, line.HttpOnly,
		line.Partitioned
	s.SameSite = map[http.SameSite]string{
		http.SameSiteLaxMode: "Lax", http.SameSiteStrictMode: "Strict", http.SameSiteNoneMode: "None",
	}[line.SameSite]
	return s
}
