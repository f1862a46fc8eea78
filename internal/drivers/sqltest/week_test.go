package sqltest

import (
	"testing"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/storetest"
)

func TestAWeekOfAVisitor(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		s, _ := d.migrated(t)
		storetest.Week(t, func(*testing.T) session.Store { return s })
	})
}
