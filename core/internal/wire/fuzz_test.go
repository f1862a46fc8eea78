package wire

import (
	"reflect"
	"testing"
)

func FuzzParseEnvelope(f *testing.F) {
	successor := [idSize]byte{1, 31: 2}
	for _, change := range []func(*Envelope){
		func(*Envelope) {},
		func(e *Envelope) { e.Body, e.Subject, e.Extensions, e.Authenticated = nil, nil, nil, 0 },
		func(e *Envelope) { e.Kind, e.Body = Alias, successor[:] },
		func(e *Envelope) { e.Kind, e.Body = Ended, nil },
	} {
		for _, flags := range []byte{0, Sealed, LeftByOtherSubject, knownFlags} {
			e := sampleEnvelope(flags)
			change(&e)
			data := encodeEnvelope(e)
			f.Add(data)
			f.Add(data[:len(data)-1])
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := parsed(data)
		if err != nil {
			return
		}
		again := mustParse(t, encodeEnvelope(e))
		if !reflect.DeepEqual(again, e) {
			t.Errorf("written and parsed again it differs:\n%+v\n%+v", e, again)
		}
		if e.Kind != Live {
			return
		}
		for rest := e.Body; len(rest) > 0; { // what parses can be read and copied
			var key []byte
			key, _, rest = Entry(rest)
			if Value(e.Body, string(key)) == nil {
				t.Errorf("key %q is there and has no value", key)
			}
		}
	})
}
