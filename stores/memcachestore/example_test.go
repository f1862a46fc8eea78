package memcachestore_test

import (
	"fmt"
	"log"
	"net/http"

	"github.com/bradfitz/gomemcache/memcache"

	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/memcachestore"
)

const visits session.Key[int] = "visits"

func ExampleNew() {
	client := memcache.New("localhost:11211")
	client.MaxIdleConns = 100 // as many as there are requests at a time

	sessions, err := session.New(memcachestore.New(client), session.Options{})
	if err != nil {
		log.Fatal(err)
	}
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := visits.Update(httpsession.From(r), func(n int) int { return n + 1 })
		fmt.Fprintln(w, "visit", n)
	})
	log.Fatal(http.ListenAndServe(":8080", httpsession.Middleware(sessions)(page)))
}
