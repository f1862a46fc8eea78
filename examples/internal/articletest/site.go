package articletest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// Site walks through the app of the two long articles.
func Site(t *testing.T, o session.Options, app App) {
	everywhere(t, o, app, func(s *site) {
		s.passwordsAreChecked()
		s.cartKeepsEveryItem()
		s.historyIsCapped()
		s.choicesStay()
		s.rolesDecide()
		s.aMessageIsShownOnce()
		s.aValueEndsByItself()
		s.rolesEndSooner()
		s.rememberedForAWeek()
		s.expiredSessionsAreCleared()
	})
}

func (b *browser) login(user, password string, more ...string) answer {
	b.Helper()
	return b.post("/login?next=/dashboard", append([]string{"username", user, "password", password}, more...)...)
}

func (s *site) passwordsAreChecked() {
	b := s.browser()
	b.get("/dashboard").leadsTo("/login?next=/dashboard")
	b.get("/login").says(200, `type="password"`).lacks(expired)
	for user, password := range map[string]string{"user1": "wrong", "nobody": "", "": ""} {
		b.login(user, password).says(401, "Invalid credentials")
	}
	b.get("/dashboard").leadsTo("/login?next=/dashboard")
	b.login("user1", "password1").leadsTo("/dashboard")
	b.get("/dashboard").says(200, "Welcome to the user dashboard, user1.")
	b.post("/logout").leadsTo("/")
	b.get("/dashboard").leadsTo("/login?next=/dashboard")
	b.post("/login?next=https://elsewhere.example/", "username", "user1", "password", "password1").leadsTo("/dashboard")
}

func (s *site) cartKeepsEveryItem() {
	b := s.browser()
	b.get("/view_cart").says(200, "Your cart contains: []")
	b.post("/checkout").says(200, "Your cart is empty")
	for _, item := range []string{"apple", "pear", "plum", "pear"} {
		b.post("/add_to_cart/"+item).says(200, item)
	}
	b.get("/view_cart").says(200, "Your cart contains: [apple pear plum pear]")
	b.post("/remove_from_cart/pear").says(200, "Your cart contains: [apple plum pear]")
	b.post("/remove_from_cart/nonesuch").says(200, "Your cart contains: [apple plum pear]")
	b.login("user1", "password1")
	b.get("/view_cart").says(200, "Your cart contains: [apple plum pear]") // filled before the login
	b.post("/checkout").says(200, "Checkout completed")
	b.post("/checkout").says(200, "Your cart is empty")
	b.post("/add_to_cart/fig").says(200, "[fig]")
	b.post("/clear_cart").says(200, "Your cart contains: []")
}

func (s *site) historyIsCapped() {
	b := s.browser()
	for _, page := range []string{"/profile", "/", "/view_cart"} {
		b.get(page).says(200)
	}
	b.get("/view_history").says(200, "Seen [/profile / /view_cart /view_history]")
	for range 25 {
		b.get("/profile")
	}
	pages := strings.Fields(strings.Trim(b.get("/view_history").body, "]\n"))
	if n := len(pages) - 1; n != 20 || pages[len(pages)-1] != "/view_history" {
		s.Errorf("the history has %d pages: %v", n, pages)
	}
}

func (s *site) choicesStay() {
	b := s.browser()
	b.get("/").says(200, "Hello, World!")
	b.post("/set_language/es").leadsTo("/")
	b.get("/").says(200, "¡Hola, Mundo!")
	b.post("/set_language/tlh").leadsTo("/")
	b.get("/").says(200, "Hello, World!")
	b.get("/profile").says(200, "Theme: light, Notifications: enabled")
	b.get("/set_preferences").says(200, `name="theme"`)
	b.post("/set_preferences", "theme", "dark", "notifications", "disabled").says(200, "Preferences saved")
	b.get("/profile").says(200, "Theme: dark, Notifications: disabled")
	b.login("user1", "password1")
	b.get("/profile").says(200, "Theme: dark, Notifications: disabled")
	b.post("/logout")
	b.get("/profile").says(200, "Theme: light, Notifications: enabled")
}

func (s *site) rolesDecide() {
	b := s.browser()
	b.get("/admin").leadsTo("/login?next=/admin")
	b.login("user1", "password1")
	b.get("/admin").says(403)
	b.login("admin", "password3")
	b.get("/dashboard").says(200, "Welcome to the admin dashboard, admin.")
	b.get("/admin").says(200, "For administrators only")
}

func (s *site) aMessageIsShownOnce() {
	b := s.browser()
	b.login("user1", "password1")
	b.login("user1", "password1")
	if shown := strings.Count(b.get("/dashboard").body, "You are logged in."); shown != 2 {
		s.Errorf("after two logins the message is shown %d times, want 2", shown)
	}
	b.get("/dashboard").says(200).lacks("You are logged in.")
}

// aValueEndsByItself is the Django article's: the preferences' own half hour counts from when they were set.
func (s *site) aValueEndsByItself() {
	b := s.browser()
	b.login("user1", "password1")
	b.post("/my_view", "preferences", "compact").leadsTo("/my_view")
	s.Advance(20 * time.Minute)
	ends := s.Now().Add(33 * time.Minute).UTC().Truncate(time.Second).Format("2006-01-02 15:04:05")
	b.get("/my_view").says(200, `preferences "compact"`, "logged in until "+ends)
	s.Advance(10*time.Minute - time.Millisecond)
	b.get("/my_view").says(200, `preferences "compact"`)
	s.Advance(time.Millisecond)
	b.get("/my_view").says(200, `preferences ""`)
}

// rolesEndSooner is the article's last activity: administrators are out after ten idle minutes.
func (s *site) rolesEndSooner() {
	user, admin := s.browser(), s.browser()
	user.login("user1", "password1")
	admin.login("admin", "password3")
	for range 2 {
		s.Advance(10*time.Minute - time.Millisecond)
		admin.get("/dashboard").says(200)
	}
	user.get("/dashboard").says(200)
	s.Advance(11 * time.Minute) // an unused session may live a tenth longer
	user.get("/dashboard").says(200)
	admin.get("/dashboard").leadsTo("/login?next=/dashboard")
	admin.get("/login").says(200, expired)
	admin.login("admin", "password3").leadsTo("/dashboard")
	admin.get("/dashboard").says(200)
}

func (s *site) rememberedForAWeek() {
	const week = 7 * 24 * time.Hour
	b := s.browser()
	line := b.login("user1", "password1", "remember", "yes").cookie()
	if age := fmt.Sprintf("Max-Age=%d", int(week.Seconds())); !strings.Contains(line, age) {
		s.Errorf("a remembered visitor's cookie has no %s: %s", age, line)
	}
	s.Advance(week - time.Minute)
	b.get("/dashboard").says(200)
	s.Advance(time.Minute)
	b.get("/dashboard").leadsTo("/login?next=/dashboard")
	b.get("/login").says(200, expired)
	if line := b.login("user1", "password1").cookie(); strings.Contains(line, "Max-Age") {
		s.Errorf("who does not want to be remembered gets %s", line)
	}
}

// expiredSessionsAreCleared is Django's clearsessions: nothing that has expired is left, and the rest stays.
func (s *site) expiredSessionsAreCleared() {
	old := s.browser()
	old.login("user1", "password1")
	s.Advance(time.Hour)
	b := s.browser()
	b.login("user1", "password1")
	if !s.sweeps {
		return
	}
	if n, err := s.sessions.Sweep(s.Context()); n == 0 || err != nil {
		s.Errorf("sweeping removes %d sessions, error %v", n, err)
	}
	if n, err := s.sessions.Sweep(s.Context()); n != 0 || err != nil {
		s.Errorf("sweeping again removes %d sessions, error %v", n, err)
	}
	old.get("/dashboard").leadsTo("/login?next=/dashboard")
	old.get("/login").says(200, expired)
	b.get("/dashboard").says(200)
}
