// Package strict reads what other systems have written, and nothing that decoders may understand in different ways: no
// duplicate keys, no trailing bytes, no more than a limit.
package strict

import (
	"bytes"
	"cmp"
	"compress/zlib"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	session "github.com/coatcheck/coatcheck/core"
)

// Limits of what is read. A session that has more is refused.
const (
	// MaxSize is how many bytes a session may have, after decompression.
	MaxSize = 1 << 20
	// MaxDepth is how deep JSON may nest.
	MaxDepth = 64
)

// Skew is how far ahead of this program's the clock of a server may be that has signed a session. To a mirror a cookie
// that does not open is a logout.
const Skew = time.Minute

// Prefix is what stands before a session's id in a server's keys: none, or the standard one unless it is another.
func Prefix(other, standard string, none bool) string {
	if none {
		return ""
	}
	return cmp.Or(other, standard)
}

// Refused returns the error that refuses a session.
func Refused(r session.Reason, detail string, a ...any) error {
	return &session.NotImportedError{Reason: r, Detail: fmt.Sprintf(detail, a...)}
}

var base64url = base64.RawURLEncoding.Strict()

// Base64URL decodes base64url without padding. Of the spellings of a value only one is accepted.
func Base64URL(s string) ([]byte, error) { return decode(base64url, s) }

// PaddedBase64URL is Base64URL with padding, which is one spelling too.
func PaddedBase64URL(s string) ([]byte, error) { return decode(base64.URLEncoding.Strict(), s) }

func decode(e *base64.Encoding, s string) ([]byte, error) {
	b, err := e.DecodeString(s)
	if err != nil || e.EncodedLen(len(b)) != len(s) { // line breaks would be skipped
		return nil, errors.New("not base64url")
	}
	return b, nil
}

// Inflate undoes zlib's compression of at most MaxSize bytes.
func Inflate(compressed []byte) ([]byte, error) {
	in := bytes.NewReader(compressed)
	z, err := zlib.NewReader(in)
	if err != nil {
		return nil, errors.New("not zlib")
	}
	defer func() { _ = z.Close() }() // it only reports what Read has
	plain, err := io.ReadAll(io.LimitReader(z, MaxSize+1))
	switch {
	case err != nil:
		return nil, errors.New("damaged zlib")
	case len(plain) > MaxSize:
		return nil, fmt.Errorf("more than %d bytes after decompression", MaxSize)
	case in.Len() > 0:
		return nil, errors.New("bytes after the end of zlib")
	}
	return plain, nil
}

// Object reads one JSON object into its members, whose texts are checked and not decoded. A member inside which an
// object has a name twice, as a Python dictionary with 7 and "7" has when it is written, is left out: decoders differ
// in which one counts. Names that differ in case only are two here, and one to encoding/json, which takes the last of
// them for a struct's field.
func Object(text []byte) (map[string]any, error) {
	unclear, err := check(text)
	if err != nil {
		return nil, err
	}
	members := map[string]json.RawMessage{}
	if err := json.Unmarshal(text, &members); err != nil || members == nil {
		return nil, errors.New("not a JSON object")
	}
	values := make(map[string]any, len(members))
	for name, raw := range members {
		if !unclear[name] {
			values[name] = raw
		}
	}
	return values, nil
}

// check refuses what decoders may understand in different ways, but for members inside of which that is so: it returns
// their names.
func check(text []byte) (unclear map[string]bool, err error) {
	if len(text) > MaxSize || !utf8.Valid(text) {
		return nil, errors.New("too long, or not UTF-8")
	}
	c := checker{Decoder: json.NewDecoder(bytes.NewReader(text)), unclear: map[string]bool{}}
	c.UseNumber()
	if err := c.value(0); err != nil {
		return nil, err
	}
	if _, err := c.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("bytes after the end of JSON")
	}
	return c.unclear, nil
}

type checker struct {
	*json.Decoder
	member  string          // of the outermost object, in which the checker is
	unclear map[string]bool // those members in which an object has a name twice
}

func (c *checker) value(depth int) error {
	token, err := c.Token()
	if err != nil {
		return errors.New("not JSON")
	}
	delim, nested := token.(json.Delim)
	if !nested {
		return nil
	}
	if depth >= MaxDepth {
		return fmt.Errorf("JSON nests deeper than %d", MaxDepth)
	}
	seen := map[string]bool{}
	for c.More() {
		if delim == '{' {
			if err := c.name(seen, depth); err != nil {
				return err
			}
		}
		if err := c.value(depth + 1); err != nil {
			return err
		}
	}
	if _, err := c.Token(); err != nil {
		return errors.New("not JSON")
	}
	return nil
}

// name reads the name of an object's next member.
func (c *checker) name(seen map[string]bool, depth int) error {
	token, _ := c.Token()
	name, ok := token.(string)
	switch {
	case !ok:
		return errors.New("not JSON")
	case seen[name] && depth == 0:
		return errors.New("a JSON object has a member twice")
	case seen[name]:
		c.unclear[c.member] = true
	case depth == 0:
		c.member = name
	}
	seen[name] = true
	return nil
}
