package fromflask

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
)

// pack appends MessagePack of a value of package json's, in its wider forms, which all readers take.
func pack(b []byte, value any) ([]byte, error) {
	switch v := value.(type) {
	case nil:
		return append(b, 0xc0), nil
	case bool:
		if v {
			return append(b, 0xc3), nil
		}
		return append(b, 0xc2), nil
	case string:
		return append(packSize(b, 0xdb, len(v)), v...), nil
	case json.Number:
		return packNumber(b, v.String())
	case []any:
		return packArray(b, v)
	case map[string]any:
		return packObject(b, v)
	}
	return nil, fmt.Errorf("fromflask: a value of type %T cannot be MessagePack", value)
}

func packSize(b []byte, first byte, size int) []byte {
	return binary.BigEndian.AppendUint32(append(b, first), uint32(size))
}

func packArray(b []byte, array []any) (_ []byte, err error) {
	b = packSize(b, 0xdd, len(array))
	for _, v := range array {
		if b, err = pack(b, v); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func packObject(b []byte, object map[string]any) (_ []byte, err error) {
	b = packSize(b, 0xdf, len(object))
	for _, name := range slices.Sorted(maps.Keys(object)) {
		b = append(packSize(b, 0xdb, len(name)), name...)
		if b, err = pack(b, object[name]); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func packNumber(b []byte, number string) ([]byte, error) {
	if n, err := strconv.ParseInt(number, 10, 64); err == nil {
		return binary.BigEndian.AppendUint64(append(b, 0xd3), uint64(n)), nil
	}
	if n, err := strconv.ParseUint(number, 10, 64); err == nil {
		return binary.BigEndian.AppendUint64(append(b, 0xcf), n), nil
	}
	f, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return nil, errors.New("fromflask: a number is out of MessagePack's range")
	}
	return binary.BigEndian.AppendUint64(append(b, 0xcb), math.Float64bits(f)), nil
}
