//go:build unix

package filestore_test

import (
	"testing"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/storetest"
)

func TestAWeekOfAVisitor(t *testing.T) {
	storetest.Week(t, func(t *testing.T) session.Store { return open(t, newDir(t)) })
}
