package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	session "github.com/coatcheck/coatcheck/core"
)

// audit holds an application's settings against what standards require.
type audit struct {
	AAL      int    `default:"2" help:"${auditAALHelp}" name:"aal" placeholder:"LEVEL"`
	Standard string `default:"all" enum:"all,asvs,nist,owasp" help:"${auditStandardHelp}" placeholder:"STANDARD"`
	Open     bool   `help:"Leave out what is met."`

	outputFlag
	timeFlag

	Source argument `arg:"" help:"${auditSourceHelp}" optional:""`
}

// Validate is called by kong.
func (a audit) Validate() error {
	if _, ok := levels[a.AAL]; !ok {
		return fmt.Errorf("--aal %d: use 1, 2 or 3", a.AAL)
	}
	return a.timeFlag.Validate()
}

// Help is what "coatcheck audit --help" says below the summary.
func (audit) Help() string {
	return `The settings are the JSON of Manager.Settings, of one manager or a list of several, which the application
writes to a file when it starts or shows behind its own guard. No secret is in them:

  text, err := json.Marshal(sessions.Settings())

It tells what is met, what is not and how to change that, and what the library cannot decide: that is a task for the
application or its documentation. What the standards say beyond sessions and their cookies is left out. If something is
not met, the exit status is 1.`
}

// audited is what an audit says of a requirement, for machines.
type audited struct {
	Manager  string `json:"manager"`
	Standard string `json:"standard"`
	Number   string `json:"number"`
	Text     string `json:"requirement"`
	State    state  `json:"state"`
	Hint     string `json:"hint"`
}

// Run is called by kong.
func (a audit) Run(c *console) error {
	text, err := a.read(c)
	if err != nil {
		return err
	}
	managers, err := parseSettings(text)
	if err != nil {
		return err
	}
	all, page, failed := []audited{}, "", 0
	for _, m := range managers {
		judged := judge(settings{m, a.AAL}, a.Standard)
		failed += amount(judged, notMet)
		page += summary(m.Manager, judged)
		if a.Open {
			judged = slices.DeleteFunc(judged, func(f audited) bool { return f.State == met })
		}
		page += auditTable(judged)
		all = append(all, judged...)
	}
	if err := a.print(c, all, page); err != nil || failed == 0 {
		return err
	}
	return fmt.Errorf("%s not met", count(failed, "requirement"))
}

// parseSettings reads the settings of one or several managers.
func parseSettings(text []byte) (managers []session.Settings, err error) {
	if trimmed := strings.TrimSpace(string(text)); strings.HasPrefix(trimmed, "{") {
		text = []byte("[" + trimmed + "]")
	}
	err = json.Unmarshal(text, &managers)
	foreign := func(s session.Settings) bool { return s.Manager == "" || s.Cookie.Name == "" || s.IdleSeconds <= 0 }
	if err != nil || len(managers) == 0 || slices.ContainsFunc(managers, foreign) {
		return nil, errors.New("these are no settings of a session.Manager: the JSON of Manager.Settings, or a list of such")
	}
	return managers, nil
}

// requirements are those of a standard, or of all.
func requirements(standard string, aal int) []requirement {
	switch standard {
	case "asvs":
		return asvsRequirements
	case "nist":
		return nistRequirements(aal)
	case "owasp":
		return owaspRequirements
	}
	return slices.Concat(asvsRequirements, nistRequirements(aal), owaspRequirements)
}

func judge(s settings, standard string) (all []audited) {
	for _, r := range requirements(standard, s.aal) {
		v := r.judge(s)
		all = append(all, audited{s.Manager, r.standard, r.number, r.text, v.State, v.Hint})
	}
	return all
}

func amount(all []audited, s state) (n int) {
	for _, f := range all {
		if f.State == s {
			n++
		}
	}
	return n
}

func summary(manager string, all []audited) string {
	return fmt.Sprintf("manager %s: %d met, %d not met, %d yours, which the library does not decide\n", printable(manager),
		amount(all, met), amount(all, notMet), amount(all, undecided))
}

func auditTable(all []audited) (text string) {
	standard, rows := "", [][]string{}
	flush := func() {
		if len(rows) > 0 {
			text += "\n" + standard + "\n" + table(rows)
		}
		rows = nil
	}
	short := map[state]string{met: "met", notMet: "NOT MET", undecided: "yours"}
	for _, f := range all {
		if f.Standard != standard {
			flush()
			standard = f.Standard
		}
		rows = append(rows, []string{"  " + f.Number, short[f.State], f.Text, printable(f.Hint)})
	}
	flush()
	return text
}
