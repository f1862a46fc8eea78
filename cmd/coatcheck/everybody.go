package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	session "github.com/coatcheck/coatcheck/core"
)

// confirmation is what has to be typed.
const confirmation = "everybody"

// revokeEverybody ends all sessions in a store.
type revokeEverybody struct {
	Yes bool `help:"Do not ask: for scripts."`

	storeFlag
	outputFlag
	longTimeFlag
}

// Help is what "coatcheck revoke-everybody --help" says below the summary.
func (revokeEverybody) Help() string {
	return `For the day after an intrusion. It ends anonymous visitors' sessions too, and those of every application
that shares the store. A session that begins meanwhile or later is not among them: first make the site refuse logins.
It asks; without a terminal it wants --yes.`
}

// Run is called by kong.
func (r revokeEverybody) Run(c *console) error {
	return r.use(c, r.Timeout, func(ctx context.Context, m *session.Manager, kind string) error {
		if !r.Yes {
			if err := ask(c, kind); err != nil {
				return err
			}
		}
		n, err := m.RevokeEverybody(ctx)
		if err == nil {
			return r.print(c, revoked{n}, "revoked "+count(n, "session")+"\n")
		}
		var unprinted error
		if r.JSON {
			unprinted = r.print(c, revoked{n}, "")
		}
		if n > 0 {
			err = fmt.Errorf("revoked %s, then: %w; run it again to go on", count(n, "session"), err)
		}
		return errors.Join(walkable(kind, err), unprinted)
	})
}

var errNotConfirmed = errors.New("nothing was revoked")

// ask lets a person confirm, and refuses where there is none.
func ask(c *console, kind string) error {
	if !c.interactive {
		return usageError("there is no terminal to ask at: give --yes to end everybody's sessions")
	}
	_, err := fmt.Fprintf(c.stderr, "This ends all sessions in the %s store: everybody is logged out.\nType %q to go on: ",
		kind, confirmation)
	if err != nil {
		return err
	}
	answers := make(chan string, 1)
	go func() { // a read from a terminal cannot be interrupted
		line, _ := bufio.NewReader(io.LimitReader(c.stdin, maxPasted)).ReadString('\n') // what cannot be read says no
		answers <- line
	}()
	select {
	case answer := <-answers:
		if strings.TrimSpace(answer) == confirmation {
			return nil
		}
	case <-c.ctx.Done():
	}
	return errNotConfirmed
}
