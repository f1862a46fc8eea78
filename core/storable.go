package session

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"unicode"
)

// storable refuses types whose values would not come back as they went in. A type is examined once; the types that most
// sessions are made of not even that.
func storable[T any]() error {
	switch any((*T)(nil)).(type) {
	case *int, *int64, *bool, *string:
		return nil
	}
	t := reflect.TypeFor[T]()
	if known, ok := verdicts.Load(t); ok {
		return known.(verdict).err
	}
	err := examine(t)
	verdicts.Store(t, verdict{err})
	return err
}

var verdicts sync.Map // of reflect.Type to verdict

type verdict struct{ err error }

func examine(t reflect.Type) error {
	err := errors.New("use a struct, a basic type, or a slice or map of them; not a pointer to one")
	if k := t.Kind(); k != reflect.Interface && k != reflect.Pointer {
		err = (&examination{seen: map[part]bool{}}).check(part{t, true}, t.String())
	}
	if err != nil {
		return fmt.Errorf("type %s cannot be stored: %w", t, err)
	}
	return nil
}

// examination walks through a type as encoding/json does.
type examination struct {
	seen map[part]bool // so that types which contain themselves end
}

// part is a type inside another one. encoding/json calls methods with pointer receivers only on what is addressable, and
// a map's values are not.
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
func (x *examination) check(p part, at string) error {
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
		return swallows(p, at)
	case p.writesItself() || p.readsItself():
		return halfACodec(p, at)
	}
	return x.plain(p, at)
}

// plain is check for what encoding/json writes without the type's help.
func (x *examination) plain(p part, at string) error {
	switch p.Kind() {
	case reflect.Complex64, reflect.Complex128, reflect.Chan, reflect.Func, reflect.UnsafePointer:
		return fmt.Errorf(`%s is of the kind %s, which JSON has no form for: leave it out, or tag it json:"-"`, at, p.Kind())
	case reflect.Slice:
		return x.check(part{p.Elem(), true}, at+"[]")
	case reflect.Array:
		return x.check(part{p.Elem(), p.addressable}, at+"[]")
	case reflect.Map:
		if err := mapKey(p.Key(), at); err != nil {
			return err
		}
		return x.check(part{p.Elem(), false}, at+"[]")
	case reflect.Struct:
		return (&fields{x, map[string]string{}}).of(p, at, nil)
	}
	return nil
}

func (x *examination) pointer(p part, at string) error {
	to := part{p.Elem(), true}
	switch to.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Slice, reflect.Map:
		if !to.implements(textWriter) {
			return fmt.Errorf("%s points to what can be nil itself, and JSON has one null for both: leave the pointer out", at)
		}
	}
	return x.check(to, at)
}

// mapKey follows encoding/json, which asks a key of the kind string no method when it writes, and does when it reads.
func mapKey(key reflect.Type, at string) error {
	writes, reads := key.Implements(textWriter), reflect.PointerTo(key).Implements(textReader)
	switch k := key.Kind(); {
	case k == reflect.String && reads:
		return fmt.Errorf("the keys of %s are written as the strings they are, and read by UnmarshalText: use string", at)
	case k == reflect.String, writes && reads && k != reflect.Interface && k != reflect.Pointer:
		return nil
	case writes || reads:
		return fmt.Errorf("the keys of %s, of type %s, need both MarshalText, on the value, and UnmarshalText", at, key)
	case k >= reflect.Int && k <= reflect.Uintptr:
		return nil
	}
	return fmt.Errorf("the keys of %s are of type %s: use strings, integers, or what has MarshalText and UnmarshalText", at, key)
}

func halfACodec(p part, at string) error {
	has, lacks := "MarshalJSON or MarshalText", "UnmarshalJSON or UnmarshalText"
	switch {
	case p.writesItself():
	case part{p.Type, true}.writesItself():
		return fmt.Errorf("%s is a map's value, which its MarshalJSON or MarshalText, on the pointer, does not reach: use *%s", at, p)
	default:
		has, lacks = lacks, has
	}
	return fmt.Errorf("%s, of type %s, has %s and no %s: give it both, or store a type of your own instead", at, p, has, lacks)
}

// swallows finds structs that are written by an embedded field's method, which leaves the other fields out. The method of
// the struct's own would write something else for a zero value.
func swallows(p part, at string) error {
	if p.Kind() != reflect.Struct || storedFields(p) < 2 {
		return nil
	}
	for i := range p.NumField() {
		f := p.Field(i)
		if f.Anonymous && (part{f.Type, true}).writesItself() && writtenAlike(p.Type, i) {
			return fmt.Errorf("%s is written by the method of its embedded %s, which leaves the other fields out: "+
				"give %s MarshalJSON and UnmarshalJSON, or the field a name", at, f.Name, p)
		}
	}
	return nil
}

func storedFields(p part) (n int) {
	for i := range p.NumField() {
		if !leftOut(p.Field(i)) {
			n++
		}
	}
	return n
}

// writtenAlike reports whether a zero struct and its embedded field alone are both written, and as the same.
func writtenAlike(t reflect.Type, field int) bool {
	whole, alone := reflect.New(t), reflect.New(t.Field(field).Type)
	if e := alone.Elem(); e.Kind() == reflect.Pointer {
		e.Set(reflect.New(e.Type().Elem()))
		if f := whole.Elem().Field(field); f.CanSet() {
			f.Set(e)
		}
	}
	a, b := tryJSON(whole), tryJSON(alone)
	return a != nil && bytes.Equal(a, b)
}

// tryJSON returns nil if v cannot be written: methods may not expect a zero value.
func tryJSON(v reflect.Value) (b []byte) {
	defer func() {
		if recover() != nil {
			b = nil
		}
	}()
	b, err := json.Marshal(v.Interface())
	if err != nil {
		return nil
	}
	return b
}

// fields are those of one JSON object: a struct's and, without a name of their own, its embedded structs'.
type fields struct {
	*examination
	taken map[string]string // name in JSON, and whose it is
}

// of examines a struct's fields. outer are the structs that it is embedded in.
func (fs *fields) of(p part, at string, outer []reflect.Type) error {
	for i := range p.NumField() {
		f := p.Field(i)
		if leftOut(f) {
			continue
		}
		if err := fs.field(f, p, at+"."+f.Name, append(outer, p.Type)); err != nil {
			return err
		}
	}
	return nil
}

// leftOut reports whether a field is not meant to be stored, or has nothing that could be lost.
func leftOut(f reflect.StructField) bool {
	return f.Tag.Get("json") == "-" || f.Name == "_" || f.Type.Size() == 0 && !f.IsExported()
}

func (fs *fields) field(f reflect.StructField, in part, at string, outer []reflect.Type) error {
	name, embedded := jsonName(f), f.Type
	if embedded.Kind() == reflect.Pointer {
		embedded = embedded.Elem()
	}
	if f.Anonymous && name == "" && embedded.Kind() == reflect.Struct {
		return fs.embedded(f, part{embedded, in.addressable || embedded != f.Type}, at, outer)
	}
	if !f.IsExported() {
		return fmt.Errorf(`%s is not exported and would come back as zero: export it, tag it json:"-" if it need not come back, `+
			`give %s MarshalJSON and UnmarshalJSON, or store a type of your own instead`, at, in)
	}
	if name == "" {
		name = f.Name
	}
	if other, taken := fs.taken[name]; taken {
		return fmt.Errorf("%s and %s have the same name in JSON, %q, and one would be lost: name one of them with a tag", other, at, name)
	}
	fs.taken[name] = at
	return fs.check(part{f.Type, in.addressable}, at)
}

func (fs *fields) embedded(f reflect.StructField, p part, at string, outer []reflect.Type) error {
	for _, o := range outer {
		if o == p.Type {
			return fmt.Errorf("%s is embedded in itself, and JSON has one place for both: give the field a name", at)
		}
	}
	if f.Type.Kind() == reflect.Pointer && !f.IsExported() {
		return fmt.Errorf("%s is an embedded pointer to an unexported type, which cannot be made again: embed the struct itself", at)
	}
	return fs.of(p, at, outer)
}

// jsonName returns the name in the field's tag, or "" if encoding/json would not take it.
func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	if strings.ContainsFunc(name, func(c rune) bool {
		return !unicode.IsLetter(c) && !unicode.IsDigit(c) && !strings.ContainsRune("!#$%&()*+-./:;<=>?@[]^_{|}~ ", c)
	}) {
		return ""
	}
	return name
}
