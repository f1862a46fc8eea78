package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Visitors have a say in what sessions hold, and servers in their errors. What a terminal might obey, or show in
// another order than it is in, is escaped in everything that is printed.

// printable quotes a text that has anything to escape, or that could be taken for a quoted one.
func printable(s string) string {
	if visible(s) == s && !strings.HasPrefix(s, `"`) {
		return s
	}
	return strconv.Quote(s)
}

// visible escapes a text's invisible characters, the ends of lines among them, as Go writes them.
func visible(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[0])
		case strconv.IsPrint(r):
			b.WriteRune(r)
		default:
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
		s = s[size:]
	}
	return b.String()
}

// visibleJSON writes JSON so that it stays the same JSON. Invisible characters are in its strings, but for spaces and
// the ends of lines, which strings have escaped.
func visibleJSON(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case strconv.IsPrint(r), r == '\n':
			b.WriteRune(r)
		case r == '\t', r == '\r':
			b.WriteByte(' ')
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// oneLine writes an error's text in one line. Some drivers spread theirs over several.
func oneLine(s string) string {
	return visible(strings.NewReplacer("\n\t", " ", "\n", " ", "\t", " ").Replace(s))
}

// lines are a line for each of several errors that were joined.
func lines(err error) (all []string) {
	several, ok := err.(interface{ Unwrap() []error }) // about this error, not about those inside
	if !ok || err.Error() != errors.Join(several.Unwrap()...).Error() {
		return []string{oneLine(err.Error())}
	}
	for _, one := range several.Unwrap() {
		all = append(all, lines(one)...)
	}
	return all
}
