package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/drivers/storeurl"
)

const keysVariable = "COATCHECK_KEYS"

// finding is what an opener made of a cookie.
type finding struct {
	session.Inspection
	name    string // the cookie's, if known
	carrier string // where the session is
}

// What carries a session: the cookie if it is sealed.
const (
	carrierCookie = "cookie"
	carrierStore  = "store"
)

// tells ranks findings by how much they tell. No finding tells nothing.
func (f finding) tells() int {
	switch {
	case f.carrier == "":
		return 0
	case f.Reason == session.ReasonOversized, f.Reason == session.ReasonMalformed, f.Reason == session.ReasonUnopenable:
		return 1
	case f.Reason == session.ReasonUnknown: // the cookie looked like a token
		return 2
	case f.Reason != "":
		return 3
	}
	return 4
}

// better returns the finding that tells more, or the first.
func better(a, b finding) finding {
	if b.tells() > a.tells() {
		return b
	}
	return a
}

// opener tries a cookie in one way.
type opener func(context.Context, cookie) (finding, error)

// openers are the ways that the flags and the environment offer, those first that cost no call.
func (i inspect) openers(c *console) (all []opener, closeStore func() error, err error) {
	closeStore = func() error { return nil }
	keys, ok, err := i.keys()
	if err != nil {
		return nil, nil, err
	}
	if ok {
		if _, err := session.NewSealed(keys, session.Options{Name: i.Name}); err != nil {
			return nil, nil, usageError(err.Error())
		}
		all = append(all, func(ctx context.Context, k cookie) (finding, error) { return i.unseal(ctx, c, keys, k) })
	}
	if i.Store != "" {
		o, err := i.storeFlag.open()
		if err != nil {
			return nil, nil, err
		}
		if _, err := manage(c, o.Store, i.Name, i.Timeout); err != nil {
			return nil, nil, errors.Join(usageError(err.Error()), o.Close())
		}
		closeStore = o.Close
		all = append(all, func(ctx context.Context, k cookie) (finding, error) { return i.lookUp(ctx, c, o, k) })
	}
	if len(all) == 0 {
		return nil, nil, usageError("nothing to open the cookie with: for a sealed session set " + keysVariable +
			" or give --keys-file, for one in a store set COATCHECK_STORE or give --store")
	}
	return all, closeStore, nil
}

// keys reads the keys, if there are any.
func (i inspect) keys() (keys session.Keys, ok bool, err error) {
	text, source := os.Getenv(keysVariable), keysVariable
	if i.KeysFile != "" {
		if text, err = i.keysFile(); err != nil {
			return keys, false, err
		}
		source = "--keys-file"
	} else if text == "" {
		return keys, false, nil
	}
	if keys, err = session.ParseKeys(text); err != nil {
		return keys, false, usageError(fmt.Sprintf("%s: %v", source, err))
	}
	return keys, true, nil
}

func (i inspect) keysFile() (string, error) {
	content, err := os.ReadFile(i.KeysFile)
	if err != nil {
		if p, ok := errors.AsType[*fs.PathError](err); ok { // the path may be the keys, in the wrong place
			err = p.Err
		}
		return "", fmt.Errorf("the file that --keys-file names cannot be read: %w", err)
	}
	return string(content), nil
}

var sealers = map[string][]session.Sealer{
	"any":          {session.SecureCookie, session.AEAD},
	"securecookie": {session.SecureCookie},
	"aead":         {session.AEAD},
}

// unseal opens a sealed session under whichever manager, name and sealer fits.
func (i inspect) unseal(ctx context.Context, c *console, keys session.Keys, k cookie) (best finding, err error) {
	for _, manager := range k.managers(i.Name) {
		for _, name := range k.names(manager) {
			for _, sealer := range sealers[i.Sealer] {
				m, err := session.NewSealed(keys, session.Options{
					Name: manager, Cookie: session.Cookie{Name: name}, Sealer: sealer, Now: c.now, IdleTimeout: longest,
					AbsoluteTimeout: longest,
				})
				if err != nil { // no session's cookie can have this name
					continue
				}
				found, err := m.Inspect(ctx, k.value)
				if err != nil {
					return best, err
				}
				best = better(best, finding{found, name, carrierCookie})
			}
		}
	}
	if best.Reason == session.ReasonUnopenable {
		best.name = k.name // the others were guesses
	}
	return best, nil
}

// lookUp finds a stored session under whichever manager fits.
func (i inspect) lookUp(ctx context.Context, c *console, o *storeurl.Opened, k cookie) (best finding, err error) {
	for _, manager := range k.managers(i.Name) {
		m, err := manage(c, o.Store, manager, i.Timeout)
		if err != nil { // as above
			continue
		}
		found, err := m.Inspect(ctx, k.value)
		if err != nil {
			return best, advise(c, o, err)
		}
		best = better(best, finding{found, k.name, carrierStore})
	}
	return best, nil
}
