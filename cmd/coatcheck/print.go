package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// outputFlag chooses how the result is printed.
type outputFlag struct {
	JSON bool `help:"Print the result as JSON." name:"json"`
}

// print prints a result: v for machines, or the text.
func (f outputFlag) print(c *console, v any, text string) error {
	if !f.JSON {
		_, err := fmt.Fprint(c.stdout, text)
		return err
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := fmt.Fprint(c.stdout, visibleJSON(b.String()))
	return err
}

// table aligns rows of cells.
func table(rows [][]string) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		_, _ = fmt.Fprintln(w, strings.Join(row, "\t")) // a Builder takes everything
	}
	_ = w.Flush() // as above
	lines := strings.SplitAfter(b.String(), "\n")
	for i, line := range lines {
		if text, ok := strings.CutSuffix(line, "\n"); ok {
			lines[i] = strings.TrimRight(text, " ") + "\n"
		}
	}
	return strings.Join(lines, "")
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

// shown is what is known of a session besides its values, for machines.
type shown struct {
	Handle        string    `json:"handle"`
	Subject       string    `json:"subject,omitempty"`
	Created       time.Time `json:"created"`
	Authenticated time.Time `json:"authenticated,omitzero"`
	LastSeen      time.Time `json:"last_seen"`
	Expires       time.Time `json:"expires"`
	Deadline      time.Time `json:"deadline"`
	Agent         string    `json:"agent,omitempty"`
	Network       string    `json:"network,omitempty"`
}

func show(i session.Info) shown {
	return shown{
		Handle: i.Handle, Subject: i.Subject,
		Created: i.Created.UTC(), Authenticated: i.Authenticated.UTC(), LastSeen: i.LastSeen.UTC(),
		Expires: i.ExpiresAt.UTC(), Deadline: i.Deadline.UTC(), Agent: i.Agent, Network: i.Network,
	}
}

// clock writes a time for people.
func clock(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}
