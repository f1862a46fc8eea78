package shop

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"golang.org/x/crypto/bcrypt"
)

const roleAdmin = "admin"

// accounts are the people who can log in.
type accounts struct {
	byName map[string]account
	nobody account // takes as long to check as anybody
}

type account struct{ role, hash string }

func demoAccounts() accounts {
	return accounts{
		byName: map[string]account{
			"user1": {"user", "$2a$10$IM8SNxNexLxBtvv6T1GWGOYFOlZtHnKA4M.7lHVQSCRqqOwAVByJq"},
			"user2": {"user", "$2a$10$2541MRFwzlA7XcfdITs0ceInAsmyHEC/aK3WVoo4CFIdyB0aYBThi"},
			"admin": {roleAdmin, "$2a$10$7BtuKRDOk8kLbmV/Lc4vKeNNaF63bGpx55N31HPyyNzB4mHG.IVI."},
		},
		nobody: account{"", "$2a$10$nG.bfosop1eP5FWqjwhlAe2O3Of.ALxyLNO4VZlQnHUjf8XR221de"},
	}
}

func (a accounts) role(name string) string { return a.byName[name].role }

// check says whether it is that user's password. Names that nobody has take as long as wrong passwords.
func (a accounts) check(name, password string) bool {
	who, known := a.byName[name]
	if !known {
		who = a.nobody
	}
	right := bcrypt.CompareHashAndPassword([]byte(who.hash), []byte(password)) == nil
	return known && right
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
	v.tell("flash.login", name)
	return v.done("/")
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

func (v *visit) profile() (Response, error) {
	if v.s.Subject() == "" {
		return v.askToLogIn(v.path)
	}
	return v.show("profile")
}

func (v *visit) admin() (Response, error) {
	user := v.s.Subject()
	switch {
	case user == "":
		return v.askToLogIn(v.path)
	case v.app.accounts.role(user) != roleAdmin:
		return Response{}, Error{Status: http.StatusForbidden, text: "error.admin"}
	}
	return v.show("admin")
}

// askToLogIn sends a browser to the login page and, after it, to another.
func (v *visit) askToLogIn(next string) (Response, error) {
	if v.json {
		return Response{}, Error{Status: http.StatusUnauthorized, text: "error.anonymous"}
	}
	return v.redirect(loginFor(next)), nil
}

// loginFor is the login page of somebody who wants to see another.
func loginFor(page string) string { return "/login?" + url.Values{"next": {page}}.Encode() }
