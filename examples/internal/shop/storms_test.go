package shop

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

const storm = 50

// stormed serves a shop whose requests with an X-Delay wait at the gate.
func stormed(t *testing.T, o options) (*visitor, *gate) {
	t.Helper()
	g := &gate{make(chan struct{}), make(chan struct{})}
	a := newShop(t, t.Output())
	a.pause = g.pause
	return program(t, serve(t, a, o)), g
}

// storm has a visitor add so many different items at once. All requests have read the session when it returns, and
// none has changed it.
func (v *visitor) storm(g *gate) (wait func() []answer) {
	var waits []func() answer
	for i := range storm {
		waits = append(waits, v.late(g, http.MethodPost, "/cart/add", fmt.Sprintf("item=%02d", i)))
	}
	return func() (answers []answer) {
		for _, wait := range waits {
			answers = append(answers, wait())
		}
		return answers
	}
}

// TestEveryStore tries what depends on the store most: requests of one visitor that overlap, and lists of sessions.
func TestEveryStore(t *testing.T) {
	onBackends(t, func(t *testing.T, o options) {
		t.Run("adds", func(t *testing.T) { parallelAddsAllCount(t, o) })
		t.Run("logout", func(t *testing.T) { logoutWins(t, o) })
		t.Run("devices", func(t *testing.T) { revocationReachesOthers(t, o) })
	})
}

// A store that lets two writes of one version through loses an item here.
func parallelAddsAllCount(t *testing.T, o options) {
	v, g := stormed(t, o)
	v.post("/cart/add", "item=first").state(t)
	wait := v.storm(g)
	close(g.open)
	for i, a := range wait() {
		a.has(t, http.StatusOK)
		if lines := a.header.Values("Set-Cookie"); len(lines) > 0 {
			t.Errorf("add %d sets a cookie", i)
		}
	}
	want := []string{"first"}
	for i := range storm {
		want = append(want, fmt.Sprintf("%02d", i))
	}
	got := v.get("/cart").state(t).Cart
	slices.Sort(got[1:])
	if !slices.Equal(got, want) {
		t.Errorf("%d items are left: %q; want %d: %q", len(got), got, len(want), want)
	}
}

// Half of the requests race the logout and half come after it. None may bring the session back, because a visitor who
// has logged out may have left the computer to somebody else.
func logoutWins(t *testing.T, o options) {
	v, g := stormed(t, o)
	v.post("/login", "username=user1&password=password1").state(t)
	kept := v.copied()
	wait := kept.storm(g)
	var logout sync.WaitGroup
	logout.Go(func() {
		if a, err := v.try(http.MethodPost, "/logout", ""); err != nil || a.status != http.StatusOK {
			t.Errorf("logout: %d %s, error %v", a.status, a.body, err)
		}
	})
	for range storm / 2 {
		g.open <- struct{}{}
	}
	logout.Wait()
	close(g.open)
	count := map[int]int{}
	for _, a := range wait() {
		count[a.status]++
		if lines := a.header.Values("Set-Cookie"); len(lines) > 0 {
			t.Errorf("an add that is answered %d sets a cookie", a.status)
		}
	}
	if count[http.StatusConflict] < storm/2 || count[http.StatusOK]+count[http.StatusConflict] != storm {
		t.Errorf("the adds' statuses: %v, want 409 for those after the logout and 200 or 409 for the others", count)
	}
	for name, v := range map[string]*visitor{"the old cookie": kept, "the visitor": v} {
		v.isLoggedOut(t, name)
		if st := v.get("/cart").state(t); st.User != nil || len(st.Cart) > 0 {
			t.Errorf("%s: after the logout there are a user and %d items", name, len(st.Cart))
		}
	}
}

// Where sessions can be listed they can be ended from elsewhere, and where they cannot the shop says so.
func revocationReachesOthers(t *testing.T, o options) {
	url := open(t, o)
	if strings.HasPrefix(o.store, "memcached:") {
		noDevices(t, url)
		return
	}
	lost, v := program(t, url), program(t, url)
	for _, v := range []*visitor{lost, v} {
		v.post("/login", "username=user2&password=password2").state(t)
	}
	v.post("/devices/revoke", "handle="+other(t, v)).state(t)
	lost.isLoggedOut(t, "the lost device")
	lost.post("/login", "username=user2&password=password2").state(t)
	if st := v.post("/devices/revoke-others", "").state(t); len(st.Devices) != 1 {
		t.Errorf("what is left: %+v", st.Devices)
	}
	lost.isLoggedOut(t, "the lost device")
	v.post("/logout", "").state(t)
}
