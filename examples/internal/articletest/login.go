package articletest

import (
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

const expired = "Your session has expired"

// Login walks through the primer's app, with everything that the primer has its readers try.
func Login(t *testing.T, o session.Options, app App) {
	everywhere(t, o, app, func(s *site) {
		s.strangersGetTheForm()
		s.threeIdleMinutes()
		s.logoutIsForGood()
		s.otherSitesCannotLogIn()
	})
}

func (s *site) strangersGetTheForm() {
	b := s.browser()
	b.get("/").leadsTo("/login?next=/")
	if line := b.get("/login").says(200, `name="id"`).lacks(expired).cookie(); line != "" {
		s.Errorf("who only looks at the form gets a cookie: %s", line)
	}
	b.post("/login", "id", "<b>alice</b>").leadsTo("/")
	b.get("/").says(200, "Logged in as &lt;b&gt;alice&lt;/b&gt;")
	s.browser().get("/").leadsTo("/login?next=/") // another browser
	b.post("/login", "id", "").leadsTo("/")
	b.get("/").says(200, "Logged in as somebody")
}

// threeIdleMinutes counts from the last use, and says so when they are over.
func (s *site) threeIdleMinutes() {
	b := s.browser()
	b.post("/login", "id", "alice")
	for range 3 {
		s.Advance(3*time.Minute - time.Millisecond)
		b.get("/").says(200, "Logged in as alice")
	}
	s.Advance(3*time.Minute + 18*time.Second) // an unused session may live a tenth longer
	b.get("/").leadsTo("/login?next=/")
	b.get("/login").says(200, expired)
	b.post("/login", "id", "alice").leadsTo("/")
	b.get("/").says(200, "Logged in as alice")
}

func (s *site) logoutIsForGood() {
	b := s.browser()
	b.post("/login", "id", "alice")
	copied := b.copied()
	b.post("/logout").leadsTo("/")
	if len(b.cookies) != 0 {
		s.Errorf("the browser still has %d cookies after the logout", len(b.cookies))
	}
	b.get("/").leadsTo("/login?next=/")
	b.get("/login").says(200).lacks(expired)
	if s.sealed {
		copied.get("/").says(200) // nobody keeps a list of what has been sealed
		return
	}
	copied.get("/").leadsTo("/login?next=/")
}

func (s *site) otherSitesCannotLogIn() {
	b := s.browser()
	b.crossSite("/login", "id", "mallory").says(403)
	if len(b.cookies) != 0 {
		s.Error("another site has logged a visitor in")
	}
	b.post("/login", "id", "alice")
	b.crossSite("/logout").says(403)
	b.get("/").says(200, "Logged in as alice")
}
