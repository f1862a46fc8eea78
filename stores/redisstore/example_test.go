package redisstore_test

import (
	"log"
	"net/http"

	"github.com/redis/go-redis/v9"

	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/redisstore"
)

func ExampleNew() {
	rdb := redis.NewClient(&redis.Options{Addr: "localhost:6379", ContextTimeoutEnabled: true})
	sessions, err := session.New(redisstore.New(rdb), session.Options{})
	if err != nil {
		log.Fatal(err)
	}
	http.Handle("/", httpsession.Middleware(sessions)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		visit(httpsession.From(r))
	})))
}

func ExampleStore_WithPrefix() {
	rdb := redis.NewUniversalClient(&redis.UniversalOptions{
		Addrs: []string{"sentinel-1:26379", "sentinel-2:26379", "sentinel-3:26379"}, MasterName: "sessions",
		ContextTimeoutEnabled: true,
	})
	sessions, err := session.New(redisstore.New(rdb).WithPrefix("shop:sessions:"), session.Options{})
	if err != nil {
		log.Fatal(err)
	}
	log.Println(sessions)
}
