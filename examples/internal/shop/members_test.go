package shop

import (
	"net/http"
	"testing"
	"time"
)

// A thief with somebody's open browser must not be able to lock its owner out, so these need the password again.
func TestChangesNeedARecentLogin(t *testing.T) {
	clocked(t, options{}, func(t *testing.T, url string, c *clock) {
		lost, v := loggedIn(t, program(t, url), safari), loggedIn(t, program(t, url), firefox)
		person := browser(t, url).as(v)
		if v.get("/devices").status == http.StatusNotImplemented {
			t.Skip("sessions cannot be listed")
		}
		handle := other(t, v)
		c.advance(recently)
		other(t, v) // to look is no change
		for path, body := range map[string]string{"/devices/revoke": "handle=" + handle, "/devices/revoke-others": ""} {
			person.post(path, body).leadsTo(t, "/login?next=%2Fdevices")
			v.post(path, body).has(t, http.StatusUnauthorized,
				`{"error":"Please log in again: this needs a login within the last 10 minutes."}`)
		}
		if st := lost.get("/profile").state(t); *st.User != "user1" {
			t.Errorf("the other device is %+v", st)
		}
		person.get("/login?next=%2Fdevices").has(t, http.StatusOK, "You are logged in as user1.", "your password again",
			`value="user1"`, `name="next" value="/devices"`)
		person.post("/login", rightOne+"&next=/devices").leadsTo(t, "/devices")
		person.post("/devices/revoke", "handle="+handle).leadsTo(t, "/devices")
		lost.isLoggedOut(t, "the lost device")
	})
}

// Whatever another site makes a browser send changes nothing, gets no cookie and does not lose the one that is there.
func TestNothingComesFromAnotherSite(t *testing.T) {
	everywhere(t, func(t *testing.T, url string) {
		v := program(t, url)
		v.post("/login", "username=admin&password=password3").state(t)
		v.post("/cart/add", "item=apple").state(t)
		for path, r := range routes() {
			if _, ok := r[http.MethodPost]; !ok {
				continue
			}
			for _, header := range [][]string{
				{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://example.com"},
			} {
				for _, someone := range []*visitor{v, program(t, url), browser(t, url), browser(t, url).as(v)} {
					a := someone.post(path, "item=apple&username=user1&password=wrong&language=fr&theme=dark", header...).
						has(t, http.StatusForbidden, "This request comes from another site.")
					if set := a.header.Values("Set-Cookie"); len(set) > 0 {
						t.Errorf("%s with %s: %q sets a cookie: %q", path, header, a.body, set)
					}
				}
			}
		}
		if st := v.get("/").state(t); *st.User != "admin" || len(st.Cart) != 1 || st.Language != "en" {
			t.Errorf("afterwards: %+v", st)
		}
		program(t, url).post("/login", "username=user1&password=password1").state(t) // no guess counted
	})
}

func TestAProfileTellsWhenTheLoginEnds(t *testing.T) {
	clocked(t, options{}, func(t *testing.T, url string, c *clock) {
		v, at := browser(t, url), c.now().UTC()
		v.post("/login", rightOne).leadsTo(t, "/")
		c.advance(time.Minute)
		v.get("/profile").has(t, http.StatusOK, `datetime="`+at.Format(time.RFC3339)+`"`,
			`datetime="`+at.Add(12*time.Hour).Format(time.RFC3339)+`"`)
		v.post("/login", rightOne+"&remember=on").leadsTo(t, "/")
		v.get("/profile").has(t, http.StatusOK, `datetime="`+at.Add(time.Minute+90*day).Format(time.RFC3339)+`"`)
	})
}
