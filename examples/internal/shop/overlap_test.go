package shop

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

const adds = 20

// gate holds requests that have an X-Delay: they have read their sessions and have yet to change them.
type gate struct {
	held chan struct{} // one for each request that has arrived
	open chan struct{}
}

func (g *gate) pause(context.Context, time.Duration) {
	g.held <- struct{}{}
	<-g.open
}

// gated runs a test on every framework with a memory store.
func gated(t *testing.T, test func(t *testing.T, url string, g *gate)) {
	for _, framework := range frameworks {
		t.Run(framework, func(t *testing.T) {
			t.Parallel()
			g := &gate{make(chan struct{}), make(chan struct{})}
			a := newShop(t, t.Output())
			a.pause = g.pause
			test(t, serve(t, a, options{framework: framework, store: "memory", allowDelay: true}), g)
		})
	}
}

// late sends a request that has read its session when late returns, and that goes on once the gate is open.
func (v *visitor) late(g *gate, method, path, body string) (wait func() answer) {
	result := make(chan answer, 1)
	tab := v.copied()
	go func() {
		a, err := tab.try(method, path, body, "Content-Type", "application/x-www-form-urlencoded", "X-Delay", "1s")
		if err != nil {
			v.t.Error(err)
		}
		result <- a
	}()
	<-g.held
	return func() answer { return <-result }
}

// overlap has a visitor add twenty items at once while meanwhile happens, and returns the answers' statuses.
func overlap(t *testing.T, v *visitor, g *gate, meanwhile func()) []int {
	t.Helper()
	var waits []func() answer
	for i := range adds {
		waits = append(waits, v.late(g, http.MethodPost, "/cart/add", fmt.Sprintf("item=item+%02d", i)))
	}
	meanwhile()
	close(g.open)
	var statuses []int
	for _, wait := range waits {
		a := wait()
		if lines := a.header.Values("Set-Cookie"); len(lines) > 0 {
			t.Errorf("an add sets a cookie: %q", lines)
		}
		statuses = append(statuses, a.status)
	}
	return statuses
}

func TestOverlappingAddsAllCount(t *testing.T) {
	gated(t, func(t *testing.T, url string, g *gate) {
		v := program(t, url)
		v.post("/cart/add", "item=first").state(t)
		overlap(t, v, g, func() {})
		st := v.get("/cart").state(t)
		if len(st.Cart) != adds+1 {
			t.Errorf("%d items are left, want %d: %q", len(st.Cart), adds+1, st.Cart)
		}
	})
}

func TestLoginMeanwhile(t *testing.T) {
	gated(t, func(t *testing.T, url string, g *gate) {
		v := program(t, url)
		v.post("/cart/add", "item=first").state(t)
		loggedIn := v.copied()
		statuses := overlap(t, v, g, func() {
			loggedIn.post("/login", "username=user1&password=password1").state(t)
		})
		// Whoever planted a token before the login must not write into what the login has made of it.
		if i := slices.IndexFunc(statuses, func(s int) bool { return s != http.StatusConflict }); i >= 0 {
			t.Errorf("statuses of the adds: %v", statuses)
		}
		if loggedIn.cookie == v.cookie {
			t.Error("the login did not change the token")
		}
		st := loggedIn.get("/cart").state(t)
		if st.User == nil || *st.User != "user1" || len(st.Cart) != 1 {
			t.Errorf("after the login: user %v, %d items, want user1 and 1", st.User, len(st.Cart))
		}
	})
}

func TestLogoutMeanwhile(t *testing.T) {
	gated(t, func(t *testing.T, url string, g *gate) {
		v := program(t, url)
		v.post("/login", "username=user1&password=password1").state(t)
		kept := v.copied()
		statuses := overlap(t, kept, g, func() { v.post("/logout", "").state(t) })
		if i := slices.IndexFunc(statuses, func(s int) bool { return s != http.StatusConflict }); i >= 0 {
			t.Errorf("statuses of the adds: %v, want 409", statuses)
		}
		for _, v := range []*visitor{v, kept} {
			if st := v.get("/cart").state(t); st.User != nil || len(st.Cart) > 0 {
				t.Errorf("after the logout: user %v, cart %q", *st.User, st.Cart)
			}
		}
	})
}

func TestCheckoutOrdersWhatWasSeen(t *testing.T) {
	gated(t, func(t *testing.T, url string, g *gate) {
		v := browser(t, url)
		v.post("/cart/add", "item=apple").leadsTo(t, "/cart")
		wait := v.late(g, http.MethodPost, "/checkout", "")
		v.post("/cart/add", "item=bread").leadsTo(t, "/cart")
		close(g.open)
		wait().has(t, http.StatusConflict, "Another request changed the same thing")
		if st := program(t, url).as(v).get("/").state(t); strings.Join(st.Cart, " ") != "apple bread" {
			t.Errorf("the cart is %q, want both items", st.Cart)
		}
	})
}

// Two orders of the same cart are not both accepted.
func TestOneOrderOfACart(t *testing.T) {
	gated(t, func(t *testing.T, url string, g *gate) {
		v := program(t, url)
		v.post("/cart/add", "item=apple").state(t)
		first, second := v.late(g, http.MethodPost, "/checkout", ""), v.late(g, http.MethodPost, "/checkout", "")
		close(g.open)
		if a, b := first().status, second().status; a+b != http.StatusOK+http.StatusConflict {
			t.Errorf("the two orders: %d and %d, want 200 and 409", a, b)
		}
	})
}

// A page that shows messages must not fail or lose any because another request adds one.
func TestMessagesOverlap(t *testing.T) {
	gated(t, func(t *testing.T, url string, g *gate) {
		v := browser(t, url)
		v.post("/cart/add", "item=apple").leadsTo(t, "/cart")
		wait := v.late(g, http.MethodGet, "/cart", "")
		v.post("/cart/add", "item=bread").leadsTo(t, "/cart")
		close(g.open)
		wait().has(t, http.StatusOK, "Apple is in your cart.")
		a := v.get("/cart").has(t, http.StatusOK, "Bread is in your cart.")
		if strings.Contains(a.body, "Apple is in") {
			t.Error("a message is shown twice")
		}
	})
}

// as takes over another visitor's cookie.
func (v *visitor) as(other *visitor) *visitor {
	v.name, v.cookie = other.name, other.cookie
	return v
}
