package shop

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// loggedIn is a device of user1's.
func loggedIn(t *testing.T, v *visitor, agent string) *visitor {
	t.Helper()
	v.header["User-Agent"] = agent
	if a := v.post("/login", "username=user1&password=password1"); a.status != http.StatusOK &&
		a.status != http.StatusSeeOther {
		t.Fatalf("login: %d %s", a.status, a.body)
	}
	return v
}

const (
	firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	safari  = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) " +
		"Version/18.5 Safari/604.1"
)

// A user looks for the devices that are not his own, so each has to be told from the others and the present one marked.
func TestDevicesAreListed(t *testing.T) {
	on(t, options{store: "memory"}, func(t *testing.T, url string) {
		loggedIn(t, program(t, url), safari)
		v := loggedIn(t, program(t, url), firefox)
		program(t, url).post("/login", "username=user2&password=password2").state(t)
		devices := v.get("/devices").state(t).Devices
		if len(devices) != 2 {
			t.Fatalf("%d devices, want 2: %v", len(devices), devices)
		}
		slices.SortFunc(devices, func(a, b device) int { return strings.Compare(a.Agent, b.Agent) })
		for i, want := range []device{{Agent: "Firefox on Linux", Current: true}, {Agent: "Safari on iOS"}} {
			d := devices[i]
			if d.Agent != want.Agent || d.Current != want.Current || d.Network != "127.0.0.0/24" || d.Handle == "" {
				t.Errorf("device %d: %+v, want %+v on 127.0.0.0/24", i, d, want)
			}
			if age := time.Since(d.Created); age < 0 || age > patience || d.LastSeen.Before(d.Created) {
				t.Errorf("device %d: created %v, last seen %v, and now it is %v", i, d.Created, d.LastSeen, time.Now())
			}
		}
	})
}

// The other fields of a state are the same on every page, and programs need not expect devices on these.
func TestDevicesAreNotOnOtherPages(t *testing.T) {
	on(t, options{store: "memory"}, func(t *testing.T, url string) {
		v := loggedIn(t, program(t, url), firefox)
		if a := v.get("/profile").has(t, http.StatusOK); strings.Contains(a.body, "devices") {
			t.Errorf("devices on /profile: %s", a.body)
		}
		v.get("/devices").has(t, http.StatusOK, `"devices":[{"handle":"`, `"current":true,"created":"20`,
			`Z","last_seen":"20`)
	})
}

func TestDevicesPage(t *testing.T) {
	on(t, options{store: "memory"}, func(t *testing.T, url string) {
		v := loggedIn(t, browser(t, url), firefox)
		page := v.get("/devices").has(t, http.StatusOK, `<a href="/devices" aria-current="page">Devices</a>`,
			"Firefox on Linux", "this device", "127.0.0.0/24", " UTC</time>")
		if strings.Contains(page.body, "/devices/revoke-others") {
			t.Error("a button for other devices, and there are none")
		}
		loggedIn(t, browser(t, url), safari)
		page = v.get("/devices").has(t, http.StatusOK, "Safari on iOS", "/devices/revoke-others")
		if n := strings.Count(page.body, "this device"); n != 1 {
			t.Errorf("%d devices are marked as this one", n)
		}
		loggedIn(t, browser(t, url), "<script>")
		v.get("/devices").has(t, http.StatusOK, "Unknown device")
		v.post("/language", "language=es&next=/devices").leadsTo(t, "/devices")
		v.get("/devices").has(t, http.StatusOK, "Dispositivos", "este dispositivo", "Dispositivo desconocido",
			"Red: 127.0.0.0/24")
	})
}

func TestDevicesNeedALogin(t *testing.T) {
	on(t, options{store: "memory"}, func(t *testing.T, url string) {
		for path, r := range map[string]func(*visitor, string) answer{
			"/devices":               func(v *visitor, path string) answer { return v.get(path) },
			"/devices/revoke":        func(v *visitor, path string) answer { return v.post(path, "handle=x") },
			"/devices/revoke-others": func(v *visitor, path string) answer { return v.post(path, "") },
		} {
			r(browser(t, url), path).leadsTo(t, "/login?next=%2Fdevices")
			r(program(t, url), path).has(t, http.StatusUnauthorized, "Please log in first.")
			v := program(t, url)
			v.post("/cart/add", "item=apple").state(t)
			r(v, path).has(t, http.StatusUnauthorized, "Please log in first.")
		}
		v := browser(t, url)
		if a := v.get("/"); strings.Contains(a.body, "/devices") {
			t.Error("a link to the devices for a visitor who is not logged in")
		}
		v.post("/login", "username=user1&password=password1&next=/devices").leadsTo(t, "/devices")
	})
}

// other is the handle of the one device that is not the present one.
func other(t *testing.T, v *visitor) string {
	t.Helper()
	devices := v.get("/devices").state(t).Devices
	i := slices.IndexFunc(devices, func(d device) bool { return !d.Current })
	if len(devices) != 2 || i < 0 {
		t.Fatalf("devices %+v, want this one and another", devices)
	}
	return devices[i].Handle
}

// isLoggedOut asks for a page that needs a login, with the cookie that the visitor has.
func (v *visitor) isLoggedOut(t *testing.T, what string) {
	t.Helper()
	if a := v.get("/profile"); a.status != http.StatusUnauthorized && a.status != http.StatusSeeOther {
		t.Errorf("%s: /profile answers %d, as if logged in", what, a.status)
	}
}

func TestRevokeADevice(t *testing.T) {
	on(t, options{store: "memory"}, func(t *testing.T, url string) {
		lost, v := loggedIn(t, program(t, url), safari), loggedIn(t, program(t, url), firefox)
		handle := other(t, v)
		st := v.post("/devices/revoke", "handle="+handle).state(t)
		if len(st.Devices) != 1 || !st.Devices[0].Current || *st.User != "user1" {
			t.Errorf("what is left: %+v", st)
		}
		lost.isLoggedOut(t, "the lost device")
		v.post("/devices/revoke", "handle="+handle).has(t, http.StatusNotFound,
			"This device is not logged in to your account.")

		lost = loggedIn(t, browser(t, url), safari)
		page := browser(t, url).as(v)
		page.post("/devices/revoke", "handle="+other(t, v)).leadsTo(t, "/devices")
		page.get("/devices").has(t, http.StatusOK, "The device is logged out.")
		lost.isLoggedOut(t, "the lost browser")
	})
}

// A handle is no secret, so it must be good for nothing in the hands of another user.
func TestRevokeOnlyOwnDevices(t *testing.T) {
	on(t, options{store: "memory"}, func(t *testing.T, url string) {
		victim, v := loggedIn(t, program(t, url), safari), program(t, url)
		handle := victim.get("/devices").state(t).Devices[0].Handle
		v.post("/login", "username=user2&password=password2").state(t)
		for _, body := range []string{"handle=" + handle, "handle=nonesuch", "handle=", ""} {
			v.post("/devices/revoke", body).has(t, http.StatusNotFound, "This device is not logged in to your account.")
		}
		v.post("/devices/revoke-others", "").state(t)
		if st := victim.get("/profile").state(t); *st.User != "user1" {
			t.Errorf("the victim is %q", *st.User)
		}
	})
}

// It is a logout in every respect: an ended session's cookie would only confuse.
func TestRevokeThisDevice(t *testing.T) {
	on(t, options{store: "memory"}, func(t *testing.T, url string) {
		for _, kind := range []func(*testing.T, string) *visitor{browser, program} {
			v := loggedIn(t, kind(t, url), firefox)
			handle := program(t, url).as(v).get("/devices").state(t).Devices[0].Handle
			kept := kind(t, url).as(v)
			a := v.post("/devices/revoke", "handle="+handle)
			if line := a.header.Get("Set-Cookie"); v.cookie != "" || !strings.Contains(line, "Max-Age=0") {
				t.Errorf("the cookie is not deleted but %q", line)
			}
			if a.status == http.StatusSeeOther {
				a.leadsTo(t, "/")
			} else if st := a.state(t); st.User != nil || len(st.Devices) > 0 {
				t.Errorf("after the logout: %+v", st)
			}
			kept.isLoggedOut(t, "the old cookie")
		}
	})
}

func TestRevokeOtherDevices(t *testing.T) {
	on(t, options{store: "memory"}, func(t *testing.T, url string) {
		lost := []*visitor{loggedIn(t, program(t, url), safari), loggedIn(t, browser(t, url), firefox)}
		v := loggedIn(t, program(t, url), firefox)
		if st := v.post("/devices/revoke-others", "").state(t); len(st.Devices) != 1 || !st.Devices[0].Current {
			t.Errorf("what is left: %+v", st.Devices)
		}
		for _, l := range lost {
			l.isLoggedOut(t, "another device")
		}
		loggedIn(t, program(t, url), safari)
		page := browser(t, url).as(v)
		page.post("/devices/revoke-others", "").leadsTo(t, "/devices")
		page.get("/devices").has(t, http.StatusOK, "All other devices are logged out.")
	})
}

// A page of another site must not be able to log a visitor out.
func TestRevokeFromAnotherSite(t *testing.T) {
	on(t, options{store: "memory"}, func(t *testing.T, url string) {
		loggedIn(t, program(t, url), safari)
		v := loggedIn(t, program(t, url), firefox)
		for _, path := range []string{"/devices/revoke", "/devices/revoke-others"} {
			v.post(path, "handle="+other(t, v), "Sec-Fetch-Site", "cross-site").has(t, http.StatusForbidden)
		}
		other(t, v)
	})
}

// noDevices is what a visitor meets where sessions cannot be listed: a sentence, and no link that leads to it.
func noDevices(t *testing.T, url string) {
	v := loggedIn(t, browser(t, url), firefox)
	if a := v.get("/").has(t, http.StatusOK); strings.Contains(a.body, "/devices") {
		t.Error("a link to a page that does not work")
	}
	const sentence = "This shop cannot list the devices that are logged in"
	for _, v := range []*visitor{v, program(t, url).as(v), program(t, url)} {
		v.get("/devices").has(t, http.StatusNotImplemented, sentence)
		v.post("/devices/revoke", "handle=x").has(t, http.StatusNotImplemented, sentence)
		v.post("/devices/revoke-others", "").has(t, http.StatusNotImplemented, sentence)
	}
	if st := program(t, url).as(v).get("/profile").state(t); *st.User != "user1" {
		t.Errorf("afterwards the visitor is %q", *st.User)
	}
}

func TestNoDevicesInCookies(t *testing.T) {
	on(t, options{store: "cookie", sealer: "aead"}, noDevices)
}
