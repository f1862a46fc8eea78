package fromflask

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/coatcheck/coatcheck/migrate/internal/strict"
)

// Flask writes what JSON has no type for as an object whose only member has one of these names.
const (
	tagDict     = " di" // an object that would look like one of these
	tagTuple    = " t"
	tagBytes    = " b"
	tagMarkup   = " m"
	tagUUID     = " u"
	tagDatetime = " d"
)

// untagged reads an object of Flask's JSON into its members, each as plain JSON. What strict.Object leaves out is not
// among them. An object that is tagged as a whole has one member, so it is left out or not as a whole.
func untagged(text []byte) (map[string]any, error) {
	checked, err := strict.Object(text)
	if err != nil {
		return nil, err
	}
	value, err := parse(text)
	if err != nil {
		return nil, err
	}
	whole, _ := value.(map[string]any)
	leaveOut := len(checked) < len(whole)
	if value, err = untag(value); err != nil {
		return nil, err
	}
	members, ok := value.(map[string]any)
	if !ok {
		return nil, errors.New("not a JSON object")
	}
	for name, member := range members {
		if leaveOut && checked[name] == nil {
			delete(members, name)
			continue
		}
		if members[name], err = compact(member); err != nil {
			return nil, err
		}
	}
	return members, nil
}

// parse reads JSON and keeps numbers as they are written.
func parse(text []byte) (value any, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	err = d.Decode(&value)
	return value, err
}

func compact(value any) (json.RawMessage, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(value)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// untag replaces the tags in a value, from the innermost on.
func untag(value any) (any, error) {
	var err error
	switch v := value.(type) {
	case []any:
		for i := range v {
			if v[i], err = untag(v[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for name := range v {
			if v[name], err = untag(v[name]); err != nil {
				return nil, err
			}
		}
		if len(v) == 1 {
			for name, inner := range v {
				return replaced(v, name, inner)
			}
		}
	}
	return value, nil
}

// replaced is what an object with one member stands for.
func replaced(object map[string]any, tag string, inner any) (any, error) {
	switch tag {
	case tagDict:
		return unescaped(inner)
	case tagTuple:
		if _, ok := inner.([]any); !ok {
			return nil, errors.New("a tuple is no array")
		}
		return inner, nil
	case tagBytes, tagMarkup, tagUUID, tagDatetime:
		text, ok := inner.(string)
		if !ok {
			return nil, fmt.Errorf("what is tagged%s is no text", tag)
		}
		return retold(tag, text)
	}
	return object, nil
}

// unescaped is an object whose only member's name has two characters more than it should.
func unescaped(inner any) (any, error) {
	if object, ok := inner.(map[string]any); ok && len(object) == 1 {
		for name, member := range object {
			if whole, ok := strings.CutSuffix(name, "__"); ok {
				return map[string]any{whole: member}, nil
			}
		}
	}
	return nil, errors.New("what is tagged di is no such object")
}

// retold is a text as Go's types decode it.
func retold(tag, text string) (string, error) {
	switch tag {
	case tagBytes:
		b, err := base64.StdEncoding.Strict().DecodeString(text)
		if err != nil || base64.StdEncoding.EncodeToString(b) != text {
			return "", errors.New("bytes are not base64")
		}
	case tagUUID:
		b, err := hex.DecodeString(text)
		if err != nil || len(b) != 16 {
			return "", errors.New("a UUID has not 32 hexadecimal digits")
		}
		return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]), nil
	case tagDatetime:
		t, err := time.Parse(http.TimeFormat, text)
		if err != nil {
			return "", errors.New("a datetime is not written as in HTTP")
		}
		return t.Format(time.RFC3339), nil
	}
	return text, nil
}
