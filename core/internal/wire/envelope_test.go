package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"reflect"
	"testing"
)

// sampleEnvelope has a value of its own in every field.
func sampleEnvelope(flags byte) Envelope {
	const created = Millis(1_760_000_000_000)
	e := Envelope{
		Kind: Live, Flags: flags, Handle: Handle{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
		Created: created, Deadline: created + 43_200_000, Renewed: created + 60_001, Authenticated: created + 120_002,
		Idle: 1_800_003, Extensions: AppendFrame([]byte{9}, "unheard of"), Subject: []byte("user:42"),
		Body: bodyOf("theme", `"dark"`, "visits", "3"),
	}
	if e.IsSealed() {
		e.Seen, e.Expires = created+180_004, created+1_980_005
	} else {
		e.Writes = [4]uint64{1 << 63, 2, 3, 4}
	}
	return e
}

func bodyOf(keysAndValues ...string) (body []byte) {
	for _, s := range keysAndValues {
		body = AppendFrame(body, s)
	}
	return body
}

func encodeEnvelope(e Envelope) []byte {
	draft := e.AppendHeader(nil)
	return e.Finish(append(draft, e.Body...), len(draft))
}

func mustParse(t *testing.T, data []byte) Envelope {
	t.Helper()
	e, err := parsed(data)
	if err != nil {
		t.Fatalf("parsed(%q): %v", data, err)
	}
	return e
}

func TestEnvelopeComesBackAsItWasWritten(t *testing.T) {
	successor := [idSize]byte{31: 7}
	for _, c := range []struct {
		name   string
		flags  byte
		change func(*Envelope)
	}{
		{"stored", 0, func(*Envelope) {}},
		{"sealed", Sealed, func(*Envelope) {}},
		{"never authenticated", 0, func(e *Envelope) { e.Authenticated = 0 }},
		{"authenticated at creation", 0, func(e *Envelope) { e.Authenticated = e.Created }},
		{"alias", 0, func(e *Envelope) { e.Kind, e.Body = Alias, successor[:] }},
		{"alias of another subject", LeftByOtherSubject, func(e *Envelope) { e.Kind, e.Body = Alias, successor[:] }},
		{"ended", 0, func(e *Envelope) { e.Kind, e.Body = Ended, []byte{} }},
		{"revocation", 0, func(e *Envelope) { e.Kind = Revocation; e.SetGeneration(1<<48-1, 1<<47) }},
		{"label", 0, func(e *Envelope) { e.Kind, e.Body = Labelled, []byte{} }},
		{"no values", 0, func(e *Envelope) { e.Body = []byte{} }},
		{"anonymous, no extensions", 0, func(e *Envelope) { e.Subject, e.Extensions = []byte{}, []byte{} }},
		{"empty key and empty value", 0, func(e *Envelope) { e.Body = bodyOf("", "", "k", "") }},
		{"long key and value", 0, func(e *Envelope) {
			e.Body = bodyOf(string(make([]byte, 300)),
				string(make([]byte, 70_000)))
		}},
		{"year 9999", 0, func(e *Envelope) { e.Deadline = 253_402_300_799_999 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := sampleEnvelope(c.flags)
			c.change(&want)
			if got := mustParse(t, encodeEnvelope(want)); !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestAliasNamesItsSuccessor(t *testing.T) {
	want := [idSize]byte{1, 31: 7}
	e := sampleEnvelope(0)
	e.Kind, e.Body = Alias, want[:]
	e = mustParse(t, encodeEnvelope(e))
	if got := e.Successor(); got != want {
		t.Errorf("successor = %x, want %x", got, want)
	}
}

func TestUnknownExtensionsAreCarriedByteForByte(t *testing.T) {
	want := append(AppendFrame([]byte{200}, "later"), 0xff, 0x00, 0x80) // not even well-formed for this version
	e := sampleEnvelope(0)
	e.Extensions = want
	for range 3 {
		e = mustParse(t, encodeEnvelope(e))
		e.Renewed += 1000
		e.PushWriteID(5)
	}
	if !bytes.Equal(e.Extensions, want) {
		t.Errorf("extensions = %x after three rewrites, want %x", e.Extensions, want)
	}
}

func TestNewerRecordIsUnavailableAndNotGarbage(t *testing.T) {
	for _, c := range []struct {
		name string
		at   int
		to   byte
	}{
		{"version", 1, envelopeVersion + 1},
		{"last version", 1, 255},
		{"kind", 2, byte(lastKind) + 1},
		{"flag", 3, Sealed | 1<<7},
	} {
		data := encodeEnvelope(sampleEnvelope(0))
		data[c.at] = c.to
		if _, err := parsed(data); !errors.Is(err, ErrNewer) {
			t.Errorf("unknown %s: err = %v, want ErrNewer: overwriting it would lose a newer server's session", c.name, err)
		}
	}
}

func TestGarbageIsCorrupt(t *testing.T) {
	header := encodeEnvelope(sampleEnvelope(0))[:fixedSize]
	clocks := func(first uint64) []byte {
		data := binary.AppendUvarint(bytes.Clone(header), first)
		return append(data, make([]byte, 4+32+2+lengthSize)...) // the other clocks, write ids, two empty frames, no body
	}
	withBody := func(k Kind, body []byte) []byte {
		e := sampleEnvelope(0)
		e.Kind, e.Body = k, body
		return encodeEnvelope(e)
	}
	if _, err := parsed(clocks(0)); err != nil {
		t.Fatalf("the smallest record does not parse, so this test proves nothing: %v", err)
	}
	for name, data := range map[string][]byte{
		"nothing":                   nil,
		"magic only":                []byte("C"),
		"another magic":             append([]byte("D"), encodeEnvelope(sampleEnvelope(0))[1:]...),
		"version 0":                 append([]byte{'C', 0}, clocks(0)[2:]...),
		"kind 0":                    append([]byte{'C', 1, 0}, clocks(0)[3:]...),
		"clock too large":           clocks(1 << 48),
		"clock of 64 bits":          clocks(1<<64 - 1),
		"varint without end":        append(bytes.Clone(header), bytes.Repeat([]byte{0x80}, 40)...),
		"key longer than the rest":  withBody(Live, append(binary.AppendUvarint(nil, 1<<62), 'k')),
		"key without a value":       withBody(Live, bodyOf("k")),
		"value longer than there":   withBody(Live, append(bodyOf("k"), 9, 'v')),
		"length without a body":     binary.BigEndian.AppendUint32(bytes.Clone(clocks(0)[:len(clocks(0))-lengthSize]), 1<<31),
		"alias that names too much": withBody(Alias, make([]byte, 33)),
		"alias that names nothing":  withBody(Alias, nil),
		"ended with values":         withBody(Ended, bodyOf("k", "1")),
		"label with values":         withBody(Labelled, bodyOf("k", "1")),
		"revocation of nothing":     withBody(Revocation, nil),
		"revocation and more":       withBody(Revocation, []byte{1, 1, 1}),
		"revocation, cut off":       withBody(Revocation, []byte{1}),
		"revocation at no time":     withBody(Revocation, binary.AppendUvarint([]byte{1}, 1<<48)),
	} {
		if e, err := parsed(data); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: err = %v, want ErrCorrupt", name, err)
		} else if e.Body != nil {
			t.Errorf("%s: a corrupt record still yields values", name)
		}
	}
}

// A column that is too narrow must not make a session with fewer values, which the next write would make permanent.
func TestEveryTruncationIsCorrupt(t *testing.T) {
	for _, flags := range []byte{0, Sealed} {
		data := encodeEnvelope(sampleEnvelope(flags))
		for n := range data {
			if _, err := parsed(data[:n:n]); !errors.Is(err, ErrCorrupt) {
				t.Errorf("the first %d of %d bytes: err = %v, want ErrCorrupt", n, len(data), err)
			}
		}
		if _, err := parsed(append(data, 0)); !errors.Is(err, ErrCorrupt) {
			t.Errorf("a byte too many: err = %v, want ErrCorrupt", err)
		}
	}
}

func TestParsingAndLookingUpAllocateNothing(t *testing.T) {
	data := encodeEnvelope(sampleEnvelope(0))
	cut := data[:len(data)-1]
	if n := testing.AllocsPerRun(100, func() {
		e, _ := parsed(data)
		_, _ = parsed(cut)
		if Value(e.Body, "visits") == nil {
			t.Error("visits is absent")
		}
	}); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func TestValueIsFoundByItsWholeKey(t *testing.T) {
	e := Envelope{Body: bodyOf("theme", `"dark"`, "", "1", "visits", "", "vis", "3")}
	for key, want := range map[string][]byte{
		"theme": []byte(`"dark"`), "": []byte("1"), "visits": {}, "vis": []byte("3"), "them": nil, `"dark"`: nil,
		"themes": nil,
	} {
		if got := Value(e.Body, key); !bytes.Equal(got, want) || (got == nil) != (want == nil) {
			t.Errorf("value(%q) = %q (nil: %t), want %q (nil: %t)", key, got, got == nil, want, want == nil)
		}
	}
	if got := Value(nil, "theme"); got != nil {
		t.Errorf("a session without values holds %q", got)
	}
}

func TestValuesHandedOutCannotGrowIntoTheNext(t *testing.T) {
	e := Envelope{Body: bodyOf("a", "1", "b", "2")}
	_ = append(Value(e.Body, "a"), "xx"...)
	if got := Value(e.Body, "b"); string(got) != "2" {
		t.Errorf("b = %q after appending to the value of a, want 2", got)
	}
}

func TestTheLastFourWritesAreRemembered(t *testing.T) {
	e := sampleEnvelope(0)
	for id := uint64(11); id <= 16; id++ {
		e.PushWriteID(id)
	}
	e = mustParse(t, encodeEnvelope(e))
	for id := uint64(11); id <= 16; id++ {
		if got, want := e.HasWriteID(id), id >= 13; got != want {
			t.Errorf("written(%d) = %t after writes 11 to 16, want %t", id, got, want)
		}
	}
}

func parsed(data []byte) (e Envelope, err error) {
	if err = e.Parse(data); err != nil {
		e = Envelope{}
	}
	return e, err
}

// However much follows a number, it reads as encoding/binary reads it: the short way must not differ from the long one.
func TestNumbersReadAsTheyWereWritten(t *testing.T) {
	for shift := range 64 {
		for _, v := range []uint64{1 << shift, 1<<shift - 1, 1<<shift | 0x55} {
			for room := range 10 {
				data := append(binary.AppendUvarint(nil, v), make([]byte, room)...)
				for i := len(data) - room; i < len(data); i++ {
					data[i] = 0xff
				}
				if got, rest := takeUvarint(data); got != v || rest == nil || len(rest) != room {
					t.Fatalf("%d with %d bytes behind it reads as %d and leaves %d bytes (nil: %t)", v, room, got, len(rest),
						rest == nil)
				}
			}
		}
	}
	if v, rest := takeUvarint(bytes.Repeat([]byte{0xff}, 12)); v != 0 || rest != nil {
		t.Errorf("a number without an end reads as %d and leaves %x", v, rest)
	}
}
