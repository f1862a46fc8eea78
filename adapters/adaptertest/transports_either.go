package adaptertest

import (
	"net/http"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

func bearerCrossSite(s *suite) {
	for _, st := range s.carriers(bearer) {
		token := st.bear("/login", "").token()
		for _, h := range []http.Header{
			{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://app.test"}}, {"Origin": {"null"}},
			{"Sec-Fetch-Site": {"same-site"}, "Cookie": {cookieName + "=" + token}},
		} {
			st.sendHeader("POST", "/add", h).is(200, "1").token()
			h.Set("Authorization", "Bearer "+token)
			st.sendHeader("POST", "/read", h).is(200, "user:1/0").tokenless()
		}
		if st.saw(session.ReasonCrossSite) {
			s.Error("a bearer's request was taken for another site's")
		}
	}
}

func bearerGuard(s *suite) {
	for _, transport := range []session.Transport{session.Bearer, session.Either} {
		open, behind := s.guarded(session.Options{Transport: transport}, session.Guard{Login: "/login", Within: time.Minute})
		page := http.Header{"Accept": {acceptPages}, "Sec-Fetch-Mode": {"navigate"}}
		token := open.authorized("/login", "Bearer").token()
		for _, presented := range []string{"Bearer", "Bearer junk"} {
			page.Set("Authorization", presented)
			a := behind.sendHeader("GET", "/orders", page).is(401, "Please log in first.\n")
			if got := a.header.Get("WWW-Authenticate"); got != "Bearer" || a.header.Get("Location") != "" {
				s.Errorf("WWW-Authenticate %q, Location %q, want Bearer and none", got, a.header.Get("Location"))
			}
			if a.tokenless(); a.header.Get("Cache-Control") != "no-store" {
				s.Error("caches may keep a guard's answer")
			}
		}
		behind.bear("/orders", token).is(200, "inside").tokenless()
		page.Del("Authorization")
		want := map[session.Transport]int{session.Bearer: 401, session.Either: 303}
		if a := behind.sendHeader("GET", "/orders", page); a.status != want[transport] {
			s.Errorf("transport %d, a browser: status %d, want %d", transport, a.status, want[transport])
		}
		open.pass(time.Minute)
		stale := behind.bear("/orders", token).is(401, "Please log in again.\n")
		if stale.tokenless(); stale.header.Get("WWW-Authenticate") != "Bearer" {
			s.Error("a login that is too long ago is answered without WWW-Authenticate")
		}
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
		a := from("/add", http.Header{"Cookie": {cookieName + "=" + browser}, "Authorization": {"Bearer " + app}})
		a.is(200, "1")
		if st.stored {
			a.tokenless()
		} else {
			app = a.token()
		}
		st.bears(app, "user:1", 1)
		st.reads(browser, "user:1", 0)
	}
}
