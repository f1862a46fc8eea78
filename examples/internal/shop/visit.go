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
	flash          session.Key[[]string] = "flash"
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
	Devices       []device `json:"devices,omitempty"` // on /devices only
}

// stranger is the state of a visitor without a session.
func stranger(lang string) state {
	return state{Language: lang, Theme: "light", Notifications: "enabled", Cart: []string{}, History: []string{},
		Flash: []string{}}
}

func (v *visit) state() state {
	st := stranger(v.language())
	st.Greeting, st.Devices = v.text("greeting"), v.found
	if user := v.s.Subject(); user != "" {
		role := v.app.accounts.role(user)
		st.User, st.Role = &user, &role
	}
	if t := theme.Get(v.s); t != "" {
		st.Theme = t
	}
	if n := notifications.Get(v.s); n != "" {
		st.Notifications = n
	}
	st.Cart = append(st.Cart, cart.Get(v.s)...)
	st.History = append(st.History, history.Get(v.s)...)
	st.Flash = append(append(st.Flash, v.told...), flash.Get(v.s)...)
	return st
}

// language is the one that the visitor has chosen, or else the one that the browser prefers.
func (v *visit) language() string {
	if lang, ok := chosenLanguage.Lookup(v.s); ok {
		return lang
	}
	return preferred(v.Header("Accept-Language"))
}

// text is a sentence in the visitor's language.
func (v *visit) text(key string, args ...any) string {
	return v.app.texts.say(v.language(), key, args...)
}

// tell has the next page show a message.
func (v *visit) tell(key string, args ...any) {
	message := v.text(key, args...)
	flash.Update(v.s, func(messages []string) []string { return last(maxFlash, append(messages, message)) })
}

// takeFlash removes the messages that this page shows. It is an Update and not a Pop, because a message that another
// request adds meanwhile must neither be lost nor make this page fail.
func (v *visit) takeFlash() {
	v.told = flash.Get(v.s)
	shown := len(v.told)
	if shown > 0 {
		flash.Update(v.s, func(messages []string) []string { return messages[min(shown, len(messages)):] })
	}
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
	path := v.path
	v.takeFlash()
	history.Update(v.s, func(paths []string) []string { return last(maxHistory, append(paths, path)) })
	err := v.s.Save()
	if errors.Is(err, session.ErrTooLarge) { // a cookie that is full keeps the cart, and forgets the way here
		v.takeFlash()
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
