package strict

import (
	"bytes"
	"encoding/gob" //nolint:depguard // other systems write it
	"errors"
	"fmt"
	"reflect"
)

// Gob reads what encoding/gob has written. What stands in an interface is a basic type, a slice of one, []any,
// map[string]any, or one of the types that the program names: a gob that names another one is not decoded at all,
// whatever types the process has registered.
type Gob struct {
	named   map[string]reflect.Type
	renamed map[string]string
}

var basic = []any{
	false, 0, int8(0), int16(0), int32(0), int64(0), uint(0), uint8(0), uint16(0), uint32(0), uint64(0), float32(0), 0.0,
	"", []bool{}, []int{}, []int8{}, []int16{}, []int32{}, []int64{}, []uint{}, []uint8{}, []uint16{}, []uint32{},
	[]uint64{}, []float32{}, []float64{}, []string{}, []any{}, map[string]any{},
}

// Rename has Decode take the one name of a type for the other, which has to be as long.
func (g *Gob) Rename(from, to string) { g.renamed = map[string]string{from: to} }

// NewGob registers a value of each of the types, unless the program has done so under a name of its own.
func NewGob(types []any) (*Gob, error) {
	g := &Gob{named: map[string]reflect.Type{}}
	for _, v := range append(basic[:len(basic):len(basic)], types...) {
		name, err := gobName(v)
		if err != nil {
			return nil, fmt.Errorf("a value of type %T cannot be had from a gob: %w", v, err)
		}
		g.named[name] = reflect.TypeOf(v)
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
	first := func(s string) (reflect.Type, bool) {
		if name == "" {
			name = s
		}
		return reflect.TypeOf(v), true
	}
	return name, scanGob(written.Bytes(), reflect.TypeFor[any](), first, nil)
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
	named := func(name string) (t reflect.Type, ok bool) {
		t, ok = g.named[name]
		return t, ok
	}
	if g.renamed != nil {
		data = bytes.Clone(data)
	}
	if err := scanGob(data, reflect.TypeOf(into), named, g.renamed); err != nil {
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
