package shop

import (
	"context"
	"errors"
	"fmt"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/drivers/storeurl"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

// storePatience is how long a store may take to answer when the shop starts.
const storePatience = 10 * time.Second

// stores are the ones without a URL.
var stores = []string{"memory", "cookie"}

func storeChoices() string {
	return listed(stores) + ", or a URL that begins with one of " + storeurl.Schemes()
}

// openStore opens what -store names, and sees whether it works. There is no store for sessions in cookies.
func openStore(ctx context.Context, name string) (store session.Store, closeStore func() error, err error) {
	nothing := func() error { return nil }
	switch name {
	case "cookie":
		return nil, nothing, nil
	case "memory":
		return memstore.New(), nothing, nil
	}
	opened, err := storeurl.Open(name)
	if err != nil {
		return nil, nil, fmt.Errorf("-store: %w", err)
	}
	if err := prepare(ctx, opened); err != nil {
		_ = opened.Close() // it has failed already
		return nil, nil, fmt.Errorf("the %s store does not work; see that its server runs, or its directory exists, and "+
			"that -store is right: %w", opened.Kind, err)
	}
	return opened.Store, opened.Close, nil
}

// prepare makes what the store needs, and asks it for a session that nobody has.
func prepare(ctx context.Context, opened *storeurl.Opened) error {
	ctx, cancel := context.WithTimeout(ctx, storePatience)
	defer cancel()
	if opened.Migrate != nil {
		if err := opened.Migrate(ctx); err != nil {
			return err
		}
	}
	_, err := opened.Store.Load(ctx, session.RecordID{})
	if errors.Is(err, session.ErrNotFound) {
		return nil
	}
	return err
}
