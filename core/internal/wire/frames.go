package wire

import (
	"encoding/binary"
	"math/bits"
)

// Value returns the encoded value that a key has in a body, or nil.
func Value(body []byte, key string) []byte {
	for len(body) > 0 {
		var k, v []byte
		if k, v, body = Entry(body); string(k) == key {
			return v
		}
	}
	return nil
}

// Entry splits the first entry off a body whose frames have been checked.
func Entry(body []byte) (key, value, rest []byte) {
	key, rest = frame(body)
	value, rest = frame(rest)
	return key, value, rest
}

func frame(data []byte) (content, rest []byte) {
	n, start := int(data[0]), 1
	if n >= 0x80 {
		n, start = longLength(data)
	}
	return data[start : start+n : start+n], data[start+n:]
}

// longLength is apart so that frame, which nearly always meets short frames, stays small enough to be inlined.
//
//go:noinline
func longLength(data []byte) (n, size int) {
	v, size := binary.Uvarint(data)
	return int(v), size
}

// takeUvarint, takeMillis and takeFrame take the first part off what is left of an envelope. On malformed input they
// return a zero value and nil as the rest. Further calls on nil do the same, so that only the end has to be checked.

func takeUvarint(in []byte) (v uint64, rest []byte) {
	if len(in) >= 8 { // eight bytes at once: numbers are most of what a read has to parse
		x := binary.LittleEndian.Uint64(in)
		if x&0x80 == 0 {
			return x & 0x7f, in[1:]
		}
		if last := ^x & 0x8080808080808080; last != 0 { // the first byte without the high bit ends the number
			x &= last ^ (last - 1)                             // forget what follows,
			x = x&0x007f007f007f007f | x&0x7f007f007f007f00>>1 // then close the gaps of one bit
			x = x&0x00003fff00003fff | x&0x3fff00003fff0000>>2 // between pairs,
			x = x&0x000000000fffffff | x&0x0fffffff00000000>>4 // and fours
			return x, in[bits.TrailingZeros64(last)/8+1:]
		}
	}
	v, n := binary.Uvarint(in)
	if n <= 0 {
		return 0, nil
	}
	return v, in[n:]
}

func takeFrame(in []byte) (content, rest []byte) {
	n, rest := takeUvarint(in)
	if n > uint64(len(rest)) {
		return nil, nil
	}
	return rest[:n:n], rest[n:]
}

// AppendFrame appends a length and b.
func AppendFrame[B string | []byte](dst []byte, b B) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(b))), b...)
}
