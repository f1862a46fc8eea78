package strict

import (
	"errors"
	"fmt"
	"reflect"
)

// scanGob goes through a gob of one value as encoding/gob's Decoder does, without making anything of it. It refuses
// types in interfaces that have no name here, counts that promise more than is there, deep nesting, and bytes after the
// end. into is the type that the value will be decoded into. Where a type
// has a name that is in renamed, data gets the other one. https://pkg.go.dev/encoding/gob describes the format.
func scanGob(data []byte, into reflect.Type, named func(name string) (reflect.Type, bool),
	renamed map[string]string,
) error {
	s := &gobScan{rest: data, types: map[int64]*gobType{}, named: named, renamed: renamed}
	s.typed(s.typeID(false), into, 0)
	if len(s.message)+len(s.rest) > 0 {
		s.fail("bytes after the end of a gob")
	}
	return s.err
}

// gobScan reads on after an error, of nothing: so every loop has to look at err.
type gobScan struct {
	message, rest []byte // what is left of the present message, and the messages after it
	types         map[int64]*gobType
	named         func(name string) (reflect.Type, bool)
	renamed       map[string]string // of one length each
	err           error
}

// gobType is a type that the gob describes.
type gobType struct {
	kind      int // a field of wireType, counted from 1
	key, elem int64
	fields    []gobField
}

type gobField struct {
	name string
	id   int64
}

const (
	gobArray = iota + 1
	gobSlice
	gobStruct
	gobMap
	gobEncoder // and two more that look alike
)

// The types that no gob describes.
const (
	gobBool = iota + 1
	gobInt
	gobUint
	gobFloat
	gobBytes
	gobString
	gobComplex
	gobInterface
	firstOwnGobType = 64
)

func (s *gobScan) fail(format string, a ...any) {
	if s.err == nil {
		s.err = fmt.Errorf(format, a...)
	}
	s.message, s.rest = nil, nil
}

var errGobShort = errors.New("a gob that is too short")

func (s *gobScan) bytes(n uint64) (b []byte) {
	if n > uint64(len(s.message)) {
		s.fail("%w", errGobShort)
		return nil
	}
	b, s.message = s.message[:n], s.message[n:]
	return b
}

func (s *gobScan) uint() uint64 { return s.uintFrom(&s.message) }

func (s *gobScan) uintFrom(b *[]byte) (n uint64) {
	if len(*b) == 0 {
		s.fail("%w", errGobShort)
		return 0
	}
	first := (*b)[0]
	*b = (*b)[1:]
	if first < 0x80 {
		return uint64(first)
	}
	length := 0x100 - int(first) // as a negative byte
	if length > 8 || length > len(*b) {
		s.fail("a gob with a number that is too long")
		return 0
	}
	for _, digit := range (*b)[:length] {
		n = n<<8 | uint64(digit)
	}
	*b = (*b)[length:]
	return n
}

func (s *gobScan) int() int64 {
	n := s.uint()
	if n&1 != 0 {
		return ^int64(n >> 1)
	}
	return int64(n >> 1)
}

// nextMessage reads the length of a message, and the message.
func (s *gobScan) nextMessage() {
	n := s.uintFrom(&s.rest)
	if n > uint64(len(s.rest)) {
		s.fail("%w", errGobShort)
		return
	}
	s.message, s.rest = s.rest[:n], s.rest[n:]
}

// typeID reads which type a value has, and the descriptions of types in front of it.
func (s *gobScan) typeID(inInterface bool) int64 {
	for s.err == nil {
		if len(s.message) == 0 {
			s.nextMessage()
		}
		id := s.int()
		if id >= 0 {
			return id
		}
		s.describe(-id)
		switch {
		case len(s.message) > 0 && inInterface:
			_ = s.uint() // the length of what goes on here
		case len(s.message) > 0:
			s.fail("a gob with bytes after a type")
		}
	}
	return 0
}

// typed reads a value that stands by itself, or in an interface.
func (s *gobScan) typed(id int64, into reflect.Type, depth int) {
	if t := s.types[id]; t == nil || t.kind != gobStruct {
		if s.uint() != 0 {
			s.fail("a damaged gob")
		}
	}
	s.value(id, into, depth)
}

// value reads a value that will be decoded into a type, or passed over if that is nil.
func (s *gobScan) value(id int64, into reflect.Type, depth int) {
	for into != nil && into.Kind() == reflect.Pointer {
		into = into.Elem()
	}
	if depth > MaxDepth {
		s.fail("a gob that nests deeper than %d", MaxDepth)
		return
	}
	switch id {
	case gobBool, gobInt, gobUint, gobFloat:
		_ = s.uint()
	case gobComplex:
		_, _ = s.uint(), s.uint()
	case gobBytes, gobString:
		_ = s.bytes(s.uint())
	case gobInterface:
		s.dynamic(into, depth)
	default:
		s.described(s.types[id], into, depth+1)
	}
}

// dynamic reads what stands in an interface: the name of its type, the type, a length and the value. A Decoder that
// passes over it goes by the length alone, so that has to be right.
func (s *gobScan) dynamic(into reflect.Type, depth int) {
	n := s.uint()
	if n == 0 {
		return // nil
	}
	name := s.bytes(n)
	copy(name, s.renamed[string(name)])
	t, ok := s.named(string(name))
	if s.err == nil && !ok {
		s.fail("a gob with a value of a type that is not named")
	}
	id := s.typeID(true)
	length, described, left := s.uint(), len(s.types), len(s.message)
	s.typed(id, t, depth+1)
	passedOver := into == nil || into.Kind() != reflect.Interface
	if passedOver && (described != len(s.types) || uint64(left-len(s.message)) != length) {
		s.fail("a gob with a field that cannot be passed over")
	}
}

func (s *gobScan) described(t *gobType, into reflect.Type, depth int) {
	if t == nil {
		s.fail("a gob of a type that it does not describe")
		return
	}
	switch t.kind {
	case gobArray, gobSlice:
		_, elem := partsOf(into)
		s.repeat(func() { s.value(t.elem, elem, depth) })
	case gobMap:
		key, elem := partsOf(into)
		s.repeat(func() { s.value(t.key, key, depth); s.value(t.elem, elem, depth) })
	case gobStruct:
		s.fields(func(n int) {
			if n >= len(t.fields) {
				s.fail("a gob with a field that it does not describe")
				return
			}
			s.value(t.fields[n].id, fieldOf(into, t.fields[n].name), depth)
		})
	default:
		_ = s.bytes(s.uint())
	}
}

// partsOf returns the types of a map's keys and elements, or of an array's or slice's elements; nil for other types,
// which a Decoder refuses.
func partsOf(t reflect.Type) (key, elem reflect.Type) {
	if t == nil {
		return nil, nil
	}
	switch t.Kind() {
	case reflect.Map:
		return t.Key(), t.Elem()
	case reflect.Array, reflect.Slice:
		return nil, t.Elem()
	}
	return nil, nil
}

// fieldOf returns the type of the field that a Decoder takes for one of that name, nil if it takes none.
func fieldOf(t reflect.Type, name string) reflect.Type {
	if t == nil || t.Kind() != reflect.Struct {
		return nil
	}
	if f, ok := t.FieldByName(name); ok && f.IsExported() {
		return f.Type
	}
	return nil
}

// repeat reads a count and as many elements, each of which takes a byte at least.
func (s *gobScan) repeat(element func()) {
	n := s.uint()
	if n > uint64(len(s.message)+len(s.rest)) {
		s.fail("a gob that counts more than it has")
		return
	}
	for range n {
		if s.err != nil {
			return
		}
		element()
	}
}

// fields reads a struct: each field that is not zero has the distance to the one before.
func (s *gobScan) fields(field func(n int)) {
	n := -1
	for s.err == nil {
		distance := s.uint()
		if distance == 0 {
			return
		}
		if distance > MaxSize {
			s.fail("a gob with a field that it does not describe")
			return
		}
		n += int(distance)
		field(n)
	}
}
