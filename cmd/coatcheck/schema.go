package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/coatcheck/coatcheck/internal/drivers/storeurl"
	"github.com/coatcheck/coatcheck/stores/sqlstore"
)

// schema prints or makes the tables of a SQL store.
type schema struct {
	Dialect string `enum:",sqlite,postgres,mysql" default:"" help:"${schemaDialectHelp}" placeholder:"DIALECT"`
	Apply   bool   `help:"Make the tables that are missing in the store, instead of printing."`

	storeFlags
}

// Help is what "coatcheck schema --help" says below the summary.
func (schema) Help() string {
	return `What it prints may be applied again and again, and so may --apply: tables that exist stay as they are. The
parameter table in the store's URL names another table than coatcheck_sessions.`
}

// dialects are the SQL stores, by their URL's scheme.
var dialects = map[string]sqlstore.Dialect{"sqlite": sqlstore.SQLite, "postgres": sqlstore.PostgreSQL,
	"mysql": sqlstore.MySQL}

// Run is called by kong.
func (s schema) Run(c *console) error {
	if s.Dialect != "" && s.Apply {
		return usageError("--apply works on a store, which knows its dialect: leave out --dialect")
	}
	if s.Dialect != "" {
		return s.printFor(c, s.Dialect, "")
	}
	if s.Store == "" {
		return usageError("give --dialect, or a SQL store in --store or COATCHECK_STORE")
	}
	kind, table, err := storeurl.Table(s.Store)
	if err != nil {
		return usageError(err.Error())
	}
	if _, ok := dialects[kind]; !ok {
		return usageError(fmt.Sprintf("a %s store has no tables: it is ready for use as it is", kind))
	}
	if !s.Apply {
		return s.printFor(c, kind, table)
	}
	o, err := s.openBy(storeurl.Open)
	if err != nil {
		return err
	}
	return errors.Join(s.apply(c, o), o.Close())
}

func (s schema) apply(c *console, o *storeurl.Opened) error {
	ctx, cancel := context.WithTimeout(c.ctx, s.Timeout)
	defer cancel()
	if err := o.Migrate(ctx); err != nil {
		if c.ctx.Err() != nil || o.Remedy(err) != "" {
			return advise(c, o, err)
		}
		return fmt.Errorf("%w; apply what \"coatcheck schema\" prints as a user who may create tables", err)
	}
	return s.print(c, map[string]bool{"applied": true}, "the tables are there\n")
}

func (s schema) printFor(c *console, dialect, table string) error {
	text, err := sqlstore.Schema(dialects[dialect], sqlstore.Options{Table: table})
	if err != nil {
		return usageError(err.Error())
	}
	return s.print(c, map[string]string{"dialect": dialect, "sql": text}, text)
}
