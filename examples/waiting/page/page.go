// Package page has the page that both programs show: what comes by server-sent events, and what a WebSocket echoes.
package page

import (
	_ "embed"
	"html/template"
	"io"
)

//go:embed page.html
var text string

var page = template.Must(template.New("page").Parse(text))

// Write writes the page for a user who is logged in, or the login for "".
func Write(w io.Writer, user string) error { return page.Execute(w, user) }
