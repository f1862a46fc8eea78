package sessionui

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"time"
)

//go:embed page
var files embed.FS

// page is what is answered.
type page struct {
	Status  int
	Title   string // of the whole
	Heading string
	Search  string // in the search field
	Refresh int    // seconds until the browser asks again; 0: it does not
	Style   template.CSS
	View    any

	template *template.Template
}

// retrySeconds is when a browser asks again after a failure.
const retrySeconds = 10

var (
	style = mustRead("style.css")

	overviewPage = parse("overview.html")
	subjectPage  = parse("subject.html", "device.html")
	confirmPage  = parse("confirm.html", "device.html")
	messagePage  = parse("message.html")
)

func mustRead(name string) string {
	b, err := files.ReadFile("page/" + name)
	if err != nil {
		panic(err) // it is part of the program
	}
	return string(b)
}

func parse(names ...string) *template.Template {
	t := template.New("layout").Funcs(template.FuncMap{
		"shown": shown, "grouped": grouped, "several": several, "percent": percent, "plot": newPlot, "query": reference,
	})
	for _, name := range append([]string{"layout.html"}, names...) {
		t = template.Must(t.Parse(mustRead(name)))
	}
	return t
}

// reference is a query for a link. What it says is encoded.
func reference(pairs ...string) template.URL {
	return template.URL(query(pairs...)) //nolint:gosec // url.Values encodes all that has a meaning in HTML or a URL
}

// plot is a table with a bar below each row. It is plain HTML, which screen readers can read and style sheets can
// colour for light and dark; the bars are rectangles, whose width is no style that the content security policy would
// forbid.
type plot struct {
	What string
	Bars []bar
}

func newPlot(what string, bars []bar) plot { return plot{what, bars} }

func percent(share float64) string {
	if share > 0 && share < 1 {
		return "<1 %"
	}
	return strconv.FormatFloat(share, 'f', 0, 64) + " %"
}

// moment is a time on a page.
type moment struct{ ISO, Text, Distance string }

func momentOf(t, now time.Time) moment {
	return moment{t.UTC().Format(time.RFC3339), clock(t), distance(t, now)}
}

// message is a page of one sentence.
type message struct {
	Text   string
	Bad    bool
	Back   template.URL
	BackTo string
}

// refusal is the page for what is not done.
func refusal(status int, heading, text string) page {
	return page{Status: status, Heading: heading, template: messagePage, View: message{
		Text: text, Bad: true, Back: "?", BackTo: "All sessions",
	}}
}

// policy lets the page use its style, its forms and nothing else.
var policy = fmt.Sprintf("default-src 'none'; style-src 'sha256-%s'; img-src data:; form-action 'self'; "+
	"base-uri 'none'; frame-ancestors 'none'", hash(style))

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// write sends a page.
func (h *Handler) write(w http.ResponseWriter, p page) {
	p.Title, p.Style = h.title, template.CSS(style) //nolint:gosec // it is a part of the program
	var b bytes.Buffer
	if err := p.template.Execute(&b, p); err != nil {
		h.failed(fmt.Errorf("sessionui: %w", err))
		http.Error(w, "The page could not be made.", http.StatusInternalServerError)
		return
	}
	for name, value := range map[string]string{
		"Content-Type":                 "text/html; charset=utf-8",
		"Content-Length":               strconv.Itoa(b.Len()),
		"Content-Security-Policy":      policy,
		"Cache-Control":                "no-store",
		"X-Frame-Options":              "DENY",
		"X-Content-Type-Options":       "nosniff",
		"Referrer-Policy":              "same-origin", // with no-referrer a form's Origin would be null
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
	} {
		w.Header().Set(name, value)
	}
	if p.Status >= http.StatusInternalServerError {
		w.Header().Set("Retry-After", strconv.Itoa(retrySeconds))
	}
	w.WriteHeader(p.Status)
	_, _ = w.Write(b.Bytes()) // a visitor who has left needs no answer
}
