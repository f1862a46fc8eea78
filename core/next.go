package session

import (
	"encoding/hex"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Next returns target if it is a path on this site, with or without a query and a fragment, and fallback otherwise; an
// empty fallback means "/". Give it what a login page has got as next before redirecting there:
//
//	next := session.Next(r.FormValue("next"), "/account")
//
// target has to be spelt as browsers spell it: in ASCII, with the rest percent-encoded as UTF-8, and at most 2048 bytes
// long. Refused is whatever a browser, a proxy or a framework could take for another site or another path: schemes and
// hosts, backslashes, empty parts as in //, the parts . and .., control characters, and slashes, backslashes, dots and
// control characters that are percent-encoded, however often. Only the path is judged that strictly; a query may
// contain URLs. fallback is the program's own and not judged.
func Next(target, fallback string) string {
	switch {
	case isLocal(target):
		return target
	case fallback == "":
		return "/"
	}
	return fallback
}

const (
	maxNext      = 2048 // bytes
	maxDecodings = 4    // who encodes a path more often has something to hide
)

func isLocal(target string) bool {
	if len(target) > maxNext || strings.ContainsFunc(target, isForeignToURLs) {
		return false
	}
	path := target
	if end := strings.IndexAny(target, "?#"); end >= 0 {
		path = target[:end]
	}
	_, err := url.Parse(target)
	return err == nil && isPlainPath(path) && staysPlain(path)
}

// isForeignToURLs reports whether browsers never send r as it is, in whichever part of a URL.
func isForeignToURLs(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"<>`, r) }

// isPlainPath reports whether nobody who tidies path up gets another one. Some servers take ..;x for .. (RFC 3986 §3.3
// allows parameters in each part).
func isPlainPath(path string) bool {
	if !strings.HasPrefix(path, "/") || strings.Contains(path, "//") || strings.Contains(path, `\`) {
		return false
	}
	for part := range strings.SplitSeq(path, "/") {
		if name, _, _ := strings.Cut(part, ";"); name == "." || name == ".." {
			return false
		}
	}
	return true
}

// staysPlain reports whether decoding path, once or more often, adds nothing but text.
func staysPlain(path string) bool {
	for range maxDecodings {
		decoded := decodedOnce(path)
		if decoded == path {
			return true
		}
		if !utf8.ValidString(decoded) || strings.ContainsFunc(decoded, structures) ||
			strings.Count(decoded, "/") > strings.Count(path, "/") || strings.Count(decoded, ".") > strings.Count(path, ".") {
			return false
		}
		path = decoded
	}
	return false
}

// structures reports whether r separates lines or, to somebody who also takes wide forms for the usual ones, the parts
// of a path.
func structures(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp) || strings.ContainsRune(`\／＼`, r)
}

// decodedOnce decodes what is percent-encoded and leaves everything else, as lenient decoders do.
func decodedOnce(s string) string {
	decoded := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if b, err := hex.DecodeString(s[i+1 : i+3]); err == nil {
				decoded = append(decoded, b...)
				i += 2
				continue
			}
		}
		decoded = append(decoded, s[i])
	}
	return string(decoded)
}
