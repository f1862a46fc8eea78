package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	session "github.com/coatcheck/coatcheck/core"
)

// presented is what inspect says, for machines. The cookie's value is not in it.
type presented struct {
	Alive       bool   `json:"alive"`
	Reason      string `json:"reason,omitempty"`
	Explanation string `json:"explanation,omitempty"`
	Name        string `json:"cookie_name,omitempty"`
	Carrier     string `json:"carrier"`
	*shown
	Size   int                        `json:"size,omitempty"`
	Values map[string]json.RawMessage `json:"values,omitempty"`
}

// present leaves out what is secret.
func (i inspect) present(f finding) presented {
	p := presented{
		Alive: f.Reason == "", Reason: string(f.Reason), Explanation: explanations[f.Reason],
		Name: f.name, Carrier: f.carrier, Size: f.Size,
	}
	if f.Handle != "" {
		s := show(f.Info)
		p.shown, p.Values = &s, map[string]json.RawMessage{}
	}
	for key, value := range f.Values {
		switch {
		case !i.Secrets && secretive(key):
			p.Values[key] = hidden(len(value))
		case !json.Valid(value):
			p.Values[key] = quoted("not JSON, base64: " + base64.StdEncoding.EncodeToString(value))
		case i.Secrets:
			p.Values[key] = value
		default:
			p.Values[key] = withoutSecrets(value)
		}
	}
	return p
}

// explanations say what reasons mean, and what to do where something can be done.
var explanations = map[session.Reason]string{
	session.ReasonMalformed: "it cannot be the cookie of a session in a store: the value is cut off, or belongs " +
		"to something else, or is sealed and the keys are needed",
	session.ReasonOversized: "it is longer than a browser's cookie can be",
	session.ReasonUnknown: "there is no such session: it ended a while ago, or belongs to another store or to " +
		"a manager of another name (--name)",
	session.ReasonUnopenable: "none of the keys opens it: it is cut off or changed, or was sealed with other keys " +
		"or for a cookie of another name (give NAME=VALUE, or --name), or it belongs to a session in a store (--store)",
	session.ReasonExpiredIdle:     "it was not used for longer than the idle timeout",
	session.ReasonExpiredAbsolute: "it is older than the absolute timeout",
	session.ReasonAlreadyEnded:    "it was logged out or revoked a short while ago",
	session.ReasonSuperseded:      "a login or renewal a short while ago gave the visitor another cookie",
	session.ReasonCorrupt:         "what is there is not a session of this library",
}

// text is what inspect says, for people.
func (p presented) text() string {
	alive := "yes"
	if !p.Alive {
		alive = "no, " + p.Reason + ": " + p.Explanation
	}
	rows := [][]string{{"alive", alive}}
	add := func(name, value string) {
		if value != "" {
			rows = append(rows, []string{name, printable(value)})
		}
	}
	add("cookie", p.Name)
	add("kept in", "the "+p.Carrier)
	if p.shown == nil {
		return table(rows)
	}
	subject := p.Subject
	if subject == "" {
		subject = "nobody: not logged in"
	}
	add("subject", subject)
	add("handle", p.Handle)
	add("created", clock(p.Created))
	add("logged in", clock(p.Authenticated))
	add("last seen", clock(p.LastSeen))
	add("expires", clock(p.Expires))
	add("deadline", clock(p.Deadline))
	add("agent", p.Agent)
	add("network", p.Network)
	add("size", strconv.Itoa(p.Size)+" bytes")
	return table(rows) + p.valuesText()
}

func (p presented) valuesText() string {
	if len(p.Values) == 0 {
		return "no values\n"
	}
	rows := [][]string{}
	for _, key := range slices.Sorted(maps.Keys(p.Values)) {
		rows = append(rows, []string{"  " + printable(key),
			strings.ReplaceAll(visibleJSON(string(p.Values[key])), "\n", " ")})
	}
	return fmt.Sprintf("%s:\n%s", count(len(p.Values), "value"), table(rows))
}
