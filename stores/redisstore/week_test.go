package redisstore_test

import (
	"testing"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/servers"
	"github.com/coatcheck/coatcheck/stores/redisstore"
	"github.com/coatcheck/coatcheck/stores/storetest"
)

func TestAWeekOfAVisitor(t *testing.T) {
	store := redisstore.New(connect(t, servers.Redis(t)))
	storetest.Week(t, func(*testing.T) session.Store { return store })
}
