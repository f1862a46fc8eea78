package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	session "github.com/coatcheck/coatcheck/core"
)

// revoke ends one session.
type revoke struct {
	Only argument `help:"${revokeHandleHelp}" name:"handle" placeholder:"HANDLE"`

	storeFlags

	Subject argument `arg:"" help:"Whom the session belongs to." optional:""`
	Handle  argument `arg:"" help:"Which session, as \"coatcheck list\" prints it." optional:""`
}

// Help is what "coatcheck revoke --help" says below the summary.
func (revoke) Help() string {
	return `Its cookie opens nothing from then on, and nothing brings the session back, not even a request that is being
served at that moment. With --handle and no subject it looks through all sessions of the store, anonymous ones too.`
}

// revoked is the result for machines.
type revoked struct {
	Revoked int `json:"revoked"`
}

// Run is called by kong.
func (r revoke) Run(c *console) error {
	handle := cmp.Or(r.Only, r.Handle)
	if handle == "" || r.Only != "" && r.Handle != "" {
		return usageError("expected \"<subject> <handle>\", or --handle HANDLE")
	}
	return r.use(c, func(ctx context.Context, m *session.Manager, kind string) error {
		err := r.end(ctx, m, kind, string(handle))
		if err != nil {
			return err
		}
		return r.print(c, revoked{1}, "revoked 1 session\n")
	})
}

func (r revoke) end(ctx context.Context, m *session.Manager, kind, handle string) error {
	if r.Subject == "" {
		err := m.RevokeHandle(ctx, handle)
		if errors.Is(err, session.ErrNotFound) {
			return errors.New("no live session has that handle")
		}
		return walkable(kind, err)
	}
	err := m.Revoke(ctx, string(r.Subject), handle)
	if errors.Is(err, session.ErrNotFound) {
		return errors.New(`the subject has no live session of that handle: "coatcheck list" shows which it has`)
	}
	return searchable(kind, err)
}

// revokeAll ends all sessions of a subject.
type revokeAll struct {
	storeFlags

	Subject argument `arg:"" help:"Whom the sessions belong to."`
}

// Help is what "coatcheck revoke-all --help" says below the summary.
func (revokeAll) Help() string {
	return `A login that happens meanwhile or later is not among them: if the account is to be closed, first make the
application refuse its logins.`
}

// Run is called by kong.
func (r revokeAll) Run(c *console) error {
	return r.use(c, func(ctx context.Context, m *session.Manager, kind string) error {
		n, err := m.RevokeAll(ctx, string(r.Subject))
		if err != nil && n > 0 {
			return errors.Join(r.printPart(c, n), fmt.Errorf("revoked %s, then: %w; run it again to go on", count(n, "session"),
				err))
		}
		if err != nil {
			return searchable(kind, err)
		}
		if n == 0 {
			return r.print(c, revoked{0},
				"revoked 0 sessions: none of this subject was alive in this store; if there should be some, check the URL "+
					"(database, prefix, table) and the subject\n")
		}
		return r.print(c, revoked{n}, "revoked "+count(n, "session")+"\n")
	})
}

// printPart is for machines, which get the number where they look for it.
func (r revokeAll) printPart(c *console, n int) error {
	if !r.JSON {
		return nil
	}
	return r.print(c, revoked{n}, "")
}
