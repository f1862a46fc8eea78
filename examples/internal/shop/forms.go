package shop

import "net/http"

// tokenField is the field of the shop's own forms that says which session they were made for.
const tokenField = "form_token"

// form is a handler of what forms send. A form of a page that was made for another session, or before a login, is not
// what its sender thinks it is. Programs send no token, and nor do the forms of visitors who have no session.
func form(h handler) handler {
	return func(v *visit) (Response, error) {
		if token, sent := v.fields[tokenField]; sent && !v.s.CheckFormToken(token) {
			return Response{}, v.wrongForm()
		}
		return h(v)
	}
}

// ownForm is a handler of what nothing but the shop's own form may send.
func ownForm(h handler) handler {
	return form(func(v *visit) (Response, error) {
		if _, sent := v.fields[tokenField]; !sent {
			return Response{}, v.wrongForm()
		}
		return h(v)
	})
}

// wrongForm shows a browser the form once more, if it has a page of its own.
func (v *visit) wrongForm() error {
	e := Error{Status: http.StatusForbidden, text: "error.token"}
	if v.path == "/login" || v.path == "/password" {
		e.page = v.path[1:]
	}
	return e
}

// formToken is what the forms of this page send back, if there is a session: a page alone starts none.
func (v *visit) formToken() string {
	if !v.s.Exists() {
		return ""
	}
	return v.s.FormToken()
}
