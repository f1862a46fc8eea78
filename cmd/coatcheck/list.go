package main

import (
	"context"
	"errors"
	"fmt"

	session "github.com/coatcheck/coatcheck/core"
)

// list prints whose sessions are alive.
type list struct {
	storeFlags

	Subject argument `arg:"" help:"${listSubjectHelp}"`
}

// Help is what "coatcheck list --help" says below the summary.
func (list) Help() string {
	return `Newest first. A handle names a session and opens none, so it may be shown and logged; "coatcheck revoke"
takes it. The agent and the network are those of the first use or the last login, where the application notes them
(session.Options.ClientHints); the agent is what the browser says of itself.`
}

// Run is called by kong.
func (l list) Run(c *console) error {
	return l.use(c, func(ctx context.Context, m *session.Manager, kind string) error {
		found, err := m.List(ctx, string(l.Subject))
		if err != nil && len(found) == 0 {
			return searchable(kind, err)
		}
		if len(found) == 0 && !l.JSON {
			_, err := fmt.Fprintln(c.stderr, "coatcheck: the subject has no session that is alive")
			return err
		}
		all, rows := []shown{}, [][]string{{"HANDLE", "CREATED", "LAST SEEN", "EXPIRES", "AGENT", "NETWORK"}}
		for _, i := range found {
			all = append(all, show(i))
			rows = append(rows, []string{printable(i.Handle), clock(i.Created), clock(i.LastSeen), clock(i.ExpiresAt),
				printable(i.Agent), printable(i.Network)})
		}
		if err != nil {
			err = fmt.Errorf("there may be more: %w", err)
		}
		return errors.Join(l.print(c, all, table(rows)), err)
	})
}

// searchable explains what a store cannot do that keeps no list of each subject's sessions.
func searchable(kind string, err error) error {
	if !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return fmt.Errorf("a %s store cannot find sessions by their subject: keep them in a SQL database, in Redis or in "+
		"files to list and revoke them", kind)
}
