package wire

import "testing"

func TestLifetimesComeBack(t *testing.T) {
	for _, l := range []Lifetime{
		{}, {Idle: 1}, {Absolute: 1}, {Persistence: 1}, {Basis: 2}, {Idle: 3, Absolute: 1<<48 - 1, Persistence: 2, Basis: 1},
	} {
		e := Envelope{Kind: Live}
		e.SetExtension(Agent, "curl")
		plain := len(e.AppendHeader(nil))
		e.SetLifetime(l)
		var back Envelope
		if err := back.Parse(e.Finish(e.AppendHeader(nil), len(e.AppendHeader(nil)))); err != nil {
			t.Fatal(err)
		}
		if got := back.Lifetime(); got != l || back.Extension(Agent) != "curl" {
			t.Errorf("%+v came back as %+v", l, got)
		}
		e.SetLifetime(Lifetime{})
		if n := len(e.AppendHeader(nil)); n != plain || e.Lifetime() != (Lifetime{}) {
			t.Errorf("%+v: %d bytes once it is gone, %d before", l, n, plain)
		}
	}
}

// Sessions without a lifetime of their own are nearly all there are.
func TestNoLifetimeCostsNothing(t *testing.T) {
	e := Envelope{Kind: Live}
	e.SetExtension(Agent, "curl")
	if n := testing.AllocsPerRun(100, func() {
		e.SetLifetime(Lifetime{})
		e.OweCookie(false)
		if e.Lifetime() != (Lifetime{}) || e.OwesCookie() {
			t.Error("there is one")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// What is cut off, or a newer version's, is no reason to panic.
func TestOddLifetimesAreRead(t *testing.T) {
	for _, kept := range []string{"\xff", "\x01\xff", "\x00\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", "\x05\x07and more"} {
		e := Envelope{Kind: Live}
		e.SetExtension(OwnLifetime, kept)
		if l := e.Lifetime(); l.Absolute < 0 || l.Persistence > 3 || l.Basis > 3 {
			t.Errorf("%q: %+v", kept, l)
		}
	}
}

func TestOwedCookies(t *testing.T) {
	e := Envelope{Kind: Live}
	e.SetLifetime(Lifetime{Persistence: 1})
	for _, owed := range []bool{true, true, false, false, true} {
		if e.OweCookie(owed); e.OwesCookie() != owed || e.Lifetime().Persistence != 1 {
			t.Errorf("owed %t after %t", e.OwesCookie(), owed)
		}
	}
}
