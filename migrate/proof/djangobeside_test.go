package proof_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"
	"time"

	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

// The shop's values, by other names than Django's.
const (
	basket         session.Key[[]string] = "basket"
	basketLanguage session.Key[string]   = "lang"
)

// startShop runs a site of Coatcheck's on the host that the Django site is on too: a browser sends its cookies to both.
func startShop(t *testing.T, store session.Store, i session.Importer) *url.URL {
	t.Helper()
	i.Until = time.Now().Add(30 * 24 * time.Hour)
	i.Subject = func(_ context.Context, f session.Foreign) (string, error) {
		if f.Subject == "" {
			return "", nil
		}
		return "user:" + f.Subject, nil
	}
	i.Values = map[string]session.AnyKey{"cart": basket, "language": basketLanguage}
	m, err := session.New(store, session.Options{InsecureHTTP: true, Import: []session.Importer{i}})
	noError(t, err)
	server := httptest.NewServer(httpsession.Middleware(m)(http.HandlerFunc(serveShop)))
	t.Cleanup(server.Close)
	u, err := url.Parse(server.URL)
	noError(t, err)
	return u
}

func serveShop(w http.ResponseWriter, r *http.Request) {
	s := httpsession.From(r)
	switch r.URL.Path {
	case "/login":
		basket.Set(s, djangoCart)
		basketLanguage.Set(s, "fr")
		s.Login("user:" + r.FormValue("user"))
	case "/logout":
		s.Destroy()
	}
	user := s.Subject()
	_ = json.NewEncoder(w).Encode(djangoSees{User: user, Cart: basket.Get(s), Language: basketLanguage.Get(s)})
}

// at is the same browser on another site.
func (v djangoVisitor) at(u *url.URL) djangoVisitor {
	v.site.url = u
	return v
}

// wantBoth checks that both sites agree on who the visitor is.
func (v djangoVisitor) wantBoth(what string, shop *url.URL, user string) {
	v.t.Helper()
	v.wantDjango(what, user)
	if user != "" {
		user = "user:" + user
	}
	v.at(shop).wantDjango("at the shop, "+what, user)
	v.wantDjango("still "+what, user[min(len(user), len("user:")):])
}

// djangoBeside is a migration that takes weeks: a login on either side is one on both, and so is a logout.
func djangoBeside(t *testing.T, site djangoSite) {
	t.Helper()
	shop := startShop(t, site.store, site.importer)
	ann := site.visitor(t).login("ann")
	ann.wantBoth("after a login with Django", shop, "1")
	sees := ann.at(shop).wantDjango("with values", "user:1")
	if !slices.Equal(sees.Cart, djangoCart) || sees.Language != "ja" {
		t.Errorf("of Django's values the shop has %+v", sees)
	}
	old := ann.cookie()
	ann.at(shop).get("/logout")
	ann.wantBoth("after a logout at the shop", shop, "")
	site.visitor(t).with(old).at(shop).wantDjango("a copy of the cookie after the logout", "")

	bob := site.visitor(t)
	bob.get("/visit")
	bob.at(shop).get("/login?user=2")
	bob.wantBoth("after a login at the shop", shop, "2")
	if sees = bob.wantDjango("with values", "2"); !slices.Equal(sees.Cart, djangoCart) || sees.Language != "fr" {
		t.Errorf("of the shop's values Django has %+v", sees)
	}
	bob.get("/logout")
	bob.at(shop).wantDjango("after a logout at Django", "")

	bob.at(shop).get("/login?user=2")
	site.visitor(t).get("/change?user=bob&password=secret+of+bob")
	bob.at(shop).wantDjango("after a new password", "")
	bob.login("bob").wantBoth("with the new password", shop, "2")
}

// djangoLeaves is the migration in one step: what Django has comes along, and its cookie goes.
func djangoLeaves(t *testing.T, site djangoSite) {
	t.Helper()
	i := site.importer
	i.Mirror = nil
	shop := startShop(t, memstore.New(), i) // another one: signed cookies of the same second and values are the same
	ann := site.visitor(t).login("ann")
	old := ann.cookie()
	for range 2 {
		sees := ann.at(shop).wantDjango("taken over", "user:1")
		if !slices.Equal(sees.Cart, djangoCart) || sees.Language != "ja" || ann.cookie() != "" {
			t.Errorf("the shop has %+v, and Django's cookie is %q", sees, ann.cookie())
		}
	}
	last := "0"
	if old[len(old)-1:] == last {
		last = "1"
	}
	site.visitor(t).with(old[:len(old)-1]+last).at(shop).wantDjango("a forged cookie", "")
	ann.at(shop).get("/logout")
	site.visitor(t).with(old).at(shop).wantDjango("a copy of the cookie after the logout", "")
}
