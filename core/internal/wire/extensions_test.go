package wire

import "testing"

func TestExtensionsOfNewerVersionsStay(t *testing.T) {
	e := Envelope{Kind: Live}
	e.Extensions = AppendFrame([]byte{200}, "newer")
	e.SetExtension(Agent, "Firefox on Linux")
	e.SetExtension(Network, "203.0.113.0/24")
	e.SetExtension(Agent, "curl")
	for tag, want := range map[byte]string{200: "newer", Agent: "curl", Network: "203.0.113.0/24", 7: ""} {
		if got := e.Extension(tag); got != want {
			t.Errorf("extension %d is %q, want %q", tag, got, want)
		}
	}
	e.SetExtension(Agent, "")
	if got := e.Extension(Agent); got != "" || e.Extension(200) != "newer" {
		t.Errorf("after removing: %q", got)
	}
}

// Bytes that are no list of extensions are a newer version's business.
func TestForeignExtensionsAreLeftAlone(t *testing.T) {
	for _, foreign := range []string{"\x01", "\x01\xff", "\x01\x05ab", "\x07\x01x\x01"} {
		e := Envelope{Extensions: []byte(foreign)}
		e.SetExtension(Agent, "curl")
		if string(e.Extensions) != foreign {
			t.Errorf("%q became %q", foreign, e.Extensions)
		}
		_ = e.Extension(Network) // must not panic
	}
}
