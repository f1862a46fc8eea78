package main

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	"text/tabwriter"
)

// report is what is made of all that was measured.
type report struct {
	Environment [][2]string
	Sections    []section
}

// section is one measurement's part of the report.
type section struct {
	measurement
	result
}

// Title, About, Tables, Plots and Verdicts are for the page.

func (s section) Title() string       { return s.name() }
func (s section) About() string       { return s.about() }
func (s section) Tables() []table     { return s.tables }
func (s section) Plots() []plot       { return s.plots }
func (s section) Verdicts() []verdict { return s.verdicts }

func (t table) Title() string     { return t.title }
func (t table) Head() []string    { return t.head }
func (t table) Lines() [][]string { return t.lines }

func (p plot) Title() string      { return p.title }
func (p plot) SVG() template.HTML { return p.svg }

func (v verdict) Subject() string  { return v.subject }
func (v verdict) Floor() string    { return v.floor }
func (v verdict) Measured() string { return v.measured }
func (v verdict) Met() bool        { return v.met }

// Word says whether the floor is met.
func (v verdict) Word() string {
	if v.met {
		return "met"
	}
	return "NOT MET"
}

//go:embed report.html.tmpl
var page string

var pageTemplate = template.Must(template.New("report").Parse(page))

// writeHTML writes the report as one page that stands alone.
func (r report) writeHTML(w io.Writer) error { return pageTemplate.Execute(w, r) }

// writeText writes the report for a terminal.
func (r report) writeText(w io.Writer) error {
	var text strings.Builder
	for _, line := range r.Environment {
		fmt.Fprintf(&text, "%s: %s\n", line[0], line[1])
	}
	for _, s := range r.Sections {
		fmt.Fprintf(&text, "\n%s\n%s\n", s.name(), s.about())
		for _, t := range s.tables {
			t.writeText(&text)
		}
		if len(s.verdicts) == 0 {
			continue
		}
		t := table{title: "floors", head: []string{"of", "floor", "measured", ""}}
		for _, v := range s.verdicts {
			t.lines = append(t.lines, []string{v.subject, v.floor, v.measured, v.Word()})
		}
		t.writeText(&text)
	}
	_, err := io.WriteString(w, text.String())
	return err
}

func (t table) writeText(text *strings.Builder) {
	fmt.Fprintf(text, "\n%s\n", t.title)
	columns := tabwriter.NewWriter(text, 0, 0, 2, ' ', 0)
	for _, line := range append([][]string{t.head}, t.lines...) {
		_, _ = fmt.Fprintln(columns, "  "+strings.Join(line, "\t")) // a strings.Builder takes everything
	}
	_ = columns.Flush()
}
