package gorillastore

import (
	"bytes"
	"encoding/gob" //nolint:depguard // gorilla's handlers expect their own types back
	"errors"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"unicode/utf8"

	session "github.com/coatcheck/coatcheck/core"
)

// content is what is stored of a gorilla session. It is a struct so that one without values can be stored, too.
type content struct {
	Values entries `json:"values"`
}

// entries are gobs of maps of one value each, by their keys' names. Nil is a session that has not been saved.
type entries map[string][]byte

func keyOf(name string) session.Key[content] { return session.Key[content]("gorilla:" + name) }

var errOnlyRead = errors.New("only read")

// read returns what the request sees of a gorilla session. It goes by Try, which unlike Get does not count as having
// read: Save merges, so that another request's change is no conflict.
func read(here *session.Session, name string) (found entries, err error) {
	if err := here.Err(); err != nil {
		return nil, err
	}
	err = keyOf(name).Try(here, func(c content) (content, error) {
		found = c.Values
		return c, errOnlyRead
	})
	if errors.Is(err, errOnlyRead) {
		err = nil
	}
	return found, err
}

// decode fills values, and returns the entries that it could decode.
func (e entries) decode(values map[any]any) (known entries, err error) {
	known = entries{}
	for name, text := range e {
		one, broken := decode(text)
		if broken != nil {
			err = errors.Join(err, fmt.Errorf("gorillastore: the value %q: %w", name, broken))
			continue
		}
		known[name] = text
		maps.Copy(values, one)
	}
	return known, err
}

func decode(text []byte) (map[any]any, error) {
	one := map[any]any{}
	return one, gob.NewDecoder(bytes.NewReader(text)).Decode(&one)
}

// difference is what a request has changed.
type difference struct {
	set     entries
	deleted []string
}

func (e entries) difference(values map[any]any) (d difference, err error) {
	d.set = entries{}
	names := make(map[string]bool, len(values))
	for key, v := range values {
		name := nameOf(key)
		names[name] = true
		var text bytes.Buffer
		if err := gob.NewEncoder(&text).Encode(map[any]any{key: v}); err != nil {
			return d, fmt.Errorf("gorillastore: the value %q cannot be saved: %w", name, err)
		}
		if !e.has(name, text.Bytes(), v) {
			d.set[name] = text.Bytes()
		}
	}
	for name := range e {
		if !names[name] {
			d.deleted = append(d.deleted, name)
		}
	}
	return d, nil
}

// has reports whether an entry has this value. The gob of one value may have several forms, as it may hold a map. The
// entry is decoded anew because a handler may have changed the value in place.
func (e entries) has(name string, text []byte, v any) bool {
	before, ok := e[name]
	if !ok || bytes.Equal(before, text) {
		return ok
	}
	one, err := decode(before)
	if err != nil {
		return false
	}
	for _, old := range one {
		return reflect.DeepEqual(old, v)
	}
	return false
}

// applyTo makes the same changes to what is stored now.
func (d difference) applyTo(c content) content {
	after := entries{}
	maps.Copy(after, c.Values)
	maps.Copy(after, d.set)
	for _, name := range d.deleted {
		delete(after, name)
	}
	return content{after}
}

// nameOf is a text for a key of Values. Those that are strings are their own, if JSON can hold them.
func nameOf(key any) string {
	if s, ok := key.(string); ok && utf8.ValidString(s) && !strings.HasPrefix(s, "\x00") {
		return s
	}
	if t := reflect.TypeOf(key); t != nil && t.PkgPath() != "" { // %T has the last part of the path only
		return fmt.Sprintf("\x00%s.%s %#v", t.PkgPath(), t.Name(), key)
	}
	return fmt.Sprintf("\x00%T %#v", key, key)
}
