package shop

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// rememberField is the box on the login form.
const rememberField = "remember"

const day = 24 * time.Hour

// remembered is the lifetime of a session whose owner ticked "keep me logged in".
var remembered = session.Lifetime{Idle: 30 * day, Absolute: 90 * day, Persistent: session.Keep}

// adminIdle is how long an admin's session lives unused. More is at stake there.
const adminIdle = 15 * time.Minute

// lifetime is that of a login which is not to be remembered, by role. It is never the zero one, which would leave a
// visitor remembered who was until now. Who starts the shop with timeouts of their own has decided for admins too.
func (o options) lifetime(role string) session.Lifetime {
	l := session.Lifetime{Persistent: session.EndWithBrowser}
	if role == roleAdmin && o.idle == 0 && (o.absolute == 0 || o.absolute >= adminIdle) {
		l.Idle = adminIdle
	}
	return l
}

func (v *visit) loginForm() (Response, error) { return v.show("login") }

func (v *visit) login() (Response, error) {
	name, password := v.fields["username"], v.fields["password"]
	if name == "" || password == "" {
		return Response{}, Error{Status: http.StatusUnprocessableEntity, text: "error.credentials", page: "login"}
	}
	right, tried, wait := v.app.guesses.try(name, v.Client, func() bool { return v.app.accounts.check(name, password) })
	if !right {
		return Response{}, v.wrongPassword(tried, wait)
	}
	v.s.Login(name)
	if v.ticked(rememberField) {
		v.s.SetLifetime(remembered)
	}
	v.tell("flash.login", name)
	return v.done("/")
}

// ticked says whether a form's box is ticked.
func (v *visit) ticked(field string) bool {
	return slices.Contains([]string{"on", "1", "true"}, v.fields[field])
}

// wrongPassword also says how long to wait, if it is too early for another one.
func (v *visit) wrongPassword(tried bool, wait time.Duration) error {
	e := Error{Status: http.StatusUnauthorized, text: "error.login", page: "login"}
	if wait > 0 {
		seconds := int((wait + time.Second - 1) / time.Second)
		e.header = map[string]string{"Retry-After": strconv.Itoa(seconds)}
		e.text, e.args = "error.loginwait", []any{v.app.texts.count(v.language(), "seconds", seconds)}
	}
	if !tried {
		e.Status, e.text = http.StatusTooManyRequests, "error.wait"
	}
	return e
}

func (v *visit) logout() (Response, error) {
	v.s.Destroy()
	return v.done("/")
}
