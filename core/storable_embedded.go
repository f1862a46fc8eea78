package session

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
)

// checkEmbeddedMethods finds structs that lean on the methods of an embedded field. They leave the other fields out;
// and those of an embedded pointer are called on nil when the struct is read. A method of the struct's own would
// write something else for a zero value, and read it.
func checkEmbeddedMethods(p part, at string) error {
	if p.Kind() != reflect.Struct {
		return nil
	}
	for i := range p.NumField() {
		f := p.Field(i)
		if !f.Anonymous || !(part{f.Type, true}).writesItself() {
			continue
		}
		whole, alone := zeroJSON(p.Type, i)
		if f.Type.Kind() == reflect.Pointer && whole != nil && unreadable(p.Type, whole) {
			return fmt.Errorf("%s is read by the method of its embedded %s, a nil pointer then: embed no pointer", at, f.Name)
		}
		if whole != nil && bytes.Equal(whole, alone) && storesMoreThan(i, p) {
			return fmt.Errorf("%s is written by the method of its embedded %s, which leaves the other fields out: "+
				`give %s MarshalJSON and UnmarshalJSON, or the field a name, or tag the others json:"-"`, at, f.Name, p)
		}
	}
	return nil
}

func storesMoreThan(field int, p part) bool {
	for i := range p.NumField() {
		if i != field && !leftOut(p.Field(i)) {
			return true
		}
	}
	return false
}

// zeroJSON returns how a zero struct and its embedded field alone are written; nil if they cannot be.
func zeroJSON(t reflect.Type, field int) (whole, alone []byte) {
	outer, inner := reflect.New(t), reflect.New(t.Field(field).Type)
	if e := inner.Elem(); e.Kind() == reflect.Pointer {
		e.Set(reflect.New(e.Type().Elem()))
		if f := outer.Elem().Field(field); f.CanSet() {
			f.Set(e)
		}
	}
	return tryJSON(outer), tryJSON(inner)
}

func tryJSON(v reflect.Value) (b []byte) {
	if panics(func() { b, _ = json.Marshal(v.Interface()) }) {
		return nil
	}
	return b
}

// unreadable reports whether what a zero struct was written as makes its own method panic.
func unreadable(t reflect.Type, written []byte) bool {
	return panics(func() { _ = json.Unmarshal(written, reflect.New(t).Interface()) })
}

// panics runs methods of the application's, which may not expect a zero value.
func panics(f func()) (yes bool) {
	defer func() { yes = recover() != nil }()
	f()
	return false
}
