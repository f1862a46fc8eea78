package session

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

func TestMintedTokenIs256BitsIn43Characters(t *testing.T) {
	seen := map[string]bool{}
	var ones, zeros [tokenBytes]byte
	for range 200 {
		token := mintToken()
		raw, err := base64url.DecodeString(token)
		if err != nil || len(raw) != 32 || len(token) != 43 || !isToken(token) {
			t.Fatalf("a minted token has %d characters and %d bytes (err %v), want 43 and 32", len(token), len(raw), err)
		}
		if seen[token] {
			t.Fatal("the same token was minted twice")
		}
		seen[token] = true
		for i, b := range raw {
			ones[i] |= b
			zeros[i] |= ^b
		}
	}
	all := bytes.Repeat([]byte{0xff}, tokenBytes)
	if !bytes.Equal(ones[:], all) || !bytes.Equal(zeros[:], all) {
		t.Error("a bit never changed in 200 tokens, so there are fewer than 256 random ones")
	}
}

func TestOnlyTheCanonicalSpellingIsAToken(t *testing.T) {
	canonical := strings.Repeat("A", 42)
	for _, c := range []struct {
		token string
		want  bool
		why   string
	}{
		{canonical + "A", true, "32 zero bytes"},
		{canonical + "8", true, "the last character carries four bits"},
		{canonical + "w", true, "four bits and no stray ones"},
		{canonical + "B", false, "stray bits in the last character: a second spelling of 32 zero bytes"},
		{canonical + "_", false, "stray bits"},
		{canonical + "9", false, "stray bits"},
		{canonical, false, "one short"},
		{canonical + "AA", false, "one long"},
		{"", false, "empty"},
		{canonical + "=", false, "padding"},
		{canonical + " ", false, "space"},
		{canonical + "+", false, "the other base64 alphabet"},
		{canonical[:41] + "/A", false, "the other base64 alphabet"},
		{canonical[:41] + "\x00A", false, "a control character"},
		{canonical[:41] + "é", false, "43 bytes, but not ASCII"},
		{strings.Repeat("%41", 14) + "A", false, "percent-encoded"},
	} {
		if got := isToken(c.token); got != c.want {
			t.Errorf("isToken(%q) = %t, want %t: %s", c.token, got, c.want, c.why)
		}
	}
}

// encoding/base64 skips line breaks, in strict mode too.
func TestATokenHasNoLineBreaks(t *testing.T) {
	for _, token := range []string{strings.Repeat("A", 40) + "\r\n\n", strings.Repeat("\n", 43),
		"\r" + strings.Repeat("A", 42)} {
		if isToken(token) {
			t.Errorf("isToken(%q) = true: fewer than 32 bytes cost a store call", token)
		}
	}
}

func TestCheckingATokenAllocatesNothing(t *testing.T) {
	token := mintToken()
	if n := testing.AllocsPerRun(100, func() { isToken(token) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func TestRecordIDDependsOnManagerAndToken(t *testing.T) {
	token := mintToken()
	ids := map[RecordID]string{}
	for _, in := range [][2]string{
		{"shop", token}, {"ship", token}, {"admin", token}, {"shop", mintToken()},
		// Where the name ends must matter: these all join to the same text.
		{"shopA", "BC"}, {"shop", "ABC"}, {"shopAB", "C"}, {"", "shopABC"}, {"shopABC", ""},
		{strings.Repeat("n", maxName), token}, {strings.Repeat("n", maxName-1), "n" + token},
	} {
		id := recordID(in[0], in[1])
		if other, taken := ids[id]; taken {
			t.Errorf("manager %q has the record id of manager %q", in[0], other)
		}
		ids[id] = in[0]
		if id != recordID(in[0], in[1]) {
			t.Errorf("manager %q: the same token has two record ids", in[0])
		}
	}
}

func TestRecordIDIsNotTheToken(t *testing.T) {
	token := mintToken()
	raw, _ := base64url.DecodeString(token)
	id := recordID("id", token)
	if bytes.Contains(id[:], raw[:8]) || bytes.Contains(id[:], []byte(token[:8])) {
		t.Error("the record id shows a part of the token: whoever reads the store could use it")
	}
}

func TestRecordIDPrintsShort(t *testing.T) {
	id := recordID("id", mintToken())
	for _, got := range []string{id.String(), fmt.Sprint(id), fmt.Sprintf("%s", id)} {
		if len(got) != 8 {
			t.Errorf("a record id prints as %q, want 8 characters for logs", got)
		}
	}
	if id.String() == recordID("id", mintToken()).String() {
		t.Error("two record ids print alike")
	}
}

func TestHandleIsPrintableAndEmptyWhenThereIsNone(t *testing.T) {
	if got := (wire.Handle{}).String(); got != "" {
		t.Errorf("no handle prints as %q, want nothing", got)
	}
	a, b := mintHandle().String(), mintHandle().String()
	if a == b || len(a) != 22 || strings.Trim(a, nameAlphabet) != "" {
		t.Errorf("handles %q and %q, want two different ones of 22 base64url characters", a, b)
	}
}
