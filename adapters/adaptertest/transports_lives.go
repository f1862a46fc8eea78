package adaptertest

import (
	"strings"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

func bearerFixation(s *suite) {
	st := s.stored(bearer)
	planted := st.bear("/add", "").token()
	in := st.bear("/login", planted).token()
	if in == planted {
		s.Error("the login keeps the token")
	}
	st.bears(planted, "", 0)
	st.bears(in, "user:1", 1)
	invented := strings.Repeat("A", len(planted))
	if got := st.bear("/login", invented).token(); got == invented {
		s.Error("a token was taken over from the client")
	}
	if !st.saw(session.ReasonSuperseded) || !st.saw(session.ReasonUnknown) {
		s.Error("no event tells of the dead token, or of the unknown one")
	}
}

func bearerRenewal(s *suite) {
	for _, st := range s.carriers(bearer) {
		st.on("/renew", func(c *Call) error { c.Session.Renew(); return c.Respond(200, "renewed") })
		old := st.bear("/login", "").token()
		fresh := st.bear("/renew", old).is(200, "renewed").token()
		st.bears(fresh, "user:1", 0)
		if fresh == old {
			s.Error("the renewal keeps the token")
		}
		if st.stored {
			st.bears(old, "", 0)
		}
	}
}

func bearerPeriodicRenewal(s *suite) {
	o := bearer
	o.RenewAfter = 10 * time.Minute
	st := s.stored(o)
	old := st.bear("/login", "").token()
	st.pass(10 * time.Minute)
	g := newGate(6)
	st.slow("/slow", g, func(v *session.Session) { count.Update(v, addOne) })
	answers := make(chan *answer)
	for range 6 {
		go func() { answers <- st.bear("/slow", old) }()
	}
	g.arrived.Wait()
	close(g.open)
	fresh := (<-answers).is(200, "done").token()
	for range 5 {
		if (<-answers).is(200, "done").token() != fresh || fresh == old {
			s.Error("parallel requests were handed different tokens, or the old one")
		}
	}
	if late := st.bear("/read", old).is(200, "user:1/6").token(); late != fresh { // as if all answers had been lost
		s.Error("the old token was handed another token than the first time")
	}
	st.bears(fresh, "user:1", 6)
	st.pass(time.Minute)
	st.bears(old, "", 0)
	if !st.saw(session.ReasonReplayed) {
		s.Error("an old token that was used after its grace was not reported")
	}
	st.bears(fresh, "user:1", 6)
}

func bearerExpiry(s *suite) {
	for _, st := range s.carriers(bearer) {
		token := st.bear("/login", "").token()
		st.pass(20 * time.Minute)
		if a := st.bear("/read", token).is(200, "user:1/0"); st.stored {
			a.tokenless()
		} else {
			token = a.token() // it notes the use
		}
		st.pass(29 * time.Minute)
		if a := st.bear("/read", token).is(200, "user:1/0"); !st.stored {
			token = a.token()
		}
		st.pass(33 * time.Minute)
		st.bears(token, "", 0)
		if !st.saw(session.ReasonExpiredIdle) {
			s.Error("no event tells of the expired session")
		}
		st.bear("/add", token).is(200, "1").token()
	}
}

func bearerTooLate(s *suite) {
	for _, st := range s.carriers(bearer) {
		late := func(path string, f func(*session.Session)) {
			st.on(path, func(c *Call) error {
				err := c.Respond(200, "sent")
				f(c.Session)
				return err
			})
		}
		late("/late", func(v *session.Session) { v.Login("user:2") })
		late("/remember", func(v *session.Session) { v.SetLifetime(session.Lifetime{Persistent: session.Keep}) })
		late("/over", func(v *session.Session) { v.Destroy() })
		token := st.bear("/add", "").token()
		if a := st.bear("/late", token).is(200, "sent"); a.header.Get("Session-Token") != "" {
			continue // a framework that buffers is not late
		}
		st.eventually(func() bool { return st.saw(session.ReasonTooLate) })
		st.bears(token, "", 1)
		if st.stored { // neither needs a header here: there is no cookie to change or to delete
			st.events = nil
			st.bear("/remember", token).is(200, "sent").tokenless()
			st.bear("/over", token).is(200, "sent").tokenless()
			st.eventually(func() bool { return st.bear("/read", token).body == "/0" })
			if st.saw(session.ReasonTooLate) {
				s.Error("what needs no header was too late")
			}
		}
	}
}

func bearerFailures(s *suite) {
	st := s.stored(bearer)
	token := st.bear("/add", "").token()
	for _, method := range []string{"Create", "Update"} {
		st.failing(method)
		st.bear("/login", token).refused(503).tokenless()
		st.store.Before(nil)
		st.bears(token, "", 1)
	}
	st.failing("Load")
	st.bear("/read", token).refused(503).tokenless()
	st.store.Before(nil)
	st.on("/saved", func(c *Call) error {
		c.Session.Login("user:1")
		if err := c.Session.Save(); err != nil {
			return err
		}
		st.failing("Update")
		count.Update(c.Session, addOne)
		return c.Respond(200, "saved")
	})
	in := st.bear("/saved", token).refused(503).token() // the login was saved, and its token opens it
	st.store.Before(nil)
	st.bears(in, "user:1", 1)
}
