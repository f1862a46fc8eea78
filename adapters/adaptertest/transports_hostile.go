package adaptertest

import (
	"net/http"
	"strings"

	session "github.com/coatcheck/coatcheck/core"
)

// asAnonymous fails the case unless the answer is an anonymous visitor's, or the server's own refusal of the request.
func (a *answer) asAnonymous(what string) {
	a.s.Helper()
	refusedByServer := a.err != nil || a.status == http.StatusBadRequest ||
		a.status == http.StatusRequestHeaderFieldsTooLarge
	if !refusedByServer && (a.status != 200 || a.body != "/0") {
		a.s.Errorf("%s: answer %d %q, want an anonymous visitor's", what, a.status, a.body)
	}
	a.tokenless()
}

func hostileBearers(s *suite) {
	for _, st := range s.carriers(bearer) {
		token := st.bear("/login", "").token()
		if st.stored { // servers refuse so much by themselves, and some take their time
			st.authorized("/read", "Bearer "+strings.Repeat("A", 1<<20)).asAnonymous("a megabyte")
		}
		for what, header := range map[string]string{
			"five kilobytes":   "Bearer " + strings.Repeat("A", 5<<10),
			"many commas":      strings.Repeat("Bearer ,", 500),
			"two tokens":       "Bearer " + token + " " + token,
			"two by comma":     "Bearer " + token + "," + token,
			"two schemes":      "Bearer " + token + ", Bearer " + token,
			"a tab before":     "Bearer\t" + token,
			"a tab behind":     "Bearer " + token + "\tx",
			"no blank":         "Bearer" + token,
			"a colon":          "Bearer: " + token,
			"quotes":           `Bearer "` + token + `"`,
			"no scheme":        token,
			"another scheme":   "Basic " + token,
			"a longer scheme":  "BearerX " + token,
			"a name":           "Bearer token=" + token,
			"a cookie":         "Bearer " + cookieName + "=" + token,
			"one letter less":  "Bearer " + token[:len(token)-1],
			"one letter more":  "Bearer " + token + "A",
			"not ASCII":        "Bearer " + token[:20] + "\xc3\xa9" + token[22:],
			"padding":          "Bearer " + token + "====",
			"percent-encoding": "Bearer %" + token,
			"nothing":          "",
			"the scheme alone": "Bearer",
			"and blanks":       "Bearer    ",
		} {
			st.store.Reset()
			st.authorized("/read", header).asAnonymous(what)
			wellFormed := what == "one letter less" || what == "one letter more" // perhaps, by its last bits
			if n := st.store.Count(""); n != 0 && !wellFormed {
				s.Errorf("%s: %d store calls, want none", what, n)
			}
		}
		st.bears(token, "user:1", 0)
		st.authorized("/read", "bearer  "+token+" ").is(200, "user:1/0").tokenless()
		if !st.saw(session.ReasonMalformed) {
			s.Error("no event tells of the malformed tokens")
		}
	}
}

func twoBearers(s *suite) {
	for _, transport := range []session.Transport{session.Bearer, session.Either} {
		for _, st := range s.carriers(session.Options{Transport: transport}) {
			token := st.bear("/login", st.authorized("/add", "Bearer").token()).token()
			for _, lines := range [][]string{
				{"Bearer " + token, "Bearer " + token}, {"Bearer " + token, "Bearer"}, {"Bearer", "Bearer " + token},
				{"Basic dTpw", "Bearer " + token}, {"Bearer " + token, "Basic dTpw"}, {"Bearer " + token, "Bearer x"},
				{"Digest a=b, c=d", "Bearer " + token},
			} {
				h := http.Header{"Authorization": lines, "Cookie": {cookieName + "=" + token}}
				st.store.Reset()
				st.sendHeader("GET", "/read", h).asAnonymous(strings.Join(lines, " and "))
				if n := st.store.Count(""); n != 0 {
					s.Errorf("%d store calls, want none", n)
				}
			}
			st.bears(token, "user:1", 1)
		}
	}
}

func tokensElsewhere(s *suite) {
	for _, transport := range []session.Transport{session.Bearer, session.Either} {
		st := s.stored(session.Options{Transport: transport})
		token := st.bear("/login", st.authorized("/add", "Bearer").token()).token()
		form := "token=" + token + "&access_token=" + token + "&session-token=" + token + "&" + cookieName + "=" + token
		st.store.Reset()
		for _, h := range []http.Header{
			{}, {"Session-Token": {token}}, {"X-Authorization": {"Bearer " + token}}, {"X-Session-Token": {token}},
			{"Proxy-Authorization": {"Bearer " + token}}, {"Sec-WebSocket-Protocol": {"bearer, " + token}},
		} {
			st.sendHeader("GET", "/read?"+form, h).is(200, "/0").tokenless()
		}
		r, err := http.NewRequestWithContext(s.Context(), http.MethodPost, st.url+"/read", strings.NewReader(form))
		if err != nil {
			s.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		st.do(r).is(200, "/0").tokenless()
		if n := st.store.Count(""); n != 0 {
			s.Errorf("%d store calls, want none", n)
		}
		st.bears(token, "user:1", 1)
	}
}
