package main

import (
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
)

const (
	foreignKeysVariable = "COATCHECK_FOREIGN_KEYS"
	ownSystem           = "coatcheck"
)

// inspectForeign says what is in the cookie of another system.
func (i inspect) inspectForeign(c *console) error {
	from := systems[i.As]
	if i.Lifetime < 0 {
		return usageError("--lifetime is negative: use a duration like 336h")
	}
	keys, err := i.foreignKeys(from)
	if err != nil {
		return err
	}
	text, err := i.read(c)
	if err != nil {
		return err
	}
	name := cmp.Or(i.Name, from.cookie)
	cookies := parseCookies(text, withoutPrefix(name))
	if len(cookies) == 0 {
		return errNoCookie
	}
	s := foreignSettings{keys: keys, lifetime: cmp.Or(i.Lifetime, from.lifetime), now: c.now}
	var best *foreignFinding
	for _, k := range cookies {
		if s.cookie = cmp.Or(k.name, i.Name, from.cookie); s.cookie == "" {
			return usageError("the signature covers the cookie's name: give NAME=VALUE, or --name")
		}
		found, err := from.read(c.ctx, k.value, s)
		if err != nil {
			return usageError(fmt.Sprintf("--as %s: %v", i.As, err))
		}
		if best == nil || found.tells() > best.tells() {
			best = found
		}
	}
	p := i.presentForeign(*best)
	if err := i.print(c, p, p.text()); err != nil || p.Accepted {
		return err
	}
	return errNobody
}

// foreignKeys reads the other system's keys, one a line.
func (i inspect) foreignKeys(from system) ([]string, error) {
	text, source := os.Getenv(foreignKeysVariable), foreignKeysVariable
	if i.KeysFile != "" {
		var err error
		if text, err = i.keysFile(); err != nil {
			return nil, err
		}
		source = "--keys-file"
	}
	text = strings.TrimRight(text, "\r\n")
	if text == "" && from.signs {
		return nil, usageError("nothing to check the cookie with: set " + foreignKeysVariable + ", or give --keys-file")
	}
	var keys []string
	for number, line := range strings.Split(text, "\n") {
		key, err := foreignKey(strings.TrimSuffix(line, "\r"))
		if err != nil {
			return nil, usageError(fmt.Sprintf("%s: line %d: %v", source, number+1, err))
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// foreignKey reads a key as it is, or as the bytes that hex: or base64: is in front of.
func foreignKey(line string) (string, error) {
	var key []byte
	var err error
	if digits, ok := strings.CutPrefix(line, "hex:"); ok {
		key, err = hex.DecodeString(digits)
	} else if text, ok := strings.CutPrefix(line, "base64:"); ok {
		key, err = base64.StdEncoding.DecodeString(text)
	} else {
		return line, nil
	}
	if err != nil || len(key) == 0 {
		return "", fmt.Errorf("it begins with hex: or base64:, and is not that") // the error has parts of the key
	}
	return string(key), nil
}
