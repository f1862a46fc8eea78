package gorillastore

import (
	"context"
	"encoding/gob" //nolint:depguard // as in values.go
	"encoding/json"

	session "github.com/coatcheck/coatcheck/core"
)

// Fill is for the Fill of an importer, such as fromgorilla's: handlers that still speak gorilla find what the visitor
// has brought in the gorilla session of that name. Values that were stored as JSON have the types that encoding/json
// gives them in an interface.
func Fill(name string) func(context.Context, *session.Session, session.Foreign) error {
	gob.Register(map[string]any{}) // JSON's objects
	return func(_ context.Context, s *session.Session, f session.Foreign) error {
		values := make(map[any]any, len(f.Values))
		for key, v := range f.Values {
			if text, ok := v.(json.RawMessage); ok {
				if json.Unmarshal(text, &v) != nil {
					return &session.NotImportedError{Reason: session.ReasonCorrupt, Detail: "gorillastore: a value is no JSON"}
				}
			}
			values[key] = v
		}
		d, err := entries(nil).difference(values)
		if err != nil {
			return &session.NotImportedError{Reason: session.ReasonCorrupt, Detail: err.Error()}
		}
		keyOf(name).Set(s, d.applyTo(content{}))
		return nil
	}
}
