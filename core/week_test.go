package session_test

import (
	"fmt"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/week"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

func TestAWeekOfAVisitorWithASealedCookie(t *testing.T) {
	for name, sealer := range map[string]session.Sealer{"SecureCookie": session.SecureCookie, "AEAD": session.AEAD} {
		keys := session.TemporaryKeys()
		for seed := range week.Seeds() {
			t.Run(fmt.Sprint(name, seed), func(t *testing.T) {
				week.Sealed(t, seed, func(o session.Options) (*session.Manager, error) {
					o.Sealer = sealer
					return session.NewSealed(keys, o)
				})
			})
		}
	}
}

func TestAWeekOfAVisitor(t *testing.T) {
	for seed := range week.Seeds() {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			week.Stored(t, seed, func(o session.Options) (*session.Manager, error) { return session.New(memstore.New(), o) })
		})
	}
}
