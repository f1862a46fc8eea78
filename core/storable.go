package session

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"sync"
)

// checkStorable refuses types whose values would not come back as they went in. A type is examined once; the types that
// most sessions are made of not even that.
func checkStorable[T any]() error {
	switch any((*T)(nil)).(type) {
	case *int, *int64, *bool, *string:
		return nil
	}
	t := reflect.TypeFor[T]()
	known, _ := verdicts.Load(t)
	if v, ok := known.(verdict); ok {
		return v.err
	}
	err := examineType(t)
	verdicts.Store(t, verdict{err})
	return err
}

var verdicts sync.Map // of reflect.Type to verdict

type verdict struct{ err error }

func examineType(t reflect.Type) error {
	err := errors.New("use a struct, a basic type, or a slice or map of them; not a pointer to one")
	if k := t.Kind(); k != reflect.Interface && k != reflect.Pointer {
		err = (&typeCheck{seen: map[part]bool{}}).check(part{t, true}, t.String())
	}
	if err != nil {
		return fmt.Errorf("type %s cannot be stored: %w", t, err)
	}
	return nil
}

// typeCheck walks through a type as encoding/json does.
type typeCheck struct {
	seen map[part]bool // so that types which contain themselves end
}

// part is a type inside another one. encoding/json calls methods with pointer receivers only on what is
// addressable, and a map's values are not.
type part struct {
	reflect.Type
	addressable bool
}

var (
	jsonWriter = reflect.TypeFor[json.Marshaler]()
	jsonReader = reflect.TypeFor[json.Unmarshaler]()
	textWriter = reflect.TypeFor[encoding.TextMarshaler]()
	textReader = reflect.TypeFor[encoding.TextUnmarshaler]()
)

func (p part) implements(i reflect.Type) bool {
	return p.Implements(i) || p.addressable && reflect.PointerTo(p.Type).Implements(i)
}

func (p part) writesItself() bool { return p.implements(jsonWriter) || p.implements(textWriter) }

// readsItself asks a pointer, because whatever is read into is addressable.
func (p part) readsItself() bool {
	read := part{p.Type, true}
	return read.implements(jsonReader) || read.implements(textReader)
}

// check returns what keeps values of p from coming back, or nil. at is where p is, from the outermost type on.
func (x *typeCheck) check(p part, at string) error {
	if x.seen[p] {
		return nil
	}
	x.seen[p] = true
	switch k := p.Kind(); {
	case k == reflect.Pointer:
		return x.pointer(p, at)
	case k == reflect.Interface && p.NumMethod() > 0:
		return fmt.Errorf("%s is an interface, and what is in it could not be made again: use a type that is none", at)
	case k == reflect.Interface:
		return nil
	case p.PkgPath() == "math/big" && p.Name() == "Float":
		return fmt.Errorf("%s would lose its precision: store its Text and Prec", at)
	case p.writesItself() && p.readsItself():
		return checkEmbeddedMethods(p, at)
	case p.writesItself() || p.readsItself():
		return halfCodecError(p, at)
	}
	return x.checkKind(p, at)
}

// checkKind is check for what encoding/json writes without the type's help.
func (x *typeCheck) checkKind(p part, at string) error {
	switch p.Kind() {
	case reflect.Complex64, reflect.Complex128, reflect.Chan, reflect.Func, reflect.UnsafePointer:
		return fmt.Errorf(`%s is a %s, which JSON has no form for: leave it out, or tag it json:"-"`, at, p.Kind())
	case reflect.Slice:
		return x.check(part{p.Elem(), true}, at+"[]")
	case reflect.Array:
		return x.check(part{p.Elem(), p.addressable}, at+"[]")
	case reflect.Map:
		if err := checkMapKey(p.Key(), at); err != nil {
			return err
		}
		return x.check(part{p.Elem(), false}, at+"[]")
	case reflect.Struct:
		return (&fields{x, map[string]string{}}).checkAll(p, at, nil)
	}
	return nil
}

func (x *typeCheck) pointer(p part, at string) error {
	to := part{p.Elem(), true}
	switch to.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Slice, reflect.Map:
		if !to.implements(textWriter) {
			return fmt.Errorf("%s points to what can be nil itself, and JSON has one null: leave the pointer out", at)
		}
	}
	return x.check(to, at)
}

// checkMapKey follows encoding/json, which asks a key of the kind string no method when it writes, and does when it
// reads.
func checkMapKey(key reflect.Type, at string) error {
	writes, reads := key.Implements(textWriter), reflect.PointerTo(key).Implements(textReader)
	switch k := key.Kind(); {
	case k == reflect.String && reads:
		return fmt.Errorf("the keys of %s are written as they are and read by UnmarshalText: use string", at)
	case k == reflect.String, writes && reads && k != reflect.Interface && k != reflect.Pointer:
		return nil
	case writes || reads:
		return fmt.Errorf("the keys of %s, of type %s, need both MarshalText, on the value, and UnmarshalText", at, key)
	case k >= reflect.Int && k <= reflect.Uintptr:
		return nil
	}
	return fmt.Errorf("the keys of %s are of type %s: use strings, integers, or what has MarshalText and UnmarshalText",
		at, key)
}

func halfCodecError(p part, at string) error {
	has, lacks := "MarshalJSON or MarshalText", "UnmarshalJSON or UnmarshalText"
	switch {
	case p.writesItself():
	case part{p.Type, true}.writesItself():
		return fmt.Errorf("%s lies in a map, where a pointer's MarshalJSON or MarshalText is not called: use *%s", at, p)
	default:
		has, lacks = lacks, has
	}
	return fmt.Errorf("%s, of type %s, has %s and no %s: give it both, or store a type of your own", at, p, has, lacks)
}
