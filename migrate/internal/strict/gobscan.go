package strict

import (
	"errors"
	"fmt"
)

// scanGob goes through a gob of one value as encoding/gob's Decoder does, without making anything of it. It refuses
// types in interfaces that allowed refuses, counts that promise more than is there, deep nesting, and bytes after the
// end. https://pkg.go.dev/encoding/gob describes the format.
func scanGob(data []byte, allowed func(name string) bool) error {
	s := &gobScan{rest: data, types: map[int64]*gobType{}, allowed: allowed}
	s.typed(s.typeID(false), 0)
	if len(s.message)+len(s.rest) > 0 {
		s.fail("bytes after the end of a gob")
	}
	return s.err
}

// gobScan reads on after an error, of nothing: so every loop has to look at err.
type gobScan struct {
	message, rest []byte // what is left of the present message, and the messages after it
	types         map[int64]*gobType
	allowed       func(name string) bool
	err           error
}

// gobType is a type that the gob describes.
type gobType struct {
	kind      int // a field of wireType, counted from 1
	key, elem int64
	fields    []int64
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

func (s *gobScan) skip(n uint64) {
	if n > uint64(len(s.message)) {
		s.fail("%w", errGobShort)
		return
	}
	s.message = s.message[n:]
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
func (s *gobScan) typed(id int64, depth int) {
	if t := s.types[id]; t == nil || t.kind != gobStruct {
		if s.uint() != 0 {
			s.fail("a damaged gob")
		}
	}
	s.value(id, depth)
}

func (s *gobScan) value(id int64, depth int) {
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
		s.skip(s.uint())
	case gobInterface:
		s.dynamic(depth)
	default:
		s.described(s.types[id], depth+1)
	}
}

// dynamic reads what stands in an interface: the name of its type, the type, a length and the value.
func (s *gobScan) dynamic(depth int) {
	n := s.uint()
	if n == 0 {
		return // nil
	}
	name := s.message[:min(n, uint64(len(s.message)))]
	s.skip(n)
	if s.err == nil && !s.allowed(string(name)) {
		s.fail("a gob with a value of a type that is not named")
	}
	id := s.typeID(true)
	_ = s.uint()
	s.typed(id, depth+1)
}

func (s *gobScan) described(t *gobType, depth int) {
	if t == nil {
		s.fail("a gob of a type that it does not describe")
		return
	}
	switch t.kind {
	case gobArray, gobSlice:
		s.repeat(func() { s.value(t.elem, depth) })
	case gobMap:
		s.repeat(func() { s.value(t.key, depth); s.value(t.elem, depth) })
	case gobStruct:
		s.fields(func(n int) {
			if n >= len(t.fields) {
				s.fail("a gob with a field that it does not describe")
				return
			}
			s.value(t.fields[n], depth)
		})
	default:
		s.skip(s.uint())
	}
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
