package shop

import (
	"bytes"
	"embed"
	"encoding/json"
	"html/template"
	"net/http"
	"strings"

	session "github.com/coatcheck/coatcheck/core"
)

//go:embed templates
var templateFiles embed.FS

// loadPages makes each page a template of its own, inside the layout that all share.
func loadPages() (map[string]*template.Template, error) {
	pages := map[string]*template.Template{}
	for _, name := range []string{
		"home", "cart", "login", "profile", "password", "admin", "devices", "history", "preferences", "error",
	} {
		t, err := template.ParseFS(templateFiles, "templates/layout.html", "templates/"+name+".html")
		if err != nil {
			return nil, err
		}
		pages[name] = t
	}
	return pages, nil
}

// page answers with the visitor's state: as a page for a browser, as JSON for a program.
func (v *visit) page(name string) (Response, error) {
	if !v.json {
		return v.render(http.StatusOK, name, ""), nil
	}
	return v.personal(jsonResponse(http.StatusOK, v.state())), nil
}

func (v *visit) render(status int, name, message string) Response {
	p := page{
		app: v.app, State: v.state(), Path: "/", Next: v.next(""), Username: v.fields["username"],
		Token: v.formToken(), Info: v.s.Info(), Remember: v.ticked(rememberField),
		Messages: v.told, Status: status, Error: message,
	}
	if v.app.isPage(v.path) {
		p.Path = v.path
	}
	if v.path == "/login" && v.Method == http.MethodGet {
		p.sameAgain()
	}
	if name == "" {
		name = "error"
	}
	return v.personal(v.app.renderPage(status, name, p))
}

// sameAgain fills in a login form for somebody who is logged in: to be asked for the password again changes nothing.
func (p *page) sameAgain() {
	p.Remember = p.State.Remembered
	if p.Next != "" {
		p.Username = p.User()
	}
}

func (a *App) renderPage(status int, name string, p page) Response {
	var body bytes.Buffer
	if err := a.pages[name].ExecuteTemplate(&body, "layout.html", p); err != nil {
		a.log.Error("template failed", "page", name, "error", err)
		return textResponse(http.StatusInternalServerError, a.texts.say(p.State.Language, "error.500")+"\n")
	}
	return Response{
		Status: status, Header: map[string]string{"Content-Type": "text/html; charset=utf-8"},
		Body: body.Bytes(),
	}
}

func (a *App) jsonError(status int, text string, expired bool) Response {
	return jsonResponse(status, struct {
		Error   string `json:"error"`
		Expired bool   `json:"expired,omitempty"`
	}{text, expired})
}

func jsonResponse(status int, v any) Response {
	body, err := json.Marshal(v)
	if err != nil { // strings alone are marshalled here
		return textResponse(http.StatusInternalServerError, "Internal Server Error\n")
	}
	return Response{
		Status: status, Header: map[string]string{"Content-Type": "application/json"},
		Body: append(body, '\n'),
	}
}

func textResponse(status int, text string) Response {
	return Response{
		Status: status, Header: map[string]string{"Content-Type": "text/plain; charset=utf-8"},
		Body: []byte(text),
	}
}

// page is what the templates see.
type page struct {
	app      *App
	State    state
	Path     string // this page
	Next     string // the page to go to after the login
	Username string
	Token    string       // for the forms; empty where there is no session
	Info     session.Info // of the visitor's session
	Remember bool         // the login form's box is ticked
	Messages []string     // shown once
	Status   int
	Error    string
}

// Here is where to come back to after a choice.
func (p page) Here() string {
	if p.Path == "/login" && p.Next != "" {
		return loginFor(p.Next)
	}
	return p.Path
}

// T is a sentence in the visitor's language.
func (p page) T(key string, args ...any) string {
	return p.app.texts.say(p.State.Language, key, args...)
}

// Count says how many items.
func (p page) Count(n int) string { return p.app.texts.count(p.State.Language, "items", n) }

// Languages are the choices that the visitor has.
func (p page) Languages() []string { return languages }

// LanguageName is a language's own name for itself.
func (p page) LanguageName(lang string) string { return p.app.texts.say(lang, "language") }

// User is who is logged in, or "".
func (p page) User() string {
	if p.State.User == nil {
		return ""
	}
	return *p.State.User
}

// Role is the user's role, or "".
func (p page) Role() string {
	if p.State.Role == nil {
		return ""
	}
	return *p.State.Role
}

// OtherTheme is the one to switch to.
func (p page) OtherTheme() string {
	if p.State.Theme == "dark" {
		return "light"
	}
	return "dark"
}

// Current marks the link to this page.
func (p page) Current(path string) string {
	if p.Path == path && p.Error == "" {
		return "page"
	}
	return "false"
}

// PageName is the title of one of the shop's pages.
func (p page) PageName(path string) string {
	if path == "/" {
		return p.T("nav.shop")
	}
	return p.T("nav." + strings.TrimPrefix(path, "/"))
}
