package proof_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

type cartItem struct {
	Name  string `json:"name"`
	Count int    `json:"count"`
}

const (
	shopCart     session.Key[[]cartItem] = "cart"
	shopLanguage session.Key[string]     = "language"
)

// shop is the site after the switch. Its page says who the visitor is, and what is in the session.
type shop struct {
	t       *testing.T
	handler http.Handler
	events  []string
}

// openShop takes over what an importer opens, with the values "cart" and "language". user is where the importer has the
// visitor's id, which becomes "user:" and the id.
func openShop(t *testing.T, i session.Importer, user func(session.Foreign) any) *shop {
	t.Helper()
	i.Until = time.Now().AddDate(0, 1, 0)
	i.Values = map[string]session.AnyKey{"cart": shopCart, "language": shopLanguage}
	i.Subject = func(_ context.Context, f session.Foreign) (string, error) { return fmt.Sprint("user:", user(f)), nil }
	s := &shop{t: t}
	m, err := session.New(memstore.New(), session.Options{
		InsecureHTTP: true, Import: []session.Importer{i},
		OnEvent: func(_ context.Context, e session.Event) { s.events = append(s.events, string(e.Reason)) },
	})
	if err != nil {
		t.Fatal(err)
	}
	s.handler = httpsession.Middleware(m)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := httpsession.From(r)
		_, _ = fmt.Fprint(w, v.Subject(), " ", shopLanguage.Get(v), " ", shopCart.Get(v))
	}))
	return s
}

// visit returns the page and the cookies that the response sets: "" for one that it deletes.
func (s *shop) visit(cookies ...*http.Cookie) (page string, set map[string]string) {
	s.t.Helper()
	r := httptest.NewRequest(http.MethodGet, "http://localhost/", nil)
	for _, c := range cookies {
		r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	set = map[string]string{}
	for _, c := range w.Result().Cookies() {
		set[c.Name] = c.Value
	}
	return w.Body.String(), set
}

// takesOver checks that a visitor of the other system goes on here, as user 42 with two teas and in German, and that a
// cookie with another character in its id is nobody's.
func (s *shop) takesOver(old *http.Cookie) {
	s.t.Helper()
	const want = "user:42 de [{tea 2}]"
	page, set := s.visit(old)
	value, deleted := set[old.Name]
	if page != want || len(set) != 2 || !deleted || value != "" {
		s.t.Errorf("page %q, cookies %v, events %v; want %q", page, set, s.events, want)
	}
	for name, value := range set {
		if name == old.Name {
			continue
		}
		if page, _ := s.visit(&http.Cookie{Name: name, Value: value}); page != want {
			s.t.Errorf("the next request: page %q, want %q", page, want)
		}
	}
	if got := strings.Join(s.events, " "); !strings.Contains(got, string(session.ReasonImported)) {
		s.t.Errorf("events %s, want that one is imported", got)
	}
	forged, other := []byte(old.Value), byte('0')
	if forged[5] == other {
		other = '1'
	}
	forged[5] = other
	if page, _ := s.visit(&http.Cookie{Name: old.Name, Value: string(forged)}); page != "  []" {
		s.t.Errorf("a forged cookie: page %q", page)
	}
}
