package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/coreos/go-oidc/v3/oidc/oidctest"
	"golang.org/x/oauth2"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

// provider is an OpenID Connect provider: it has keys, and exchanges any code for an ID token.
type provider struct {
	*httptest.Server
	key    *ecdsa.PrivateKey
	claims map[string]any // of the next ID token
}

const clientID = "coats"

func newProvider(t *testing.T) *provider {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p := &provider{key: key}
	keys := &oidctest.Server{
		Algorithms: []string{oidc.ES256},
		PublicKeys: []oidctest.PublicKey{{PublicKey: key.Public(), KeyID: "key", Algorithm: oidc.ES256}},
	}
	mux := http.NewServeMux()
	mux.Handle("/", keys)
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{
			"access_token": "x", "token_type": "Bearer", "id_token": p.sign(t, p.claims),
		})
	})
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	keys.SetIssuer(p.URL)
	return p
}

// sign signs a token with these claims and those that every one has.
func (p *provider) sign(t *testing.T, claims map[string]any) string {
	t.Helper()
	now := time.Now()
	all := map[string]any{"iss": p.URL, "aud": clientID, "iat": now.Unix(), "exp": now.Add(time.Minute).Unix()}
	maps.Copy(all, claims)
	raw, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return oidctest.SignIDToken(p.key, "key", oidc.ES256, string(raw))
}

func serve(t *testing.T, p *provider, sessions *session.Manager) string {
	t.Helper()
	at, err := oidc.NewProvider(t.Context(), p.URL)
	if err != nil {
		t.Fatal(err)
	}
	a := &app{
		sessions: sessions, verifier: at.Verifier(&oidc.Config{ClientID: clientID}),
		config: oauth2.Config{
			ClientID: clientID, Endpoint: oauth2.Endpoint{AuthURL: p.URL + "/auth", TokenURL: p.URL + "/token"},
		},
	}
	server := httptest.NewServer(a.site())
	t.Cleanup(server.Close)
	return server.URL
}

// browser logs somebody in and returns what greets him.
type browser struct {
	t   *testing.T
	url string
	*http.Client
}

func newBrowser(t *testing.T, at string) *browser {
	t.Helper()
	jar, _ := cookiejar.New(nil)
	return &browser{t, at, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}}
}

func (b *browser) get(path string) (location, body string) {
	b.t.Helper()
	r, err := b.Get(b.url + path)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return r.Header.Get("Location"), string(text)
}

func (b *browser) logIn(p *provider, claims map[string]any) {
	b.t.Helper()
	to, _ := b.get("/login")
	at, err := url.Parse(to)
	if err != nil {
		b.t.Fatal(err)
	}
	p.claims = maps.Clone(claims)
	p.claims["nonce"] = at.Query().Get("nonce")
	if to, body := b.get("/callback?code=1&state=" + at.Query().Get("state")); to != "/" {
		b.t.Fatalf("the login leads to %q: %s", to, body)
	}
}

func (b *browser) greets(who string) {
	b.t.Helper()
	if _, body := b.get("/"); body != "Hello "+who {
		b.t.Errorf("the page says %q, want %q", body, "Hello "+who)
	}
}

func tell(t *testing.T, at, token string) int {
	t.Helper()
	r, err := http.PostForm(at+"/backchannel-logout", url.Values{"logout_token": {token}})
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Body.Close()
	if r.Header.Get("Cache-Control") != "no-store" || r.Header.Get("Set-Cookie") != "" {
		t.Errorf("headers %v", r.Header)
	}
	return r.StatusCode
}

var event = map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}

// The same handlers, whether sessions rest in a store or in the cookie.
func TestTheProviderLogsOut(t *testing.T) {
	o := session.Options{InsecureHTTP: true}
	stored, err := session.New(memstore.New(), o)
	if err != nil {
		t.Fatal(err)
	}
	o.Revocations = memstore.New()
	sealed, err := session.NewSealed(session.TemporaryKeys(), o)
	if err != nil {
		t.Fatal(err)
	}
	for kind, sessions := range map[string]*session.Manager{"stored": stored, "sealed": sealed} {
		t.Run(kind, func(t *testing.T) {
			p := newProvider(t)
			at := serve(t, p, sessions)
			phone, desk, other := newBrowser(t, at), newBrowser(t, at), newBrowser(t, at)
			phone.logIn(p, map[string]any{"sub": "ada", "sid": "1"})
			desk.logIn(p, map[string]any{"sub": "ada", "sid": "2"})
			other.logIn(p, map[string]any{"sub": "bob"})
			ada := subjectOf(p.URL, "ada")
			for what, claims := range map[string]map[string]any{
				"an ID token":             {"sub": "ada", "sid": "1", "nonce": "n", "jti": "1", "events": event},
				"no event":                {"sub": "ada", "sid": "1", "jti": "2"},
				"another client's":        {"sub": "ada", "sid": "1", "jti": "3", "events": event, "aud": "hats"},
				"another provider's":      {"sub": "ada", "sid": "1", "jti": "4", "events": event, "iss": "https://x.example"},
				"an old one":              {"sub": "ada", "sid": "1", "jti": "5", "events": event, "exp": 1},
				"neither session nor sub": {"jti": "6", "events": event},
			} {
				if status := tell(t, at, p.sign(t, claims)); status != http.StatusBadRequest {
					t.Errorf("%s: %d", what, status)
				}
			}
			if status := tell(t, at, newProvider(t).sign(t, map[string]any{
				"iss": p.URL, "sub": "ada", "sid": "1", "jti": "7", "events": event,
			})); status != http.StatusBadRequest {
				t.Errorf("another key's: %d", status)
			}
			phone.greets(ada)
			token := p.sign(t, map[string]any{"sub": "ada", "sid": "1", "jti": "8", "events": event})
			if status := tell(t, at, token); status != 200 {
				t.Errorf("the logout is answered with %d", status)
			}
			phone.greets("stranger")
			desk.greets(ada)
			if status := tell(t, at, p.sign(t, map[string]any{"sub": "ada", "jti": "9", "events": event})); status != 200 {
				t.Errorf("the logout of a subject is answered with %d", status)
			}
			desk.greets("stranger")
			other.greets(subjectOf(p.URL, "bob"))
			phone.logIn(p, map[string]any{"sub": "ada", "sid": "3"})
			phone.greets(ada)
		})
	}
}
