package fromflask

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"unicode/utf16"
)

// early is how many seconds before it is made a cookie is stamped: Flask refuses one from the future, and its clock may
// be behind.
const early = 5

// seal makes a cookie as Flask makes it. Its zlib may find other bytes for the same text.
func (p *prepared) seal(values map[string]any) string { return p.sealTagged(tagged(values)) }

// sealTagged is seal for values with Flask's tags.
func (p *prepared) sealTagged(value any) string {
	text := pythonJSON(nil, value)
	body := base64.RawURLEncoding.EncodeToString(text)
	if short := deflate(text); len(short) < len(text)-1 {
		body = "." + base64.RawURLEncoding.EncodeToString(short)
	}
	var seconds [8]byte
	binary.BigEndian.PutUint64(seconds[:], uint64(max(0, p.Now().Unix()-early)))
	stamp := base64.RawURLEncoding.EncodeToString(bytes.TrimLeft(seconds[:], "\x00"))
	return p.signers[0].sign(body + "." + stamp)
}

func deflate(text []byte) []byte {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	_, _ = z.Write(text) // into memory
	_ = z.Close()        // likewise
	return b.Bytes()
}

// tagged escapes the objects in a value that look like tags.
func tagged(value any) any {
	switch v := value.(type) {
	case []any:
		for i := range v {
			v[i] = tagged(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = tagged(v[name])
		}
		for name, member := range v {
			switch name {
			case tagDict, tagTuple, tagBytes, tagMarkup, tagUUID, tagDatetime:
				if len(v) == 1 {
					return map[string]any{tagDict: map[string]any{name + "__": member}}
				}
			}
		}
	}
	return value
}

// pythonJSON appends JSON in Python's spelling: names sorted, no spaces, and nothing but ASCII.
func pythonJSON(b []byte, value any) []byte {
	switch v := value.(type) {
	case nil:
		return append(b, "null"...)
	case bool:
		return strconv.AppendBool(b, v)
	case json.Number:
		return append(b, v...)
	case string:
		return pythonText(b, v)
	case []any:
		b = append(b, '[')
		for i := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = pythonJSON(b, v[i])
		}
		return append(b, ']')
	case map[string]any:
		b = append(b, '{')
		for i, name := range slices.Sorted(maps.Keys(v)) {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(pythonText(b, name), ':')
			b = pythonJSON(b, v[name])
		}
		return append(b, '}')
	}
	panic("fromflask: not a value of package json's") // parse returns no others
}

func pythonText(b []byte, text string) []byte {
	b = append(b, '"')
	for _, c := range text {
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', byte(c))
		case c >= ' ' && c <= '~':
			b = append(b, byte(c))
		case c < ' ' && short[c] != 0:
			b = append(b, '\\', short[c])
		default:
			for _, unit := range utf16.Encode([]rune{c}) {
				b = fmt.Appendf(b, `\u%04x`, unit)
			}
		}
	}
	return append(b, '"')
}

var short = [' ']byte{'\b': 'b', '\f': 'f', '\n': 'n', '\r': 'r', '\t': 't'}
