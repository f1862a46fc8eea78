package proof_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
	fromflask "github.com/coatcheck/coatcheck/migrate/flask"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

const (
	flaskCart     session.Key[[]string] = "basket"
	flaskLanguage session.Key[string]   = "lang"
)

// flaskSite is a site on Flask's host, after it or beside it.
type flaskSite struct {
	*httptest.Server
	mu   sync.Mutex
	told []session.Reason // by importers
}

func beFlask(t *testing.T, old session.Importer) *flaskSite {
	t.Helper()
	old.Until = time.Now().AddDate(1, 0, 0)
	old.Values = map[string]session.AnyKey{"cart": flaskCart, "language": flaskLanguage}
	old.Subject = func(_ context.Context, f session.Foreign) (string, error) {
		if f.Subject == "" {
			return "", nil
		}
		return "user:" + f.Subject, nil
	}
	site := &flaskSite{}
	sessions, err := session.New(memstore.New(), session.Options{
		InsecureHTTP: true, Import: []session.Importer{old},
		OnEvent: func(_ context.Context, e session.Event) {
			site.mu.Lock()
			defer site.mu.Unlock()
			if e.Importer != "" {
				site.told = append(site.told, e.Reason)
			}
		},
	})
	noError(t, err)
	site.Server = httptest.NewServer(httpsession.Middleware(sessions)(http.HandlerFunc(flaskSitePage)))
	t.Cleanup(site.Close)
	return site
}

func flaskSitePage(w http.ResponseWriter, r *http.Request) {
	s := httpsession.From(r)
	switch r.URL.Path {
	case "/login":
		s.Login("user:42")
		flaskCart.Set(s, []string{"pear"})
		flaskLanguage.Set(s, "en")
	case "/logout":
		s.Destroy()
	}
	fmt.Fprint(w, s.Subject(), flaskCart.Get(s), flaskLanguage.Get(s))
}

func (s *flaskSite) wantReason(t *testing.T, want session.Reason) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.told, want) {
		t.Errorf("the importer has told %q, want %q among it", s.told, want)
	}
}

// at is the visitor at another site of the same host, where he has the same cookies.
func (b flaskBrowser) at(address string) flaskBrowser {
	b.t.Helper()
	other := browseFlask(b.t, address)
	other.client = b.client
	return other
}

func (b flaskBrowser) wantSite(when, want string) {
	b.t.Helper()
	if got := string(b.send(http.MethodGet, "/")); got != want {
		b.t.Errorf("%s the page here shows %q, want %q", when, got, want)
	}
}

func (b flaskBrowser) wantFlask(when, user string, cart ...any) {
	b.t.Helper()
	p := b.page()
	if got, _ := p.Values["cart"].([]any); p.User != user || !slices.Equal(got, cart) {
		b.t.Errorf("%s the page there shows %+v, want %q and %q", when, p, user, cart)
	}
}

const nobody = "[]"

// moveFromFlask: a visitor who was logged in with Flask goes on logged in, with cart and language; a forged cookie and
// an expired one are nobody's.
func moveFromFlask(t *testing.T, there flaskBrowser) {
	t.Helper()
	old := func(now func() time.Time) session.Importer {
		i, err := fromflask.Cookie(fromflask.Config{Secrets: []string{flaskSecret}, Now: now})
		noError(t, err)
		return i
	}
	site := beFlask(t, old(nil))
	there.send(http.MethodPost, "/login?user=42&permanent")
	cookie, here := there.cookie(), there.at(site.URL)
	for range 2 {
		here.wantSite("after the move", "user:42[apple banana]ja 太郎")
		if here.cookie() != "" {
			t.Error("Flask's cookie is still there")
		}
	}
	site.wantReason(t, session.ReasonImported)
	there.wantFlask("after the move", "")

	refuses := func(site *flaskSite, cookie string, want session.Reason) {
		t.Helper()
		b := browseFlask(t, site.URL)
		b.keep(cookie)
		b.wantSite("with a bad cookie", nobody)
		site.wantReason(t, want)
	}
	refuses(site, strings.Replace(cookie, ".", "A.", 1), session.ReasonUnopenable)
	late := func() time.Time { return time.Now().AddDate(0, 0, 32) }
	refuses(beFlask(t, old(late)), cookie, session.ReasonExpiredIdle)
}

// besideFlask: for as long as both run, a login on either is one on both, and so is a logout.
func besideFlask(t *testing.T, old session.Importer, there flaskBrowser) {
	t.Helper()
	here := there.at(beFlask(t, old).URL)
	here.send(http.MethodPost, "/login")
	there.wantFlask("after a login here", "42", "pear")
	here.wantSite("after a look there", "user:42[pear]en")
	there.send(http.MethodPost, "/logout")
	here.wantSite("after a logout there", nobody)

	there.send(http.MethodPost, "/login?user=42")
	here.wantSite("after a login there", "user:42[apple banana]ja 太郎")
	there.wantFlask("after a look here", "42", "apple", "banana")
	here.send(http.MethodPost, "/logout")
	there.wantFlask("after a logout here", "")
	here.wantSite("after a logout here", nobody)
}
