package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

const maxPasted = 64 << 10 // bytes: more than any server takes as a header

const errNoCookie = usageError("there is no cookie: give its value, NAME=VALUE, or a Cookie or Set-Cookie line")

// inspect opens a cookie.
type inspect struct {
	KeysFile string `help:"${inspectKeysFileHelp}" placeholder:"PATH"`
	Sealer   string `default:"any" enum:"any,securecookie,aead" help:"${inspectSealerHelp}" placeholder:"SEALER"`
	Name     string `help:"${inspectNameHelp}" placeholder:"NAME"`
	Secrets  bool   `help:"Print values too whose names speak of secrets, and with --as all values."`

	As       string        `default:"coatcheck" enum:"${inspectAs}" help:"${inspectAsHelp}" placeholder:"SYSTEM"`
	Lifetime time.Duration `help:"${inspectLifetimeHelp}" placeholder:"DURATION"`

	Cookie argument `arg:"" help:"${inspectCookieHelp}" optional:""`

	storeFlags
}

// Help is what "coatcheck inspect --help" says below the summary.
func (inspect) Help() string {
	return `A cookie is as good as a password while its session lives, so treat it like one. Looking does not extend the
session.

A sealed session is opened with the keys in COATCHECK_KEYS or the file that --keys-file names, several separated by
commas. A session in a store is looked up in --store or COATCHECK_STORE. With both, both are tried.

Sealing binds a session to its cookie's name. For a bare value the names that the library chooses by itself are tried:
__Host-id, __Secure-id and id. For another one, and for the one that InsecureHTTP names after the program, give
NAME=VALUE.

With --as the cookie is another system's, and read as the importer for that system under migrate reads it. Its keys are
in COATCHECK_FOREIGN_KEYS or the file that --keys-file names, one a line, as they are or as hex:... or base64:...:

  flask, django   the secret key, then the former ones
  express         the secrets
  gorilla         what NewCookieStore was given, in that order; an empty line where there is no block key
  scs             none: the cookie is a token

The cookies of express and scs, and those of sessions that Flask, Django or gorilla keep elsewhere, carry only an id.

The exit status is 3 when the cookie opens no session: it is unknown, or has expired or ended. What is printed says
which.`
}

// Run is called by kong.
func (i inspect) Run(c *console) error {
	if i.As != ownSystem {
		return i.inspectForeign(c)
	}
	openers, closeStore, err := i.openers(c)
	if err != nil {
		return err
	}
	f, err := i.open(c, openers)
	if err = errors.Join(err, closeStore()); err != nil {
		return err
	}
	p := i.present(f)
	if err := i.print(c, p, p.text()); err != nil || p.Alive {
		return err
	}
	return errNobody
}

// open returns what opens the cookie, or else what says most about why nothing does.
func (i inspect) open(c *console, openers []opener) (finding, error) {
	text, err := i.read(c)
	if err != nil {
		return finding{}, err
	}
	cookies := parseCookies(text, cmp.Or(i.Name, defaultName))
	if len(cookies) == 0 {
		return finding{}, errNoCookie
	}
	ctx, cancel := context.WithTimeout(c.ctx, i.Timeout)
	defer cancel()
	var best finding
	for _, cookie := range cookies {
		for _, open := range openers {
			f, err := open(ctx, cookie)
			if err != nil {
				return finding{}, err
			}
			best = better(best, f)
		}
	}
	if best.carrier == "" {
		return best, usageError("none of these cookies has a name that a session's can have")
	}
	return best, nil
}

// read returns the argument or, without one, a line of standard input.
func (i inspect) read(c *console) (string, error) {
	if i.Cookie != "" && i.Cookie != "-" {
		return string(i.Cookie), nil
	}
	type input struct {
		line string
		err  error
	}
	lines := make(chan input, 1)
	go func() { // a read from a terminal cannot be interrupted
		line, err := bufio.NewReader(io.LimitReader(c.stdin, maxPasted)).ReadString('\n')
		lines <- input{strings.TrimSpace(line), err}
	}()
	select {
	case in := <-lines:
		if in.err != nil && !errors.Is(in.err, io.EOF) {
			return "", fmt.Errorf("the cookie cannot be read from standard input: %w", in.err)
		}
		return in.line, nil
	case <-c.ctx.Done():
		return "", errors.New("interrupted")
	}
}
