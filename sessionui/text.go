package sessionui

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// longestText is how many characters of a text from outside are shown.
const longestText = 80

// shown writes a text that visitors or applications have chosen so that people see what is there: what is invisible, or
// would change the order of what is around it, is escaped, and what is long is cut. Whatever is escaped or could be
// taken for it, and spaces at the ends, are put in quotes.
func shown(s string) string {
	text, cut := cutOff(s)
	if quoted := strconv.Quote(text); quoted != `"`+text+`"` || strings.TrimSpace(text) != text {
		text = quoted
	}
	if cut {
		return fmt.Sprintf("%s… (%s bytes)", text, grouped(len(s)))
	}
	return text
}

// cutOff returns a text's first characters.
func cutOff(s string) (text string, cut bool) {
	end := 0
	for range longestText {
		_, size := utf8.DecodeRuneInString(s[end:])
		if end += size; end == len(s) {
			return s, false
		}
	}
	return s[:end], true
}

// grouped writes a number with a comma after each thousand.
func grouped(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// several writes a number of things.
func several(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return grouped(n) + " " + what + "s"
}

// clock writes a time for people, in UTC.
func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") }

// distance writes how long a time is before or after now, in its biggest unit.
func distance(t, now time.Time) string {
	d := now.Sub(t)
	text := several(int(d.Abs().Hours()/24), "day")
	switch a := d.Abs(); {
	case a < time.Minute:
		return "now"
	case a < time.Hour:
		text = strconv.Itoa(int(a.Minutes())) + " min"
	case a < 48*time.Hour:
		text = several(int(a.Hours()), "hour")
	}
	if d < 0 {
		return "in " + text
	}
	return text + " ago"
}

// query makes the reference to another view of this page from names and values. It is relative, so that it holds
// wherever the page is mounted, and says bytes as they are, which a form's field would not.
func query(pairs ...string) string {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return "?" + v.Encode()
}
