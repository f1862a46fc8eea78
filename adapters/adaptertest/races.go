package adaptertest

import (
	"context"
	"strings"
	"sync"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

var races = []testCase{
	{"P5", "50 overlapping updates add up",
		"browsers send requests in parallel, and a change that was answered as saved must be there", updatesAddUp, ""},
	{"P5", "different keys both win", "two requests that touch different things do not even have a conflict",
		differentKeys, ""},
	{"P5", "a stale set is refused", "silently overwriting what another request has changed is how carts lose items",
		staleSet, ""},
	{"P6", "logout wins", "a logged-out session that comes back is a security hole", logoutWins, ""},
	{"P6", "logout wins over a racing login", "whoever pressed logout last seen as logged in believes to be safe",
		logoutEndsLogin, ""},
	{"P6", "revoked is over", "whoever ends a stolen session must not see a request in flight bring it back", revoked, ""},
	{"P7", "a login among updates keeps its cookie",
		"whoever planted a token before the login must not write into what the login makes", loginAmongUpdates, ""},
	{"P7", "a renewal among updates loses none", "a slow request must neither undo a renewal nor lose its own change",
		renewalAmongUpdates, ""},
	{"P8", "a periodic renewal logs nobody out", "a page asks for six things at once, and any of the answers may be lost",
		periodicRenewal, ""},
	{"P25", "a slow request is use", "who uploads for twenty minutes must not be logged out nine minutes after the answer",
		slowUse, ""},
	{"P7", "a straggler leaves the new cookie alone",
		"a request sent before the login's answer came must not replace the cookie that it brought", straggler, ""},
	{"P8", "login changes the token", "a token planted before the login must be worthless after it (session fixation)",
		loginChangesToken, ""},
	{"P9", "a request is over when it is over", "a goroutine left behind must not crash or see another visitor's data",
		requestOver, ""},
	{"P9", "two managers share a request", "an admin area has sessions of its own", twoManagers, ""},
	{"P9", "installed twice works once", "routers make it easy to install middleware on a group and on its parent",
		installedTwice, ""},
	{"P20", "a hang-up does not undo", "the visitor clicked and left; what the handler did stays done", hangUp, ""},
}

func updatesAddUp(s *suite) {
	st := s.stored(session.Options{})
	cookie := st.begun()
	g := newGate(50)
	st.slow("/slow", g, func(v *session.Session) { count.Update(v, addOne) })
	for _, a := range st.inFlight("/slow", cookie, 50, g)() {
		a.is(200, "done").untouched()
	}
	st.reads(cookie, "", 51)
}

func differentKeys(s *suite) {
	st := s.stored(session.Options{})
	cookie := st.begun()
	g := newGate(2)
	var mu sync.Mutex
	keys := []string{"a", "b"}
	st.slow("/slow", g, func(v *session.Session) {
		mu.Lock()
		defer mu.Unlock()
		session.Key[string](keys[0]).Set(v, keys[0])
		keys = keys[1:]
	})
	for _, a := range st.inFlight("/slow", cookie, 2, g)() {
		a.is(200, "done")
	}
	st.on("/both", func(c *Call) error {
		return c.Respond(200, session.Key[string]("a").Get(c.Session)+session.Key[string]("b").Get(c.Session))
	})
	st.get("/both", cookie).is(200, "ab")
}

func staleSet(s *suite) {
	st := s.stored(session.Options{})
	cookie := st.begun()
	g := newGate(1)
	st.on("/slow", func(c *Call) error {
		n := count.Get(c.Session)
		g.pass()
		count.Set(c.Session, n+1)
		return c.Respond(200, "done")
	})
	release := st.inFlight("/slow", cookie, 1, g)
	st.get("/add", cookie).is(200, "2")
	release()[0].refused(409).untouched()
	st.reads(cookie, "", 2)
}

func logoutWins(s *suite) {
	st := s.stored(session.Options{})
	cookie := st.get("/login", st.begun()).issued()
	g := newGate(50)
	st.slow("/slow", g, func(v *session.Session) { count.Update(v, addOne) })
	release := st.inFlight("/slow", cookie, 50, g)
	if _, deleted := st.get("/logout", cookie).is(200, "out").cookie(); !deleted {
		s.Error("the logout did not delete the cookie")
	}
	for _, a := range release() {
		a.refused(409).untouched()
	}
	st.reads(cookie, "", 0)
}

func revoked(s *suite) {
	st := s.stored(session.Options{})
	mine, stolen := st.get("/login", st.begun()).issued(), st.get("/login", st.begun()).issued()
	g := newGate(10)
	st.slow("/slow", g, func(v *session.Session) { count.Update(v, addOne) })
	st.on("/others", func(c *Call) error {
		n, err := st.manager.RevokeOthers(c.Context, c.Session)
		if err != nil {
			return err
		}
		return c.Respond(200, itoa(n))
	})
	release := st.inFlight("/slow", stolen, 10, g)
	st.get("/others", mine).is(200, "1").untouched()
	for _, a := range release() {
		a.refused(409).untouched()
	}
	st.reads(stolen, "", 0)
	st.reads(mine, "user:1", 1)
}

func logoutEndsLogin(s *suite) {
	st := s.stored(session.Options{})
	cookie := st.begun()
	g := newGate(1)
	st.slow("/slow", g, (*session.Session).Destroy)
	release := st.inFlight("/slow", cookie, 1, g)
	fresh := st.get("/login", cookie).is(200, "in").issued()
	release()[0].is(200, "done")
	st.reads(fresh, "", 0)
	st.reads(cookie, "", 0)
}

func loginAmongUpdates(s *suite) {
	st := s.stored(session.Options{})
	cookie := st.begun()
	g := newGate(50)
	st.slow("/slow", g, func(v *session.Session) { count.Update(v, addOne) })
	release := st.inFlight("/slow", cookie, 50, g)
	fresh := st.get("/login", cookie).is(200, "in").issued()
	for _, a := range release() {
		a.refused(409).untouched()
	}
	st.reads(fresh, "user:1", 1)
	st.reads(cookie, "", 0)
}

func renewalAmongUpdates(s *suite) {
	st := s.stored(session.Options{})
	cookie := st.begun()
	g := newGate(50)
	st.slow("/slow", g, func(v *session.Session) { count.Update(v, addOne) })
	st.on("/renew", func(c *Call) error { c.Session.Renew(); return c.Respond(200, "renewed") })
	release := st.inFlight("/slow", cookie, 50, g)
	fresh := st.get("/renew", cookie).is(200, "renewed").issued()
	for _, a := range release() {
		a.is(200, "done").untouched()
	}
	st.reads(fresh, "", 51)
	st.reads(cookie, "", 0)
}

func periodicRenewal(s *suite) {
	st := s.stored(session.Options{RenewAfter: 10 * time.Minute})
	cookie := st.get("/login", st.begun()).issued()
	st.pass(10 * time.Minute)
	g := newGate(6)
	st.slow("/slow", g, func(v *session.Session) { count.Update(v, addOne) })
	fresh := ""
	for _, a := range st.inFlight("/slow", cookie, 6, g)() {
		own := a.is(200, "done").issued()
		if fresh == "" {
			fresh = own
		}
		if own != fresh || own == cookie {
			s.Error("parallel requests were handed different tokens, or the old one")
		}
	}
	if late := st.get("/read", cookie).is(200, "user:1/7").issued(); late != fresh { // as if all answers had been lost
		s.Error("the old token was handed another token than the first time")
	}
	st.get("/read", fresh).is(200, "user:1/7").untouched()
	st.get("/add", cookie).is(200, "8")
	st.pass(time.Minute)
	st.get("/read", cookie).is(200, "/0")
	if !st.saw(session.ReasonReplayed) {
		s.Error("an old token that was used after its grace was not reported")
	}
	st.reads(fresh, "user:1", 8)
}

func slowUse(s *suite) {
	for _, st := range []*site{
		s.stored(session.Options{}), s.sealed(session.TemporaryKeys(), session.Options{Sealer: session.AEAD}),
	} {
		cookie := st.begun()
		g := newGate(1)
		st.slow("/slow", g, func(v *session.Session) { count.Get(v) })
		st.pass(time.Minute)
		release := st.inFlight("/slow", cookie, 1, g)
		st.pass(20 * time.Minute)
		if fresh, _ := release()[0].is(200, "done").cookie(); fresh != "" {
			cookie = fresh
		}
		st.pass(29 * time.Minute)
		st.reads(cookie, "", 1)
	}
}

func straggler(s *suite) {
	st := s.stored(session.Options{})
	old := st.begun()
	fresh := st.get("/login", old).is(200, "in").issued()
	st.reads(old, "", 0)
	st.get("/add", old).refused(409).untouched()
	st.reads(fresh, "user:1", 1)
}

func loginChangesToken(s *suite) {
	for _, st := range []*site{
		s.stored(session.Options{}),
		s.sealed(session.TemporaryKeys(), session.Options{}),
		s.sealed(session.TemporaryKeys(), session.Options{Sealer: session.AEAD}),
	} {
		old := st.begun()
		fresh := st.get("/login", old).is(200, "in").issued()
		if fresh == old {
			s.Error("the cookie is the same after the login")
		}
		st.reads(fresh, "user:1", 1)
		if _, deleted := st.get("/logout", fresh).is(200, "out").cookie(); !deleted {
			s.Error("the logout did not delete the cookie")
		}
		if st.store.Count("") > 0 { // a sealed cookie that somebody kept cannot be ended
			st.reads(old, "", 0)
			st.reads(fresh, "", 0)
		}
	}
}

func requestOver(s *suite) {
	st := s.stored(session.Options{})
	var kept []*session.Session
	var paths []string
	st.on("/keep", func(c *Call) error {
		kept, paths = append(kept, c.Session), append(paths, c.Path)
		note.Set(c.Session, "mine")
		return c.Respond(200, "kept")
	})
	st.get("/keep", "").is(200, "kept")
	for range 20 { // the framework may reuse what the first request had
		st.get("/add", st.begun()).is(200, "2")
	}
	if kept[0].Err() == nil || note.Get(kept[0]) != "" || count.Get(kept[0]) != 0 || kept[0].Save() == nil {
		s.Error("a session can be used after its request")
	}
	if paths[0] != "/keep" || !st.saw(session.ReasonRequestOver) {
		s.Errorf("path %q; reported: %t", paths[0], st.saw(session.ReasonRequestOver))
	}
}

func twoManagers(s *suite) {
	st := s.newSite()
	var managers []*session.Manager
	for _, name := range []string{"outer", "inner"} {
		m, err := session.New(st.store, session.Options{Name: name})
		if err != nil {
			s.Fatal(err)
		}
		managers = append(managers, m)
	}
	st.start(managers...)
	st.on("/both", func(c *Call) error {
		outer, inner := managers[0].From(c.Context), managers[1].From(c.Context)
		if inner != c.Session || session.From(c.Context) != inner || outer == inner {
			s.Error("From does not find each manager's session")
		}
		count.Set(inner, 2)
		count.Set(outer, 1)
		return c.Respond(200, itoa(count.Get(outer))+itoa(count.Get(inner)))
	})
	a := st.ask(context.Background(), "/both").is(200, "12")
	if lines := a.header.Values("Set-Cookie"); len(lines) != 2 ||
		strings.HasPrefix(lines[0], "__Host-outer=") == strings.HasPrefix(lines[1], "__Host-outer=") {
		s.Errorf("Set-Cookie %q, want one line for each manager", lines)
	}
	if control := a.header.Values("Cache-Control"); len(control) != 1 || control[0] != "no-store" {
		s.Errorf("Cache-Control %q, want one no-store", control)
	}
}

func installedTwice(s *suite) {
	st := s.newSite()
	m, err := session.New(st.store, session.Options{})
	if err != nil {
		s.Fatal(err)
	}
	st.start(m, m)
	cookie := st.begun()
	st.get("/add", cookie).is(200, "2").untouched()
}

func hangUp(s *suite) {
	st := s.stored(session.Options{})
	cookie := st.begun()
	ctx, hangUp := context.WithCancel(context.Background())
	reached, left := make(chan struct{}), make(chan struct{})
	st.on("/slow", func(c *Call) error {
		count.Update(c.Session, addOne)
		close(reached)
		<-left
		return c.Respond(200, "done")
	})
	committed := make(chan struct{})
	go func() {
		defer close(committed)
		st.ask(ctx, "/slow", cookieName+"="+cookie)
	}()
	<-reached
	hangUp()
	<-committed
	close(left)
	st.eventually(func() bool { return st.get("/read", cookie).body == "/2" })
}
