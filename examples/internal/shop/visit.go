package shop

import (
	"errors"
	"net/http"
	"net/url"

	session "github.com/coatcheck/coatcheck/core"
)

// What a session holds. Who is logged in is the session's subject.
const (
	chosenLanguage session.Key[string]   = "language"
	theme          session.Key[string]   = "theme"
	notifications  session.Key[string]   = "notifications"
	cart           session.Key[[]string] = "cart"
	history        session.Key[[]string] = "history"
	flash          session.Flash[string] = "messages"
)

const (
	maxHistory = 20
	maxFlash   = 5
)

// visit is one request at work.
type visit struct {
	Request
	app    *App
	s      *session.Session
	path   string
	query  url.Values
	json   bool              // a program is asking, not a browser
	fields map[string]string // of a POST's body
	told   []string          // the messages that this answer shows
	found  []device          // where the visitor is logged in, for answers that show it
	token  string            // for programs that send what only the shop's own form may send
}

func (a *App) visit(r Request, u *url.URL) *visit {
	return &visit{Request: r, app: a, s: r.Session(), path: u.Path, query: u.Query(), json: wantsJSON(r.Header)}
}

// state is all that the shop knows of a visitor.
type state struct {
	User          *string  `json:"user"`
	Role          *string  `json:"role"`
	Language      string   `json:"language"`
	Greeting      string   `json:"greeting"`
	Theme         string   `json:"theme"`
	Notifications string   `json:"notifications"`
	Cart          []string `json:"cart"`
	History       []string `json:"history"`
	Flash         []string `json:"flash"`
	Remembered    bool     `json:"remembered"`           // the login outlives the browser
	Expired       bool     `json:"expired,omitempty"`    // there was a session, and it is over
	Devices       []device `json:"devices,omitempty"`    // on /devices only
	FormToken     string   `json:"form_token,omitempty"` // on /password only
}

// stranger is the state of a visitor without a session.
func stranger(lang string) state {
	return state{Language: lang, Theme: "light", Notifications: "enabled", Cart: []string{}, History: []string{},
		Flash: []string{}}
}

func (v *visit) state() state {
	st := stranger(v.language())
	st.Greeting, st.Devices, st.FormToken = v.text("greeting"), v.found, v.token
	if user := v.s.Subject(); user != "" {
		role := v.app.accounts.role(user)
		st.User, st.Role = &user, &role
	}
	st.Theme, st.Notifications = theme.GetOr(v.s, st.Theme), notifications.GetOr(v.s, st.Notifications)
	st.Cart = append(st.Cart, cart.Get(v.s)...)
	st.History = append(st.History, history.Get(v.s)...)
	st.Flash = append(append(st.Flash, v.told...), flash.Peek(v.s)...)
	st.Remembered, st.Expired = v.s.Info().Persistent, v.expired()
	return st
}

// expired says whether the visitor had a session that is over, and has not logged in again.
func (v *visit) expired() bool { return v.s.Subject() == "" && v.s.Reason().Lapsed() }

// language is the one that the visitor has chosen, or else the one that the browser prefers.
func (v *visit) language() string {
	if chosen := chosenLanguage.Get(v.s); speaks(chosen) {
		return chosen
	}
	return preferred(v.Header("Accept-Language"))
}

// text is a sentence in the visitor's language.
func (v *visit) text(key string, args ...any) string {
	return v.app.texts.say(v.language(), key, args...)
}

// tell has the next page show a message. The latest of them are enough for who never looks at a page.
func (v *visit) tell(key string, args ...any) {
	if len(flash.Peek(v.s)) >= maxFlash {
		for _, message := range last(maxFlash-1, flash.Take(v.s)) {
			flash.Add(v.s, message)
		}
	}
	flash.Add(v.s, v.text(key, args...))
}

// show answers with a page. What it does to the session, it does for a visitor who has one: a crawler gets no cookie.
func (v *visit) show(name string) (Response, error) {
	if v.Method == http.MethodGet && v.s.Exists() {
		if err := v.arrive(); err != nil {
			return Response{}, err
		}
	}
	return v.page(name)
}

func (v *visit) arrive() error {
	v.told = flash.Take(v.s)
	session.Append(v.s, history, v.path, maxHistory)
	err := v.s.Save()
	if errors.Is(err, session.ErrTooLarge) { // a cookie that is full keeps the cart, and forgets the way here
		v.told = flash.Take(v.s)
		err = v.s.Save()
	}
	return err
}

// last returns the n last of values.
func last(n int, values []string) []string { return values[max(0, len(values)-n):] }

// done saves what a POST has changed and answers it: a program with the new state, a browser with a redirect to
// the page that it came from, or to the given one.
func (v *visit) done(page string) (Response, error) {
	if err := v.s.Save(); err != nil {
		return Response{}, err
	}
	if v.json {
		return v.page("")
	}
	return v.redirect(v.next(page)), nil
}

// next is the page that the visitor wants to see next. It is always one of the shop's own.
func (v *visit) next(otherwise string) string {
	wanted := v.query.Get("next")
	if v.Method == http.MethodPost {
		wanted = v.fields["next"]
	}
	switch {
	case v.path == "/login" && wanted == "/login":
		return otherwise
	case v.app.isPage(wanted), v.path != "/login" && v.app.isLogin(wanted): // a choice may be made on the way to a page
		return wanted
	}
	return otherwise
}

func (v *visit) redirect(location string) Response {
	return v.personal(Response{
		Status: http.StatusSeeOther,
		Header: map[string]string{"Location": location, "Content-Type": "text/plain; charset=utf-8"},
		Body:   []byte("Continue at " + location + "\n"),
	})
}

// personal marks an answer that depends on who asks. The session adds the cookie's part.
func (v *visit) personal(r Response) Response {
	r.Header["Vary"] = "Accept, Accept-Language"
	r.Header["Cache-Control"] = "private, no-cache"
	return r
}
