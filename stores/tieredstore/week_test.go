package tieredstore_test

import (
	"testing"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/memstore"
	"github.com/coatcheck/coatcheck/stores/storetest"
	"github.com/coatcheck/coatcheck/stores/tieredstore"
)

func TestAWeekOfAVisitor(t *testing.T) {
	storetest.Week(t, func(t *testing.T) session.Store {
		return tieredstore.New(memstore.New(), memstore.New(), patient(t))
	})
}
