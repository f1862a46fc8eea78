package shop

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

const asJSON = "application/json"

// logsIn is a login of user1's with one field more, and what is said of its cookie.
func (v *visitor) logsIn(body, kind string) (st state, cookie string) {
	v.t.Helper()
	a := v.post("/login", body, "Content-Type", kind)
	return a.state(v.t), a.header.Get("Set-Cookie")
}

const form1, json1 = "application/x-www-form-urlencoded", asJSON

func TestRememberMe(t *testing.T) {
	everywhere(t, func(t *testing.T, url string) {
		for _, c := range []struct {
			body, kind string
			want       bool
		}{
			{rightOne + "&remember=on", form1, true}, {rightOne + "&remember=1", form1, true},
			{rightOne + "&remember=true", form1, true},
			{`{"username":"user1","password":"password1","remember":true}`, json1, true},
			{`{"username":"user1","password":"password1","remember":"true"}`, json1, true},
			{rightOne, form1, false}, {rightOne + "&remember=", form1, false}, {rightOne + "&remember=off", form1, false},
			{`{"username":"user1","password":"password1","remember":false}`, json1, false},
			{`{"username":"user1","password":"password1","remember":null}`, json1, false},
		} {
			v := program(t, url)
			st, cookie := v.logsIn(c.body, c.kind)
			if st.Remembered != c.want || strings.Contains(cookie, "Max-Age=7776000") != c.want ||
				strings.Contains(cookie, "Max-Age") != c.want {
				t.Errorf("%s: remembered %t with the cookie %s, want %t", c.body, st.Remembered, cookie, c.want)
			}
			if got := v.get("/").state(t).Remembered; got != c.want {
				t.Errorf("%s: remembered %t on the next page, want %t", c.body, got, c.want)
			}
		}
		for _, body := range []string{`{"username":true}`, `{"username":"user1","password":"password1","remember":1}`} {
			program(t, url).post("/login", body, "Content-Type", asJSON).has(t, http.StatusBadRequest)
		}
	})
}

// The browser's cookie and the session end together, each at its own idle and absolute end.
func TestRememberedSessionsEndLater(t *testing.T) {
	clocked(t, options{}, func(t *testing.T, url string, c *clock) {
		ordinary, kept := program(t, url), program(t, url)
		ordinary.post("/login", rightOne).state(t)
		kept.post("/login", rightOne+"&remember=on").state(t)
		c.advance(34 * time.Minute)
		ordinary.isLoggedOut(t, "an ordinary visitor after half an hour")
		for range 3 {
			c.advance(29 * day)
			if st := kept.get("/profile").state(t); *st.User != "user1" || !st.Remembered {
				t.Errorf("a remembered visitor after a month: %+v", st)
			}
		}
		c.advance(3 * day)
		kept.isLoggedOut(t, "a remembered visitor after ninety days")

		kept = program(t, url)
		kept.post("/login", rightOne+"&remember=on").state(t)
		c.advance(30*day + 30*day/10)
		kept.isLoggedOut(t, "a remembered visitor who was not here for a month")
	})
}

// A login says anew what is to be remembered, whatever the one before it said.
func TestRememberedBecomesOrdinaryAndBack(t *testing.T) {
	clocked(t, options{}, func(t *testing.T, url string, c *clock) {
		v := program(t, url)
		for _, want := range []bool{true, false, true} {
			body := rightOne
			if want {
				body += "&remember=on"
			}
			if st, cookie := v.logsIn(body, form1); st.Remembered != want || strings.Contains(cookie, "Max-Age") != want {
				t.Errorf("remembered %t, cookie %s, want %t", st.Remembered, cookie, want)
			}
			v.post("/cart/add", "item=tea").state(t)
			if st := v.get("/").state(t); st.Remembered != want {
				t.Errorf("remembered %t after a change, want %t", st.Remembered, want)
			}
		}
		v.post("/login", rightOne).state(t)
		c.advance(34 * time.Minute)
		v.isLoggedOut(t, "a visitor who is not remembered any more")
	})
}

func TestTheBoxOnTheLoginPage(t *testing.T) {
	on(t, options{store: "memory"}, func(t *testing.T, url string) {
		const box, ticked = `<input type="checkbox" name="remember" value="on">`,
			`<input type="checkbox" name="remember" value="on" checked>`
		v := browser(t, url)
		v.get("/login").has(t, http.StatusOK, box)
		v.post("/login", guess+"&remember=on").has(t, http.StatusUnauthorized, ticked)
		v.post("/login", rightOne).leadsTo(t, "/")
		v.get("/login").has(t, http.StatusOK, box)
		v.get("/profile").has(t, http.StatusOK, "Is logged out")
		v.post("/login", rightOne+"&remember=on").leadsTo(t, "/")
		v.get("/login").has(t, http.StatusOK, ticked)
		v.get("/profile").has(t, http.StatusOK, "Stays logged in")
	})
}

// More is at stake with admins, unless whoever starts the shop has decided otherwise.
func TestAdminsSessionsEndEarlier(t *testing.T) {
	for _, c := range []struct {
		o    options
		want time.Duration
	}{
		{options{}, adminIdle}, {options{absolute: time.Hour}, adminIdle}, {options{idle: time.Hour}, time.Hour},
		{options{idle: time.Minute}, time.Minute}, {options{absolute: 5 * time.Minute}, 5 * time.Minute},
	} {
		clocked(t, c.o, func(t *testing.T, url string, clock *clock) {
			v := program(t, url)
			v.post("/login", "username=admin&password=password3").state(t)
			clock.advance(c.want - time.Second)
			v.get("/admin").has(t, http.StatusOK)
			if c.o.absolute != c.want {
				clock.advance(c.want - time.Second)
				v.get("/admin").has(t, http.StatusOK)
			}
			clock.advance(c.want + c.want/10)
			v.get("/admin").has(t, http.StatusUnauthorized, `"expired":true`)
		})
	}
}
