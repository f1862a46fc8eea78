package shop

import (
	"net/http"
	"unicode/utf8"
)

const (
	minPassword = 8  // characters
	maxPassword = 72 // bytes: what bcrypt looks at
)

func (v *visit) passwordForm() (Response, error) {
	v.token = v.formToken()
	return v.show("password")
}

// changePassword leaves this device as the only one where its user is logged in, with a new token, because the old
// password may have been somebody else's too.
func (v *visit) changePassword() (Response, error) {
	password := v.fields["password"]
	if utf8.RuneCountInString(password) < minPassword || len(password) > maxPassword {
		args := []any{minPassword, maxPassword}
		return Response{}, Error{Status: http.StatusUnprocessableEntity, text: "error.password", args: args, page: "password"}
	}
	if err := v.app.accounts.change(v.s.Subject(), password); err != nil {
		return Response{}, err
	}
	v.s.Renew()
	v.tell("flash.password")
	if v.app.lists {
		if _, err := v.app.sessions.RevokeOthers(v.Context, v.s); err != nil {
			return Response{}, err
		}
		v.tell("flash.devices")
	}
	return v.done("/profile")
}
