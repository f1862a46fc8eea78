package session

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
)

// fill sets the key to a value from another system: JSON, or a value of Go's that has the key's type, or has the same
// JSON. JSON's null is no value. A value that does not fit, or not wholly, changes nothing.
func (k Key[T]) fill(s *Session, value any) error {
	if text, isJSON := value.(json.RawMessage); isJSON && string(text) == "null" || value == nil {
		return nil
	}
	v, ok := value.(T)
	if !ok {
		text, isJSON := value.(json.RawMessage)
		if !isJSON {
			var err error
			if text, err = json.Marshal(value); err != nil {
				return errors.New("the value is none that JSON can hold")
			}
		}
		if err := json.Unmarshal(text, &v); err != nil || !isAlike(value, text, v) {
			return k.doesNotFit()
		}
	}
	encoded, err := k.encodeValue(v)
	if err != nil {
		return err
	}
	s.write(operation{key: string(k), value: encoded})
	return nil
}

// isAlike reports whether v, which was read from the JSON of value, is the same: bytes are no text, though their JSON
// is, and a whole number of many digits is none that a float64 can hold.
func isAlike(value any, text []byte, v any) bool {
	from, to := reflect.ValueOf(value), reflect.ValueOf(v)
	if _, isJSON := value.(json.RawMessage); !isJSON && isBytes(from) != isBytes(to) {
		return false
	}
	if to.IsValid() && to.CanFloat() && !strings.ContainsAny(string(text), ".eE") {
		back, err := json.Marshal(v)
		return err == nil && string(back) == string(text)
	}
	return true
}

func isBytes(v reflect.Value) bool {
	return v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8
}

// keyName is the key without its type.
func (k Key[T]) keyName() string { return string(k) }
