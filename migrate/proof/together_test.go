package proof_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/coatcheck/coatcheck/internal/servers"
)

// site is a host with the three, and the server without which Flask or Django does not know its sessions any more.
type site struct {
	host   *url.URL
	server *servers.Server
}

// TestTogether: real Flask and real Django beside the real shop, behind one host, share their logins.
func TestTogether(t *testing.T) {
	needPython(t, map[string]string{"django": "python3-django"})
	postgres, redis := servers.PostgreSQL(t), servers.Redis(t)
	flask := startFlask(t, flaskApps{
		"cookie": {},
		"redis":  {"SESSION_TYPE": "redis", "SERVER": "redis://" + redis.Addr, "SERIALIZER": "json"},
	})
	django := startPython(t, "django_app.py", map[string]string{"psycopg2": "python3-psycopg2"}, "ENGINE=db",
		"POSTGRESQL="+postgres.Addr, "SECRET_KEY="+djangoSecret, "USERS="+strings.Join(users, " "))
	env := []string{"DJANGO_SECRET_KEY=" + djangoSecret, "DJANGO_DATABASE_URL=" + servers.PostgreSQLURL(postgres)}
	shop := buildShop(t)
	sites := map[string]func(*testing.T) site{
		"redis": func(t *testing.T) site {
			at := runShop(t, shop, "redis://"+redis.Addr, append(env, "FLASK_SECRET_KEY="+flaskSecret)...)
			return site{startHost(t, at, flask+"cookie", django), postgres}
		},
		"postgresql": func(t *testing.T) site {
			at := runShop(t, shop, servers.PostgreSQLURL(postgres), append(env, "FLASK_SESSION_REDIS=redis://"+redis.Addr)...)
			return site{startHost(t, at, flask+"redis", django), redis}
		},
	}
	for name, start := range sites {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			for what, scenario := range map[string]func(*testing.T, site){
				"login and logout": loginAndLogout, "another user": anotherUser, "cart": cartStays, "language": languageComes,
				"password": passwordEnds, "devices": devicesEnd, "at once": atOnce,
			} {
				t.Run(what, func(t *testing.T) { scenario(t, s) })
			}
			t.Run("down", func(t *testing.T) { serverDown(t, s) })
		})
	}
}

var three = []string{"shop", "flask", "django"}

// eachGuest runs a test with a new browser for each of the three.
func eachGuest(t *testing.T, s site, test func(t *testing.T, g guest, at string)) {
	for _, at := range three {
		t.Run(at, func(t *testing.T) { test(t, newGuest(t, s.host), at) })
	}
}

// loginAndLogout: a login on one is one on all once the shop has been visited, and so is a logout. Copies of all
// cookies from before a logout open nothing at the shop.
func loginAndLogout(t *testing.T, s site) {
	eachGuest(t, s, func(t *testing.T, g guest, in string) {
		for i, out := range three {
			g.agent = fmt.Sprint(g.agent, "+", i)
			g.logIn(in, "user1", "")
			g.is("after a login at "+in, "user1")
			g.is("later", "user1")
			before := g.cookies()
			g.logOut(out)
			g.is("after a logout at "+out, "")
			if got := newGuest(t, s.host, before...).shop().User; got != "" {
				t.Errorf("copies of cookies from before a logout at %s are %q at the shop", out, got)
			}
		}
	})
}

// anotherUser: whoever logs in on one as somebody else is somebody else on all, without what was the other's.
func anotherUser(t *testing.T, s site) {
	eachGuest(t, s, func(t *testing.T, g guest, at string) {
		g.logIn("shop", "user1", "")
		noError(t, g.add("tea"))
		g.is("before", "user1")
		g.logIn(at, "user2", "")
		g.is("after a login as another at "+at, "user2")
		if cart := g.shop().Cart; len(cart) > 0 {
			t.Errorf("the other's cart is here: %v", cart)
		}
	})
}

// cartStays: what nobody has put into the carts of the three belongs to whoever logs in then.
func cartStays(t *testing.T, s site) {
	eachGuest(t, s, func(t *testing.T, g guest, at string) {
		noError(t, g.add("tea"))
		g.logIn("flask", "user2", "")
		g.logOut("flask") // which leaves the cart to nobody
		g.send("/django/visit", nil, nil)
		g.logIn(at, "user1", "")
		g.is("after a login at "+at, "user1")
		if cart := g.shop().Cart; !slices.Equal(cart, []string{"tea"}) {
			t.Errorf("after a login at %s the cart has %v, want tea", at, cart)
		}
		if cart := fmt.Sprint(g.flask().Values["cart"]); cart != "[apple banana]" {
			t.Errorf("after a login at %s Flask's cart has %s", at, cart)
		}
		if cart := g.django().Cart; !slices.Equal(cart, djangoCart) {
			t.Errorf("after a login at %s Django's cart has %v", at, cart)
		}
	})
}

// languageComes: the language that was chosen where the visitor logs in is the others' too.
func languageComes(t *testing.T, s site) {
	eachGuest(t, s, func(t *testing.T, g guest, at string) {
		if at == "shop" {
			g.send("/language", url.Values{"language": {"fr"}}, nil)
		}
		g.logIn(at, "user1", "&language=fr")
		g.is("after a login at "+at, "user1")
		if got := []any{g.shop().Language, g.flask().Values["language"], g.django().Language}; got[0] != "fr" ||
			got[1] != "fr" || got[2] != "fr" {
			t.Errorf("after a login at %s the languages of shop, Flask and Django are %v, want fr", at, got)
		}
	})
}

// passwordEnds: who changes the password at Django ends the logins that were made with the old one.
func passwordEnds(t *testing.T, s site) {
	eachGuest(t, s, func(t *testing.T, g guest, at string) {
		g.logIn(at, "user2", "")
		g.is("before", "user2")
		newGuest(t, s.host).send("/django/change?user=user2&password=secret+of+user2", nil, nil)
		g.is("after Django's password was changed", "")
	})
}

// devicesEnd: who logs out his other devices at the shop logs them out everywhere, wherever they had logged in.
func devicesEnd(t *testing.T, s site) {
	others := map[string]guest{}
	for _, at := range three {
		others[at] = newGuest(t, s.host)
		others[at].logIn(at, "admin", "")
		others[at].is("before", "admin")
	}
	g := newGuest(t, s.host)
	g.logIn("shop", "admin", "")
	g.send("/devices/revoke-others", url.Values{}, nil)
	for at, other := range others {
		other.is("after the other devices were logged out, at "+at, "")
	}
	g.is("who has logged them out", "admin")
}

// atOnce: requests that come together with cookies of Flask or Django only lose nothing of what they change.
func atOnce(t *testing.T, s site) {
	eachGuest(t, s, func(t *testing.T, g guest, at string) {
		for _, first := range []string{"", "tea"} {
			if first != "" {
				noError(t, g.add(first))
			}
			g.logIn(at, "user1", "")
			const count = 6
			var all sync.WaitGroup
			for i := range count {
				all.Go(func() {
					if err := g.add(fmt.Sprint("item ", i)); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			g.is("after requests at once", "user1")
			if cart := g.shop().Cart; len(cart) != count+len(first)/len("tea") {
				t.Errorf("the cart has %v, want %d items", cart, count)
			}
			g = newGuest(t, s.host)
		}
	})
}

// serverDown: as long as Flask or Django cannot be asked, nobody is logged in or out.
func serverDown(t *testing.T, s site) {
	in, out, half := newGuest(t, s.host), newGuest(t, s.host), newGuest(t, s.host)
	in.logIn("shop", "user1", "")
	in.is("before", "user1")
	half.logIn("flask", "user2", "")
	s.server.Stop()
	in.wantStatus("/", nil, http.StatusServiceUnavailable)
	in.wantStatus("/logout", url.Values{}, http.StatusServiceUnavailable)
	out.wantStatus("/", nil, http.StatusOK)
	out.wantStatus("/login", shopPassword("user1"), http.StatusServiceUnavailable)
	half.wantStatus("/", nil, http.StatusServiceUnavailable)
	if n := len(out.cookies()); n > 0 {
		t.Errorf("a login that failed has left %d cookies", n)
	}
	s.server.Start()
	in.is("after the server is back", "user1")
	out.is("who could not log in", "")
	half.is("who had logged in at Flask", "user2")
}
