package memstore_test

import (
	"testing"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/memstore"
	"github.com/coatcheck/coatcheck/stores/storetest"
)

func TestAWeekOfAVisitor(t *testing.T) {
	storetest.Week(t, func(*testing.T) session.Store { return memstore.New() })
}
