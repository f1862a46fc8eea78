package session

import (
	"encoding/json"
	"errors"
)

// fill sets the key to a value from another system: JSON, or a value of Go's that has the key's type, or has the same
// JSON. JSON's null is no value. A value that does not fit changes
// nothing.
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
		if err := json.Unmarshal(text, &v); err != nil {
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

// keyName is the key without its type.
func (k Key[T]) keyName() string { return string(k) }
