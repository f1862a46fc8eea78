package session

import (
	"fmt"
	"reflect"
	"strings"
	"unicode"
)

// fields are those of one JSON object: a struct's and, without a name of their own, its embedded structs'.
type fields struct {
	*typeCheck
	taken map[string]string // name in JSON, and whose it is
}

// checkAll examines a struct's fields. outer are the structs that it is embedded in.
func (fs *fields) checkAll(p part, at string, outer []reflect.Type) error {
	for i := range p.NumField() {
		f := p.Field(i)
		if leftOut(f) {
			continue
		}
		if err := fs.checkField(f, p, at+"."+f.Name, append(outer, p.Type)); err != nil {
			return err
		}
	}
	return nil
}

// leftOut reports whether a field is not meant to be stored, or has nothing that could be lost.
func leftOut(f reflect.StructField) bool {
	return f.Tag.Get("json") == "-" || f.Name == "_" || f.Type.Size() == 0 && !f.IsExported()
}

func (fs *fields) checkField(f reflect.StructField, in part, at string, outer []reflect.Type) error {
	name, embedded := jsonName(f), f.Type
	if embedded.Kind() == reflect.Pointer {
		embedded = embedded.Elem()
	}
	if f.Anonymous && name == "" && embedded.Kind() == reflect.Struct {
		return fs.checkEmbedded(f, part{embedded, in.addressable || embedded != f.Type}, at, outer)
	}
	if !f.IsExported() {
		return fmt.Errorf(`%s is not exported and would come back as zero: export it, tag it json:"-" if that is right, `+
			`give %s MarshalJSON and UnmarshalJSON, or store a type of your own`, at, in)
	}
	if name == "" {
		name = f.Name
	}
	if other, taken := fs.taken[name]; taken {
		return fmt.Errorf("%s and %s have the same name in JSON, %q: name one of them with a tag", other, at, name)
	}
	fs.taken[name] = at
	return fs.check(part{f.Type, in.addressable}, at)
}

func (fs *fields) checkEmbedded(f reflect.StructField, p part, at string, outer []reflect.Type) error {
	for _, o := range outer {
		if o == p.Type {
			return fmt.Errorf("%s is embedded in itself, and JSON has one place for both: give the field a name", at)
		}
	}
	if f.Type.Kind() == reflect.Pointer && !f.IsExported() {
		return fmt.Errorf("%s is an embedded pointer to an unexported type, not to be made again: "+
			"embed the struct itself", at)
	}
	return fs.checkAll(p, at, outer)
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
