// Htmx is a page of notes with htmx: fragments, a login, and answers for htmx when the session is over.
package main

import (
	"context"
	"errors"
	"html/template"
	"log"
	"net/http"

	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

const (
	notes  session.Key[[]string] = "notes"
	notice session.Key[string]   = "notice"
)

func main() {
	// InsecureHTTP is for trying things out on plain http. Leave it out where there is https.
	sessions, err := session.New(memstore.New(), session.Options{InsecureHTTP: true, ErrorResponse: failed})
	if err != nil {
		log.Fatal(err)
	}
	sessions.StartSweeper(context.Background()) // gives the room of expired sessions back
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", site(sessions)))
}

func site(sessions *session.Manager) http.Handler {
	private := http.NewServeMux()
	private.HandleFunc("GET /{$}", home)
	private.HandleFunc("POST /notes", add)
	private.HandleFunc("POST /logout", logout)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /login", loginPage)
	mux.HandleFunc("POST /login", login)
	mux.Handle("/", httpsession.Require(session.Guard{Login: "/login"})(private))
	return httpsession.Middleware(sessions)(mux)
}

// goTo sends the browser to another page. htmx is told in a header: it would follow a redirect itself and put the page
// into the fragment's place.
func goTo(w http.ResponseWriter, r *http.Request, page string) {
	if fromHTMX(r.Header.Get) {
		w.Header().Set("HX-Redirect", page)
		return
	}
	w.Header().Set("Location", page)
	w.WriteHeader(http.StatusSeeOther)
}

func fromHTMX(header func(string) string) bool { return header("HX-Request") == "true" }

func home(w http.ResponseWriter, r *http.Request) {
	s := httpsession.From(r)
	text, _ := notice.Pop(s)
	show(w, "home", view{User: s.Subject(), Notes: notes.Get(s), Notice: text})
}

func add(w http.ResponseWriter, r *http.Request) {
	s, text := httpsession.From(r), r.PostFormValue("text")
	list := notes.Update(s, func(list []string) []string { return append(list, text) })
	if fromHTMX(r.Header.Get) {
		show(w, "added", view{Notes: list, Notice: "Saved."})
		return
	}
	notice.Set(s, "Saved.")
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func loginPage(w http.ResponseWriter, r *http.Request) {
	show(w, "login", view{Next: r.FormValue("next")})
}

func login(w http.ResponseWriter, r *http.Request) {
	user := r.PostFormValue("user") // a real app checks a password here
	if user == "" {
		http.Error(w, "the form field user is missing", http.StatusBadRequest)
		return
	}
	s := httpsession.From(r)
	s.Login(user)
	notice.Set(s, "Welcome, "+user+".")
	goTo(w, r, session.Next(r.PostFormValue("next"), "/"))
}

func logout(w http.ResponseWriter, r *http.Request) {
	httpsession.From(r).Destroy()
	goTo(w, r, "/login")
}

// failed answers when the session could not be loaded or saved, for htmx with a line for the page's notice. It also
// answers programs that have to log in.
func failed(err error, header func(string) string) session.Response {
	status, text := http.StatusInternalServerError, "This could not be saved."
	switch {
	case errors.Is(err, session.ErrConflict):
		status, text = http.StatusConflict, "This has been changed elsewhere. Please reload the page."
	case errors.Is(err, session.ErrEnded):
		status, text = http.StatusConflict, "You have been logged out. Please reload the page."
	case errors.Is(err, session.ErrCrossSite):
		status, text = http.StatusForbidden, "This came from another site, and was refused."
	case errors.Is(err, session.ErrUnavailable):
		status, text = http.StatusServiceUnavailable, "Please try again in a moment."
	case errors.Is(err, session.ErrLoginRequired):
		status, text = http.StatusUnauthorized, "Please log in first."
	}
	if !fromHTMX(header) {
		return session.Response{Status: status, Body: []byte(text + "\n")}
	}
	line := `<p id="notice" hx-swap-oob="true">` + template.HTMLEscapeString(text) + "</p>\n"
	return session.Response{Status: status, ContentType: "text/html; charset=utf-8", Body: []byte(line)}
}

type view struct {
	User, Notice, Next string
	Notes              []string
}

func show(w http.ResponseWriter, name string, v view) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if err := pages.ExecuteTemplate(w, name, v); err != nil {
		log.Print(err)
	}
}

var pages = template.Must(template.New("").Parse(`
{{define "top"}}<!doctype html>
<meta charset="utf-8">
<title>Notes</title>
<meta name="htmx-config" content='{"responseHandling": [
	{"code": "204", "swap": false}, {"code": "[23]..", "swap": true},
	{"code": "[45]..", "swap": true, "error": true, "swapOverride": "none"}]}'>
<script src="https://cdn.jsdelivr.net/npm/htmx.org@4.0.1/dist/htmx.min.js"
	integrity="sha384-Qp9rdC8H7EqOoX+nR0P3RPG2Noji+qdwJlGpfzwQJsfOpp3sGwIdSP9xO3+UlEhn" crossorigin="anonymous"></script>
<p id="notice">{{.Notice}}</p>
{{end}}
{{define "login"}}{{template "top" .}}
<form action="/login" method="post"><input type="hidden" name="next" value="{{.Next}}">
	<input name="user"><button>Log in</button></form>
{{end}}
{{define "home"}}{{template "top" .}}
<h1>Notes of {{.User}}</h1>
<ul id="notes">{{template "notes" .}}</ul>
<form action="/notes" method="post" hx-post="/notes" hx-target="#notes"><input name="text"><button>Add</button></form>
<button hx-post="/logout">Log out</button>
{{end}}
{{define "notes"}}{{range .Notes}}<li>{{.}}</li>{{end}}{{end}}
{{define "added"}}{{template "notes" .}}<p id="notice" hx-swap-oob="true">{{.Notice}}</p>{{end}}
`))
