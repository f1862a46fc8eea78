package proof_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"slices"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
)

// djangoVisitor has a browser.
type djangoVisitor struct {
	t      *testing.T
	site   djangoSite
	client *http.Client
}

func (s djangoSite) visitor(t *testing.T) djangoVisitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	noError(t, err)
	return djangoVisitor{t, s, &http.Client{Jar: jar}}
}

// with gives the browser a session cookie.
func (v djangoVisitor) with(cookie string) djangoVisitor {
	v.client.Jar.SetCookies(v.site.url, []*http.Cookie{{Name: v.site.importer.Cookie.Name, Value: cookie}})
	return v
}

func (v djangoVisitor) cookie() string {
	for _, c := range v.client.Jar.Cookies(v.site.url) {
		if c.Name == v.site.importer.Cookie.Name {
			return c.Value
		}
	}
	return ""
}

func (v djangoVisitor) get(path string) []byte {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), http.MethodGet, v.site.url.String()+path, nil)
	noError(v.t, err)
	res, err := v.client.Do(r)
	noError(v.t, err)
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	noError(v.t, err)
	if res.StatusCode != http.StatusOK {
		v.t.Fatalf("%s: %s", path, res.Status)
	}
	return body
}

func (v djangoVisitor) login(name string) djangoVisitor {
	v.t.Helper()
	v.get("/login?user=" + name + "&password=secret+of+" + name)
	return v
}

// djangoSees is what a page of Django's says about its visitor.
type djangoSees struct {
	User     string   `json:"user"`
	Cart     []string `json:"cart"`
	Language string   `json:"language"`
}

// wantDjango checks whom Django sees, "" being nobody.
func (v djangoVisitor) wantDjango(what, user string) djangoSees {
	v.t.Helper()
	var sees djangoSees
	noError(v.t, json.Unmarshal(v.get("/"), &sees))
	if sees.User != user {
		v.t.Errorf("%s: Django sees %q, want %q", what, sees.User, user)
	}
	return sees
}

func (v djangoVisitor) open() (session.Foreign, error) {
	return v.site.importer.Open(v.t.Context(), v.cookie())
}

// wantOpen checks whom the importer sees, with the values that Django keeps at each visit.
func (v djangoVisitor) wantOpen(what, user string) session.Foreign {
	v.t.Helper()
	f, err := v.open()
	var cart []string
	raw, _ := f.Values["cart"].(json.RawMessage)
	_ = json.Unmarshal(raw, &cart) // Errorf shows it
	if err != nil || f.Subject != user || !slices.Equal(cart, djangoCart) || len(f.Values) != 2 {
		v.t.Errorf("%s: %+v, %v, want %q", what, f, err, user)
	}
	return f
}

func (v djangoVisitor) wantRefused(what string, want session.Reason) {
	v.t.Helper()
	_, err := v.open()
	refused, _ := errors.AsType[*session.NotImportedError](err)
	if refused == nil || refused.Reason != want {
		v.t.Errorf("%s: %v, want %s", what, err, want)
	}
}

var djangoCart = []string{"apple", "太郎 🍣"}
