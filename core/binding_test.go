package session_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

const (
	firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	chrome  = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/140.0.0.0 Safari/537.36"
	atHome  = "203.0.113.7:4711"
	abroad  = "198.51.100.9:4711"
)

// visitAs runs f on a request of a client.
func (w *world) visitAs(t *testing.T, agent, address, cookie string, f func(*session.Session)) *visit {
	t.Helper()
	return w.visitFrom(t, map[string]string{"User-Agent": agent}, address, cookie, f)
}

func (w *world) visitFrom(
	t *testing.T, header map[string]string, address, cookie string, f func(*session.Session),
) *visit {
	t.Helper()
	v := &visit{t: t, x: exchange{response: map[string][]string{}, header: header}}
	v.x.facts.RemoteAddr = address
	if cookie != "" {
		v.x.lines = []string{cookieName + "=" + cookie}
	}
	v.ctx, _ = w.Begin(t.Context(), &v.request, &v.x)
	v.Session = v.request.Session()
	f(v.Session)
	return v.finish()
}

func bound(t *testing.T, b session.Binding) map[string]*world {
	t.Helper()
	worlds := map[string]*world{"stored": newWorld(t, session.Options{Binding: b})}
	if b.Agent != session.End && b.Network != session.End {
		worlds["sealed"] = newSealed(t, session.TemporaryKeys(), session.Options{Binding: b, Sealer: session.AEAD})
	}
	worlds["revocable"] = newRevocable(t, session.Options{Binding: b})
	return worlds
}

func loginAndCount(s *session.Session) { s.Login("user:1"); count.Set(s, 1) }

// What each policy does to whom. The stronger one counts where both differ.
func TestBindingPolicies(t *testing.T) {
	const none, told, refused, ended = 0, 1, 2, 3
	both := func(p session.BindingPolicy) session.Binding { return session.Binding{Agent: p, Network: p} }
	for _, c := range []struct {
		why            string
		binding        session.Binding
		agent, address string
		want           int
	}{
		{"the owner", both(session.Refuse), firefox, atHome, none},
		{"an update", both(session.End), strings.ReplaceAll(firefox, "140", "141"), "203.0.113.99:1", none},
		{"another browser, ignored", session.Binding{Network: session.End}, chrome, atHome, none},
		{"another network, ignored", session.Binding{Agent: session.End}, firefox, abroad, none},
		{"another browser, reported", session.Binding{Agent: session.Report}, chrome, atHome, told},
		{"another network, reported", session.Binding{Network: session.Report}, firefox, abroad, told},
		{"another browser, refused", session.Binding{Agent: session.Refuse, Network: session.Report}, chrome, atHome,
			refused},
		{"no browser at all", session.Binding{Agent: session.Refuse}, "", atHome, refused},
		{"no address", session.Binding{Network: session.Refuse}, firefox, "@", refused},
		{"both, the agent's is stronger", session.Binding{Agent: session.Refuse, Network: session.Report}, chrome, abroad,
			refused},
		{"both, the network's is stronger", session.Binding{Agent: session.Report, Network: session.Refuse}, chrome, abroad,
			refused},
		{"only the weaker one differs", session.Binding{Agent: session.Report, Network: session.End}, chrome, atHome, told},
		{"ended", session.Binding{Agent: session.End}, chrome, atHome, ended},
		{"ended by the network", session.Binding{Agent: session.Report, Network: session.End}, firefox, abroad, ended},
	} {
		for kind, w := range bound(t, c.binding) {
			cookie := w.visitAs(t, firefox, atHome, "", loginAndCount).succeeded().issued()
			owner := ""
			w.visitAs(t, firefox, atHome, cookie, func(s *session.Session) { owner = s.Handle() })
			w.events = nil
			w.visitAs(t, c.agent, c.address, cookie, func(s *session.Session) {
				in, why := s.Subject() == "user:1" && count.Get(s) == 1, s.Reason()
				if in != (c.want <= told) || (why == session.ReasonOtherClient) != (c.want >= refused) || why.Lapsed() {
					t.Errorf("%s, %s: let in %t, reason %q", kind, c.why, in, why)
				}
			}).succeeded().untouched()
			if w.saw(session.ReasonOtherClient) != (c.want >= told) || w.saw(session.ReasonRevoked) != (c.want == ended) {
				t.Errorf("%s, %s: events %+v", kind, c.why, w.events)
			}
			for _, e := range w.events {
				if e.Handle != owner || e.Subject != "user:1" || e.Err != nil {
					t.Errorf("%s, %s: event %+v, want the owner's handle and subject", kind, c.why, e)
				}
			}
			w.visitAs(t, firefox, atHome, cookie, func(s *session.Session) {
				if in := s.Subject() == "user:1"; in != (c.want != ended) {
					t.Errorf("%s, %s: afterwards the owner is in: %t", kind, c.why, in)
				}
			})
		}
	}
}

// All that a thief can do with the token, and whatever else the request does.
func TestWhatAThiefDoesLeavesTheOwnersSessionAlone(t *testing.T) {
	for what, deed := range map[string]func(*session.Session){
		"destroys":            func(s *session.Session) { s.Destroy() },
		"destroys and writes": func(s *session.Session) { s.Destroy(); count.Set(s, 9) },
		"writes":              func(s *session.Session) { count.Set(s, 9) },
		"logs in":             func(s *session.Session) { s.Login("user:2"); count.Set(s, 9) },
		"logs in as the same": func(s *session.Session) { s.Login("user:1"); count.Set(s, 9) },
		"renews":              func(s *session.Session) { s.Renew(); s.Touch(); s.Clear() },
		"saves":               func(s *session.Session) { name.Set(s, "thief"); _ = s.Save(); s.Destroy(); _ = s.Save() },
		"makes it last":       func(s *session.Session) { s.SetLifetime(session.Lifetime{Idle: time.Second}) },
		"asks for a form":     func(s *session.Session) { s.FormToken() },
	} {
		for kind, w := range bound(t, session.Binding{Agent: session.Refuse}) {
			cookie := w.visitAs(t, firefox, atHome, "", loginAndCount).succeeded().issued()
			before := w.loadedRecords(t)
			got, _ := w.visitAs(t, chrome, abroad, cookie, deed).cookie()
			if got == cookie || kind == "stored" && w.loadedRecords(t)[0] != before[0] {
				t.Errorf("%s: a thief who %s has changed the owner's record, or got the token", kind, what)
			}
			w.visitAs(t, firefox, atHome, cookie, func(s *session.Session) {
				if s.Subject() != "user:1" || count.Get(s) != 1 || name.Get(s) != "" || s.Reason() != "" {
					t.Errorf("%s: after a thief %s the owner is %q with %d and %q", kind, what, s.Subject(), count.Get(s),
						name.Get(s))
				}
			}).succeeded().untouched()
		}
	}
}

// The owner comes back from another network with the cookie that the browser keeps: only a login there replaces it.
func TestARefusedOwnerKeepsTheCookie(t *testing.T) {
	const fine = 200
	for what, c := range map[string]struct {
		deed   func(*session.Session)
		status int
	}{
		"reads":              {func(s *session.Session) { s.Exists() }, fine},
		"destroys":           {func(s *session.Session) { s.Destroy() }, fine},
		"asks for a form":    {func(s *session.Session) { s.FormToken() }, fine},
		"writes":             {func(s *session.Session) { count.Set(s, 9) }, 409},
		"writes into a form": {func(s *session.Session) { s.FormToken(); count.Set(s, 9) }, 409},
		"says goodbye":       {func(s *session.Session) { s.Destroy(); count.Set(s, 9) }, 409},
	} {
		for kind, w := range bound(t, session.Binding{Network: session.Refuse}) {
			cookie := w.visitAs(t, firefox, atHome, "", loginAndCount).succeeded().issued()
			v := w.visitAs(t, firefox, abroad, cookie, c.deed)
			if v.untouched(); v.ok != (c.status == fine) || !v.ok && v.instead.Status != c.status {
				t.Errorf("%s: who %s abroad is answered %t with %d, want %d", kind, what, v.ok, v.instead.Status, c.status)
			}
			fresh := w.visitAs(t, firefox, abroad, cookie, func(s *session.Session) {
				s.Login("user:1")
				_ = s.Save()
				s.Destroy()
				_ = s.Save()
				count.Set(s, 1)
			}).succeeded().issued()
			if fresh == cookie {
				t.Errorf("%s: the session of a login abroad has the token of the one at home", kind)
			}
		}
	}
}

// loadedRecords are the contents of all records, in the order in which they were created.
func (w *world) loadedRecords(t *testing.T) (data []string) {
	t.Helper()
	for _, id := range w.ids {
		r, err := w.store.Inner().Load(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		data = append(data, string(r.Data)+r.Seen.String()+r.Expires.String())
	}
	return data
}

// Whoever was not noted is not judged: the day on which the option is switched on logs nobody out.
func TestSessionsWithoutHintsPass(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.visitAs(t, firefox, atHome, "", loginAndCount).issued()
	m, err := session.New(w.store, w.observed(session.Options{Binding: session.Binding{Agent: session.End}}))
	if err != nil {
		t.Fatal(err)
	}
	w.Manager = m
	w.visitAs(t, chrome, abroad, cookie, func(s *session.Session) {
		if s.Subject() != "user:1" {
			t.Error("a session from before the option was refused")
		}
		s.Login("user:1") // from now on it is bound to this client
	}).succeeded()
	if w.saw(session.ReasonOtherClient) {
		t.Error("an event tells of a client that nobody noted")
	}
}

func TestALoginBindsToItsClient(t *testing.T) {
	for kind, w := range bound(t, session.Binding{Agent: session.Report}) {
		cookie := w.visitAs(t, firefox, atHome, "", loginAndCount).issued()
		cookie = w.visitAs(t, chrome, abroad, cookie, loginAndCount).issued()
		w.events = nil
		w.visitAs(t, chrome, atHome, cookie, func(s *session.Session) { s.Exists() })
		if w.saw(session.ReasonOtherClient) {
			t.Errorf("%s: the client of the last login is another one", kind)
		}
	}
}

// A renewed token is handed out to whoever presents the old one, but not to another client.
func TestARenewedTokenIsNotGivenToAnotherClient(t *testing.T) {
	w := newWorld(t, session.Options{RenewAfter: time.Minute, Binding: session.Binding{Agent: session.Refuse}})
	old := w.visitAs(t, firefox, atHome, "", loginAndCount).issued()
	w.now = w.now.Add(time.Minute)
	fresh := w.visitAs(t, firefox, atHome, old, func(s *session.Session) { s.Exists() }).issued()
	w.visitAs(t, chrome, abroad, old, func(s *session.Session) { s.Exists() }).succeeded().untouched()
	if got := w.visitAs(t, firefox, atHome, old, func(s *session.Session) { s.Exists() }).issued(); got != fresh {
		t.Error("the owner is given another token after the thief came by")
	}
}

// The network in X-Forwarded-For is the client's word alone unless a trusted proxy has written it.
func TestBindingBelievesTrustedProxiesOnly(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	for _, c := range []struct {
		why          string
		trusted      []netip.Prefix
		peer, header string
		in           bool
	}{
		{"another proxy of yours", proxies, "10.0.0.2:1", "203.0.113.8", true},
		{"somebody else behind it", proxies, "10.0.0.2:1", "198.51.100.9", false},
		{"somebody else who claims to be the owner", proxies, "10.0.0.2:1", "203.0.113.7, 198.51.100.9", false},
		{"a stranger who claims to be behind it", proxies, "198.51.100.9:1", "203.0.113.7", false},
		{"without trust all behind a proxy are one network", nil, "10.0.0.2:1", "198.51.100.9", true},
	} {
		w := newWorld(t, session.Options{TrustedProxies: c.trusted, Binding: session.Binding{Network: session.Refuse}})
		owner := map[string]string{"X-Forwarded-For": "203.0.113.7"}
		cookie := w.visitFrom(t, owner, "10.0.0.1:1", "", loginAndCount).issued()
		sent := map[string]string{"X-Forwarded-For": c.header}
		w.visitFrom(t, sent, c.peer, cookie, func(s *session.Session) {
			if in := s.Exists(); in != c.in {
				t.Errorf("%s: let in %t, want %t", c.why, in, c.in)
			}
		})
	}
}

// The thief's request is answered all the same, and the failure is told.
func TestAnEndThatFailsIsAnEvent(t *testing.T) {
	w := newWorld(t, session.Options{Binding: session.Binding{Agent: session.End}})
	cookie := w.visitAs(t, firefox, atHome, "", loginAndCount).issued()
	w.store.Before(fail("Update", "Delete"))
	w.visitAs(t, chrome, abroad, cookie, func(s *session.Session) {
		if s.Exists() || s.Reason() != session.ReasonOtherClient {
			t.Errorf("let in %t, reason %q", s.Exists(), s.Reason())
		}
	})
	if !w.saw(session.ReasonCommitFailed) || w.saw(session.ReasonRevoked) {
		t.Errorf("events %+v", w.events)
	}
}

func TestBindingIsChecked(t *testing.T) {
	for what, b := range map[string]session.Binding{
		"Agent": {Agent: -1}, "Network": {Network: session.End + 1}, "sealed": {Network: session.End},
	} {
		_, err := session.NewSealed(session.TemporaryKeys(), session.Options{Binding: b})
		if err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// Only what is compared is noted, and nothing of a sealed session's client for ClientHints, which nobody could list.
func TestBindingNotesWhatItCompares(t *testing.T) {
	w := newWorld(t, session.Options{Binding: session.Binding{Agent: session.Report}})
	w.visitAs(t, firefox, atHome, "", loginAndCount)
	if list := w.list(t, "user:1"); len(list) != 1 || list[0].Agent != "Firefox on Linux" || list[0].Network != "" {
		t.Errorf("%+v", list)
	}
	hinted := newSealed(t, session.TemporaryKeys(), session.Options{ClientHints: true})
	hinted.visitAs(t, firefox, atHome, "", func(s *session.Session) {
		if s.Login("user:1"); s.Info().Agent != "" {
			t.Errorf("%+v", s.Info())
		}
	})
}
