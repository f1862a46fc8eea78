package fromexpress_test

import (
	"context"
	"fmt"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	fromexpress "github.com/coatcheck/coatcheck/migrate/express"
)

// redisServer stands for redisstore.KeyValue(rdb). It has one session, as connect-redis v9.0.0 writes it.
type redisServer struct{}

func (redisServer) Get(_ context.Context, key string) ([]byte, error) {
	if key != "sess:AAECAwQFBgcICQoLDA0ODxAREhMUFRYX" {
		return nil, session.ErrNotFound
	}
	return []byte(`{"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"},` +
		`"passport":{"user":42},"language":"de"}`), nil
}

func ExampleConnectRedis() {
	old, err := fromexpress.ConnectRedis(fromexpress.Config{
		Secrets: []string{"keyboard cat"},
		Server:  redisServer{},
	})
	if err != nil {
		panic(err)
	}
	const language session.Key[string] = "language"
	old.Until = time.Date(2027, time.March, 1, 0, 0, 0, 0, time.UTC)
	old.Values = map[string]session.AnyKey{"language": language}
	importers := []session.Importer{old} // for session.Options.Import

	// A visitor brings this cookie, which express-session 1.19.0 has signed.
	cookie := "s%3AAAECAwQFBgcICQoLDA0ODxAREhMUFRYX.N0Id4opwqhaAYcoIYSsRkO1j3rAafXluGboH3Nk7dVc"
	found, err := importers[0].Open(context.Background(), cookie)
	if err != nil {
		panic(err)
	}
	fmt.Printf("%s speaks %s\n", found.Subject, found.Values["language"])
	// Output: 42 speaks "de"
}
