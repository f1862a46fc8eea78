package strict

import (
	"bytes"
	"encoding/gob" //nolint:depguard // other systems write it
	"errors"
	"fmt"
)

// Gob reads what encoding/gob has written. What stands in an interface is a basic type, a slice of one, []any,
// map[string]any, or one of the types that the program names: a gob that names another one is not decoded at all,
// whatever types the process has registered.
type Gob struct{ allowed map[string]bool }

var basicNames = []string{
	"bool", "int", "int8", "int16", "int32", "int64", "uint", "uint8", "uint16", "uint32", "uint64", "float32", "float64",
	"string", "[]uint8", "[]bool", "[]int", "[]int8", "[]int16", "[]int32", "[]int64", "[]uint", "[]uint16", "[]uint32",
	"[]uint64", "[]float32", "[]float64", "[]string",
}

// NewGob registers a value of each of the types, unless the program has done so under a name of its own.
func NewGob(types []any) (*Gob, error) {
	g := &Gob{allowed: map[string]bool{}}
	for _, name := range basicNames {
		g.allowed[name] = true
	}
	for _, v := range append([]any{[]any{}, map[string]any{}}, types...) {
		name, err := gobName(v)
		if err != nil {
			return nil, fmt.Errorf("a value of type %T cannot be had from a gob: %w", v, err)
		}
		g.allowed[name] = true
	}
	return g, nil
}

// gobName returns what a gob calls v's type.
func gobName(v any) (name string, err error) {
	if v == nil {
		return "", errors.New("nil has no type")
	}
	register(v)
	var written bytes.Buffer
	if err := encode(&written, v); err != nil {
		return "", err
	}
	first := func(s string) bool {
		if name == "" {
			name = s
		}
		return true
	}
	return name, scanGob(written.Bytes(), first)
}

// register panics within gob if the type has a name already. Then that is the one.
func register(v any) {
	defer func() { _ = recover() }()
	gob.Register(v)
}

func encode(to *bytes.Buffer, v any) (err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("it panics when it is written")
		}
	}()
	return gob.NewEncoder(to).Encode(&v)
}

// Decode reads one value into what into points to. The error says nothing of the values, and methods of the types'
// own that panic do no harm.
func (g *Gob) Decode(data []byte, into any) (err error) {
	if len(data) > MaxSize {
		return fmt.Errorf("more than %d bytes", MaxSize)
	}
	if err := scanGob(data, func(name string) bool { return g.allowed[name] }); err != nil {
		return err
	}
	defer func() {
		if recover() != nil {
			err = errors.New("a gob that its types cannot read")
		}
	}()
	if gob.NewDecoder(bytes.NewReader(data)).Decode(into) != nil {
		return errors.New("a gob that its types do not fit")
	}
	return nil
}
