package fromflask

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/coatcheck/coatcheck/migrate/internal/strict"
)

// unpacked reads an object of MessagePack into its members, each as JSON. Byte strings become base64, and times RFC
// 3339.
func unpacked(data []byte) (map[string]any, error) {
	if len(data) > strict.MaxSize {
		return nil, fmt.Errorf("more than %d bytes", strict.MaxSize)
	}
	u := unpacker{rest: data}
	value := u.value(0)
	members, ok := value.(map[string]any)
	switch {
	case u.err != nil:
		return nil, u.err
	case !ok:
		return nil, errors.New("neither an object of MessagePack nor one of JSON")
	case len(u.rest) > 0:
		return nil, errors.New("bytes after the end of MessagePack")
	}
	for name, member := range members {
		raw, err := compact(member)
		if err != nil {
			return nil, errors.New("a number or time is out of JSON's range")
		}
		members[name] = raw
	}
	return members, nil
}

// unpacker reads MessagePack. After its first error it reads nothing more.
type unpacker struct {
	rest    []byte
	err     error
	unclear bool // an object has a member twice, but not the outermost
}

func (u *unpacker) fail(reason string) any {
	if u.err == nil {
		u.err = errors.New(reason)
	}
	u.rest = nil
	return nil
}

// take returns the next n bytes.
func (u *unpacker) take(n uint64) []byte {
	if n > uint64(len(u.rest)) {
		u.fail("MessagePack ends too early")
		return nil
	}
	b := u.rest[:n]
	u.rest = u.rest[n:]
	return b
}

// number reads an unsigned number of 1, 2, 4 or 8 bytes.
func (u *unpacker) number(size int) uint64 {
	b := u.take(uint64(size))
	var whole [8]byte
	copy(whole[8-len(b):], b)
	return binary.BigEndian.Uint64(whole[:])
}

// value reads a value. Its kinds are those of MessagePack's table of first bytes.
func (u *unpacker) value(depth int) any {
	first := u.number(1)
	switch {
	case u.err != nil || depth > strict.MaxDepth:
		return u.fail("MessagePack nests too deep")
	case first < 0x80:
		return first
	case first < 0x90:
		return u.object(first&0x0f, depth)
	case first < 0xa0:
		return u.array(first&0x0f, depth)
	case first < 0xc0:
		return u.text(first & 0x1f)
	case first >= 0xe0:
		return int64(int8(first))
	}
	return u.sized(byte(first), depth)
}

// sized reads a value whose first byte tells how many bytes its size or number has.
func (u *unpacker) sized(first byte, depth int) any {
	switch first {
	case 0xc0:
		return nil
	case 0xc2, 0xc3:
		return first == 0xc3
	case 0xc4, 0xc5, 0xc6:
		return u.take(u.number(1 << (first - 0xc4)))
	case 0xc7, 0xc8, 0xc9:
		return u.extension(u.number(1 << (first - 0xc7)))
	case 0xca:
		return u.float(float64(math.Float32frombits(uint32(u.number(4)))))
	case 0xcb:
		return u.float(math.Float64frombits(u.number(8)))
	case 0xcc, 0xcd, 0xce, 0xcf:
		return u.number(1 << (first - 0xcc))
	case 0xd0, 0xd1, 0xd2, 0xd3:
		size := 1 << (first - 0xd0)
		unused := 64 - 8*size
		return int64(u.number(size)<<unused) >> unused
	case 0xd4, 0xd5, 0xd6, 0xd7, 0xd8:
		return u.extension(1 << (first - 0xd4))
	case 0xd9, 0xda, 0xdb:
		return u.text(u.number(1 << (first - 0xd9)))
	case 0xdc, 0xdd:
		return u.array(u.number(2<<(first-0xdc)), depth)
	case 0xde, 0xdf:
		return u.object(u.number(2<<(first-0xde)), depth)
	}
	return u.fail("not MessagePack")
}

func (u *unpacker) text(size uint64) any {
	b := u.take(size)
	if !utf8.Valid(b) {
		return u.fail("a text is not UTF-8")
	}
	return string(b)
}

func (u *unpacker) float(f float64) any {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return u.fail("a number is not finite, which JSON does not know")
	}
	return f
}

func (u *unpacker) array(size uint64, depth int) any {
	array := []any{}
	for i := uint64(0); i < size && u.err == nil; i++ {
		array = append(array, u.value(depth+1))
	}
	return array
}

// object leaves out what strict.Object does: members inside which an object has a name twice.
func (u *unpacker) object(size uint64, depth int) any {
	object := map[string]any{}
	var unclear []string
	for i := uint64(0); i < size && u.err == nil; i++ {
		name := u.name(depth)
		_, twice := object[name]
		if twice && depth == 0 {
			return u.fail("an object has a member twice")
		}
		u.unclear = u.unclear || twice
		object[name] = u.value(depth + 1)
		if depth == 0 && u.unclear {
			unclear = append(unclear, name)
			u.unclear = false
		}
	}
	for _, name := range unclear {
		delete(object, name)
	}
	return object
}

// name is a member's. Python's dictionaries may have numbers for names.
func (u *unpacker) name(depth int) string {
	switch name := u.value(depth + 1).(type) {
	case string:
		return name
	case uint64:
		return strconv.FormatUint(name, 10)
	case int64:
		return strconv.FormatInt(name, 10)
	}
	u.fail("a member's name is neither a text nor a number")
	return ""
}

// extension reads a time, of which there are three forms: seconds; nanoseconds (30 bits) and seconds (34 bits);
// nanoseconds and seconds.
func (u *unpacker) extension(size uint64) any {
	kind, data := u.number(1), unpacker{rest: u.take(size)}
	if u.err != nil || kind != 0xff {
		return u.fail("MessagePack with an extension that is no time")
	}
	var seconds, nanoseconds uint64
	switch size {
	case 4:
		seconds = data.number(4)
	case 8:
		both := data.number(8)
		seconds, nanoseconds = both&(1<<34-1), both>>34
	case 12:
		nanoseconds = data.number(4)
		seconds = data.number(8)
	default:
		return u.fail("a time has not 4, 8 or 12 bytes")
	}
	if nanoseconds > 999_999_999 {
		return u.fail("a time has more than 999999999 nanoseconds")
	}
	return time.Unix(int64(seconds), int64(nanoseconds)).UTC()
}
