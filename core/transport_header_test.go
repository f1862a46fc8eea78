package session

import (
	"strings"
	"testing"
)

func TestWhatAnAuthorizationHeaderPresents(t *testing.T) {
	for header, want := range map[string]struct {
		token  string
		bearer bool
	}{
		"":                           {"", false},
		"Basic dTpw":                 {"", false},
		"BearerX t":                  {"", false},
		"Bearer: t":                  {"", false},
		"t":                          {"", false},
		`Digest username="a", b="c"`: {"", false},
		"Bearer":                     {"", true},
		"bearer ":                    {"", true},
		"Bearer t":                   {"t", true},
		" \tBEARER   t \t":           {"t", true},
		"Bearer a b":                 {"a b", true},
		"Bearer\tt":                  {"\tt", true},
		"Bearer,t":                   {",t", true},
		"Bearer t, Bearer u":         {"t, Bearer u", true},
		"Basic dTpw, Bearer t":       {"Basic dTpw, Bearer t", true},
		", Bearer t":                 {", Bearer t", true},
		", bearer":                   {", bearer", true},
	} {
		if token, bearer := bearerToken(header); token != want.token || bearer != want.bearer {
			t.Errorf("%q: %q %t, want %q %t", header, token, bearer, want.token, want.bearer)
		}
	}
}

func FuzzBearerToken(f *testing.F) {
	for _, seed := range []string{
		"", "Bearer", "Bearer t", "bearer  t ", "Bearer a, Bearer b", "Basic x, bEARER\ty", "Bearer ,",
	} {
		f.Add(seed)
	}
	m, err := NewSealed(TemporaryKeys(), Options{Transport: Either})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, header string) {
		c := m.clientOf(onlyAsked{header: map[string]string{"Authorization": header}})
		if c.bearer && !strings.Contains(strings.ToLower(header), "bearer") {
			t.Errorf("%q is taken for a bearer's", header)
		}
		if !c.bearer {
			return
		}
		found := m.presented(c, onlyAsked{})
		if found.count > 1 || found.count > 0 && strings.Contains(header, ",") {
			t.Errorf("%q: %d tokens", header, found.count)
		}
		for _, token := range found.values[:found.count] {
			if token == "" || strings.ContainsAny(token, " \t,") || len(token) > maxCookie ||
				!strings.HasSuffix(trimBlanks(header), token) {
				t.Errorf("%q: token %q", header, token)
			}
		}
	})
}

// CookieLines is never asked of a bearer; the embedded Exchange is nil.
func TestABearersCookiesAreNotEvenRead(t *testing.T) {
	m, err := NewSealed(TemporaryKeys(), Options{Transport: Bearer})
	if err != nil {
		t.Fatal(err)
	}
	x := onlyAsked{}
	if found := m.presented(m.clientOf(x), x); found.count != 0 || found.skipped[0] != "" {
		t.Errorf("%+v", found)
	}
}
