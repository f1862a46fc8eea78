package adaptertest

import (
	"slices"
	"strings"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// apps are small applications in which everything comes together. They are those of examples/articles, in the words of
// no framework.
var apps = []testCase{
	{"app", "a login that ends after three idle minutes",
		"who comes back late must be told why they have to log in again", loginApp, ""},
	{"app", "a cart, a history and messages", "every visitor of every shop does this, and loses nothing", cartApp, ""},
	{"app", "ends by role and by value",
		"an administrator's session ends sooner than a customer's, and a code before both", endsApp, ""},
}

const code session.Key[string] = "code"

// everyCarrier runs an app with sessions in a store and in cookies.
func (s *suite) everyCarrier(o session.Options, run func(*browser)) {
	s.Helper()
	for _, st := range []*site{
		s.stored(o), s.sealed(session.TemporaryKeys(), o),
		s.sealed(session.TemporaryKeys(), session.Options{
			Sealer: session.AEAD, IdleTimeout: o.IdleTimeout, LifetimeFor: o.LifetimeFor,
		}),
	} {
		run(&browser{site: st})
	}
}

// browser keeps the session's cookie.
type browser struct {
	*site
	cookie string
}

// gets asks for a path and fails the case unless the answer has this body.
func (b *browser) gets(path, body string) {
	b.s.Helper()
	a := b.get(path, b.cookie).is(200, body)
	if fresh, deleted := a.cookie(); fresh != "" || deleted {
		b.cookie = fresh
	}
}

func loginApp(s *suite) {
	s.everyCarrier(session.Options{IdleTimeout: 3 * time.Minute}, func(b *browser) {
		b.on("/page", func(c *Call) error {
			if c.Session.Subject() == "" && c.Session.Reason().Lapsed() {
				return c.Respond(200, "Your session has expired.")
			}
			return c.Respond(200, "hello "+c.Session.Subject())
		})
		b.gets("/page", "hello ")
		b.gets("/login", "in")
		for range 3 {
			b.pass(3*time.Minute - time.Millisecond)
			b.gets("/page", "hello user:1")
		}
		b.pass(3*time.Minute + 18*time.Second)
		b.gets("/page", "Your session has expired.")
		b.gets("/login", "in")
		b.gets("/logout", "out")
		b.gets("/page", "hello ")
	})
}

func cartApp(s *suite) {
	s.everyCarrier(session.Options{}, func(b *browser) {
		b.on("/history", func(c *Call) error { return c.Respond(200, strings.Join(visited.Get(c.Session), " ")) })
		b.on("/notices", func(c *Call) error { return c.Respond(200, strings.Join(notices.Take(c.Session), " ")) })
		for _, item := range []string{"apple", "pear", "plum", "pear"} {
			b.on("/put/"+item, func(c *Call) error { return b.put(c, item) })
			b.on("/take/"+item, func(c *Call) error { return b.take(c, item) })
		}
		b.gets("/put/apple", "apple")
		b.gets("/put/pear", "apple pear")
		b.gets("/login", "in")
		b.gets("/put/plum", "apple pear plum")
		b.gets("/take/pear", "apple plum")
		b.gets("/history", "/put/pear /put/plum /take/pear")
		b.gets("/notices", "apple pear plum")
		b.gets("/notices", "")
	})
}

const visited session.Key[[]string] = "visited"

func (b *browser) put(c *Call, item string) error {
	session.Append(c.Session, visited, c.Path, 3)
	notices.Add(c.Session, item)
	in := items.Update(c.Session, func(in []string) []string { return append(in, item) })
	return c.Respond(200, strings.Join(in, " "))
}

func (b *browser) take(c *Call, item string) error {
	session.Append(c.Session, visited, c.Path, 3)
	in := items.Update(c.Session, func(in []string) []string {
		return slices.DeleteFunc(in, func(other string) bool { return other == item })
	})
	return c.Respond(200, strings.Join(in, " "))
}

func endsApp(s *suite) {
	o := session.Options{LifetimeFor: func(subject string) session.Lifetime {
		if subject == "admin" {
			return session.Lifetime{Idle: 10 * time.Minute}
		}
		return session.Lifetime{}
	}}
	s.everyCarrier(o, func(b *browser) {
		b.on("/page", func(c *Call) error { return c.Respond(200, c.Session.Subject()+" "+code.Get(c.Session)) })
		for _, subject := range []string{"admin", "customer"} {
			b.on("/"+subject, func(c *Call) error {
				c.Session.Login(subject)
				code.SetFor(c.Session, "4711", 5*time.Minute)
				return c.Respond(200, "in")
			})
		}
		for subject, idle := range map[string]time.Duration{"admin": 10 * time.Minute, "customer": 30 * time.Minute} {
			b.gets("/"+subject, "in")
			b.gets("/page", subject+" 4711")
			b.pass(5 * time.Minute)
			b.gets("/page", subject+" ")
			b.pass(idle - time.Millisecond)
			b.gets("/page", subject+" ")
			b.pass(idle + idle/10)
			b.gets("/page", " ")
		}
	})
}
