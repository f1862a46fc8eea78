package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// presentedForeign is what inspect says of another system's cookie, for machines. The cookie's value is not in it.
type presentedForeign struct {
	Accepted      bool                    `json:"accepted"` // as far as the cookie tells
	Reason        string                  `json:"reason,omitempty"`
	Explanation   string                  `json:"explanation,omitempty"`
	Name          string                  `json:"cookie_name,omitempty"`
	Format        string                  `json:"format,omitempty"`
	Carries       string                  `json:"carries,omitempty"` // session or id
	Subject       string                  `json:"subject,omitempty"`
	Written       time.Time               `json:"written,omitzero"`
	Created       time.Time               `json:"created,omitzero"`
	Authenticated time.Time               `json:"authenticated,omitzero"`
	Expires       time.Time               `json:"expires,omitzero"`
	Values        map[string]foreignValue `json:"values,omitempty"`
}

type foreignValue struct {
	Type  string          `json:"type"`
	Value json.RawMessage `json:"value"`
}

const (
	carriesID      = "id"
	carriesSession = "session"
)

func (i inspect) presentForeign(f foreignFinding) presentedForeign {
	p := presentedForeign{Name: f.cookie, Reason: string(f.reason), Explanation: f.detail}
	switch f.reason {
	case session.ReasonUnknown:
		return presentedForeign{Accepted: true, Name: f.cookie, Format: f.format, Carries: carriesID}
	case "", session.ReasonExpiredIdle, session.ReasonExpiredAbsolute:
		p.Format = f.format
		if f.opened {
			p.Carries = carriesSession
		}
	case session.ReasonCorrupt:
		p.Format = f.format
	}
	p.Accepted = f.reason == ""
	p.Subject, p.Written, p.Created, p.Authenticated = f.Subject, f.Written, f.Created, f.Authenticated
	p.Expires = f.expires
	p.Values = make(map[string]foreignValue, len(f.Values))
	for name, value := range f.Values {
		p.Values[name] = i.presentValue(value)
	}
	return p
}

// presentValue hides a value: nobody knows what the other system's names mean.
func (i inspect) presentValue(value any) foreignValue {
	text, isJSON := value.(json.RawMessage)
	if !isJSON {
		var err error
		if text, err = json.Marshal(value); err != nil {
			return foreignValue{fmt.Sprintf("%T", value), quoted("not to be written as JSON")}
		}
	}
	shown := text
	if !i.Secrets {
		shown = hidden(len(text))
	}
	if isJSON {
		return foreignValue{jsonType(text), shown}
	}
	return foreignValue{fmt.Sprintf("%T", value), shown}
}

// jsonType is the type of a valid JSON text.
func jsonType(text json.RawMessage) string {
	switch strings.TrimLeft(string(text), " \t\r\n")[0] {
	case '{':
		return "object"
	case '[':
		return "array"
	case '"':
		return "string"
	case 't', 'f':
		return "boolean"
	case 'n':
		return "null"
	}
	return "number"
}

// text is what inspect says, for people.
func (p presentedForeign) text() string {
	accepted := "yes"
	switch {
	case !p.Accepted:
		accepted = "no, " + p.Reason + ": " + p.Explanation
	case p.Carries == carriesID:
		accepted = "yes, as far as the cookie tells: whether there is such a session, only the other system's store knows"
	}
	rows := [][]string{{"accepted", visible(accepted)}}
	add := func(name, value string) {
		if value != "" {
			rows = append(rows, []string{name, printable(value)})
		}
	}
	add("cookie", p.Name)
	add("format", p.Format)
	if p.Carries != carriesSession {
		return table(rows)
	}
	add("subject", cmp.Or(p.Subject, "not known: nobody has logged in, or it is among the values"))
	for _, row := range []struct {
		name string
		at   time.Time
	}{{"created", p.Created}, {"logged in", p.Authenticated}, {"written", p.Written}, {"expires", p.Expires}} {
		if !row.at.IsZero() {
			add(row.name, clock(row.at))
		}
	}
	return table(rows) + p.valuesText()
}

func (p presentedForeign) valuesText() string {
	if len(p.Values) == 0 {
		return "no values\n"
	}
	rows := [][]string{}
	for _, name := range slices.Sorted(maps.Keys(p.Values)) {
		v := p.Values[name]
		rows = append(rows, []string{"  " + printable(name), printable(v.Type),
			strings.ReplaceAll(visibleJSON(string(v.Value)), "\n", " ")})
	}
	return fmt.Sprintf("%s:\n%s", count(len(p.Values), "value"), table(rows))
}
