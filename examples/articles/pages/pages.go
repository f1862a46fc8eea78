// Package pages is the HTML of the articles' apps.
package pages

import (
	"embed"
	"html/template"
)

//go:embed *.html
var files embed.FS

// All are the templates, named as their files.
var All = template.Must(template.ParseFS(files, "*.html"))
