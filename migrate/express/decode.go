package fromexpress

import (
	"encoding/json"
	"errors"
	"math"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/migrate/internal/strict"
)

// decode reads a session: a JSON object of its values, and its cookie's attributes.
func decode(text []byte) (f session.Foreign, err error) {
	if f.Values, err = strict.Object(text); err != nil {
		return f, err
	}
	cookie, ok := object(f.Values["cookie"])
	if !ok {
		return f, errors.New("a session without a cookie in it")
	}
	delete(f.Values, "cookie")
	f.Written = written(cookie)
	if passport, ok := object(f.Values["passport"]); ok {
		f.Subject = subject(passport["user"])
	}
	return f, nil
}

func object(member any) (map[string]any, bool) {
	raw, _ := member.(json.RawMessage)
	members, err := strict.Object(raw)
	return members, err == nil
}

// longest is how many milliseconds a maxAge may have: about 146 years.
const longest = math.MaxInt64 / float64(time.Millisecond) / 2

// written is when the session was saved, from when it was to expire then. Without a maxAge both are null.
func written(cookie map[string]any) time.Time {
	var expires time.Time
	var maxAge *float64 // milliseconds
	known := read(cookie["expires"], &expires) && read(cookie["originalMaxAge"], &maxAge)
	if !known || expires.IsZero() || maxAge == nil || math.Abs(*maxAge) > longest {
		return time.Time{}
	}
	return expires.Add(-time.Duration(*maxAge * float64(time.Millisecond)))
}

// subject is the id that passport has for the user. What is neither a string nor a number is left to Importer.Subject.
func subject(user any) string {
	var text string
	var number json.Number
	switch {
	case read(user, &text):
		return text
	case read(user, &number):
		return number.String()
	}
	return ""
}

// read decodes what is there and of into's type.
func read(member, into any) bool {
	raw, ok := member.(json.RawMessage)
	return ok && json.Unmarshal(raw, into) == nil
}
