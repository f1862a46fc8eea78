package memcachestore_test

import (
	"testing"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/storetest"
)

func TestAWeekOfAVisitor(t *testing.T) {
	s := newStore(t)
	storetest.Week(t, func(*testing.T) session.Store { return s })
}
