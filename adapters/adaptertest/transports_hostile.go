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
		for what, header := range map[string]string{
			"a megabyte":       "Bearer " + strings.Repeat("A", 1<<20),
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

func eitherTransport(s *suite) {
	for _, st := range s.carriers(session.Options{Transport: session.Either}) {
		browser := st.get("/login", st.begun()).is(200, "in").issued()
		app := st.authorized("/add", "Bearer").is(200, "1").token()
		both := func(path, authorization string) *answer {
			return st.sendHeader("GET", path, http.Header{
				"Cookie": {cookieName + "=" + browser}, "Authorization": {authorization},
			})
		}
		both("/read", "Bearer "+app).is(200, "/1").tokenless()
		both("/read", "Bearer").is(200, "/0").tokenless()
		both("/read", "Bearer junk").is(200, "/0").tokenless()
		both("/add", "Bearer").is(200, "1").token()
		both("/logout", "Bearer junk").is(200, "out").tokenless()
		both("/read", "Basic dTpw").is(200, "user:1/1").untouched().tokenless()
		both("/read", "").is(200, "user:1/1").untouched().tokenless()
		in := both("/login", "Bearer "+app).is(200, "in").token()
		both("/logout", "Bearer "+in).is(200, "out").tokenless()
		st.reads(browser, "user:1", 1)
		if a := st.get("/add", ""); a.issued() == "" || a.header.Get("Session-Token") != "" {
			s.Error("a browser was given the token in a header too")
		}
		if _, deleted := both("/logout", "Basic dTpw").cookie(); !deleted {
			s.Error("the browser's logout leaves the cookie")
		}
	}
}

func eitherCrossSite(s *suite) {
	for _, st := range s.carriers(session.Options{Transport: session.Either}) {
		browser, app := st.get("/login", "").issued(), st.authorized("/login", "Bearer").token()
		from := func(path string, h http.Header) *answer {
			h["Sec-Fetch-Site"], h["Origin"] = []string{"cross-site"}, []string{"https://evil.test"}
			return st.sendHeader("POST", path, h)
		}
		from("/add", http.Header{"Cookie": {cookieName + "=" + browser}}).refused(403).tokenless()
		from("/add", http.Header{}).refused(403).tokenless()
		from("/add", http.Header{"Authorization": {"Basic dTpw"}}).refused(403).tokenless()
		from("/add", http.Header{"Authorization": {"Bearer"}}).is(200, "1").token()
		a := from("/add", http.Header{"Cookie": {cookieName + "=" + browser}, "Authorization": {"Bearer " + app}}).is(200, "1")
		if st.stored {
			a.tokenless()
		} else {
			app = a.token()
		}
		st.bears(app, "user:1", 1)
		st.reads(browser, "user:1", 0)
	}
}
