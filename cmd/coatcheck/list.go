package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	session "github.com/coatcheck/coatcheck/core"
)

// maxListed is how many sessions a list may have.
const maxListed = 10_000

// list prints whose sessions are alive.
type list struct {
	storeFlags
	Limit int    `default:"100" help:"${listLimitHelp}" placeholder:"N"`
	Sort  string `default:"created" enum:"created,last-seen,expires" help:"${listSortHelp}" placeholder:"ORDER"`

	Subject argument `arg:"" help:"${listSubjectHelp}" optional:""`
}

// Validate is called by kong.
func (l list) Validate() error {
	if l.Limit < 1 || l.Limit > maxListed {
		return fmt.Errorf("--limit %d: use a number from 1 to %d", l.Limit, maxListed)
	}
	return l.timeFlag.Validate()
}

// Help is what "coatcheck list --help" says below the summary.
func (list) Help() string {
	return `Newest first, or those first that were seen or will expire last. Without a subject it lists everybody's,
where the store can go through its sessions. A handle names a session and opens none, so it may be shown and logged;
"coatcheck revoke" takes it. The agent and the network are those of the first use or the last login, where the
application notes them (session.Options.ClientHints); the agent is what the browser says of itself.`
}

// orders compare sessions so that the first one of a list comes first.
var orders = map[string]func(a, b session.Info) int{
	"created":   func(a, b session.Info) int { return b.Created.Compare(a.Created) },
	"last-seen": func(a, b session.Info) int { return b.LastSeen.Compare(a.LastSeen) },
	"expires":   func(a, b session.Info) int { return b.ExpiresAt.Compare(a.ExpiresAt) },
}

// listing keeps the first ones of a list.
type listing struct {
	order func(a, b session.Info) int
	limit int
	found []session.Info
	more  int // that were left out
}

func (l *listing) add(i session.Info) {
	l.found = append(l.found, i)
	if len(l.found) >= 2*l.limit {
		l.cut()
	}
}

func (l *listing) cut() {
	slices.SortFunc(l.found, func(a, b session.Info) int {
		return cmp.Or(l.order(a, b), strings.Compare(a.Handle, b.Handle))
	})
	if over := len(l.found) - l.limit; over > 0 {
		l.found, l.more = l.found[:l.limit], l.more+over
	}
}

// Run is called by kong.
func (l list) Run(c *console) error {
	return l.use(c, func(ctx context.Context, m *session.Manager, kind string) error {
		all := &listing{order: orders[l.Sort], limit: l.Limit}
		err := l.collect(ctx, m, kind, all)
		if all.cut(); err != nil && len(all.found) == 0 {
			return err
		}
		if len(all.found) == 0 && !l.JSON {
			return l.nobody(c)
		}
		if err != nil {
			err = fmt.Errorf("there may be more: %w", err)
		} else if all.more > 0 && !l.JSON {
			_, err = fmt.Fprintf(c.stderr, "coatcheck: %d more: raise --limit to see them\n", all.more)
		}
		shown, rows := l.present(all.found)
		return errors.Join(l.print(c, shown, table(rows)), err)
	})
}

// collect finds the subject's sessions, or everybody's.
func (l list) collect(ctx context.Context, m *session.Manager, kind string, all *listing) error {
	if l.Subject != "" {
		found, err := m.List(ctx, string(l.Subject))
		for _, i := range found {
			all.add(i)
		}
		return searchable(kind, err)
	}
	for i, err := range m.All(ctx) {
		if err != nil {
			return walkable(kind, err)
		}
		all.add(i)
	}
	return nil
}

func (l list) nobody(c *console) error {
	who := "the subject has no session that is alive"
	if l.Subject == "" {
		who = "no session is alive"
	}
	_, err := fmt.Fprintln(c.stderr, "coatcheck: "+who)
	return err
}

func (l list) present(found []session.Info) (all []shown, rows [][]string) {
	all, rows = []shown{}, [][]string{{"HANDLE", "CREATED", "LAST SEEN", "EXPIRES", "AGENT", "NETWORK"}}
	if l.Subject == "" {
		rows[0] = slices.Insert(rows[0], 1, "SUBJECT")
	}
	for _, i := range found {
		all = append(all, show(i))
		row := []string{printable(i.Handle), clock(i.Created), clock(i.LastSeen), clock(i.ExpiresAt),
			printable(i.Agent), printable(i.Network)}
		if l.Subject == "" {
			row = slices.Insert(row, 1, printable(i.Subject))
		}
		rows = append(rows, row)
	}
	return all, rows
}

// searchable explains what a store cannot do that keeps no list of each subject's sessions.
func searchable(kind string, err error) error {
	if !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return fmt.Errorf("a %s store cannot find sessions by their subject: keep them in a SQL database, in Redis or in "+
		"files to list and revoke them", kind)
}
