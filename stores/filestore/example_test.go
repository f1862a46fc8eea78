//go:build unix

package filestore_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"

	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/filestore"
)

const visits session.Key[int] = "visits"

// Sessions in files outlive the process: each visit here is served by a store that was opened anew, as after a restart.
func ExampleNew() {
	parent, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(parent) }()

	request := httptest.NewRequest(http.MethodGet, "https://example.com/", nil)
	for range 3 {
		store, err := filestore.New(filepath.Join(parent, "sessions"), filestore.Options{})
		if err != nil {
			log.Fatal(err)
		}
		answer := httptest.NewRecorder()
		handler(store).ServeHTTP(answer, request)
		for _, c := range answer.Result().Cookies() { // as a browser does
			request.AddCookie(c)
		}
		if err := store.Close(); err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// visit 1
	// visit 2
	// visit 3
}

func handler(store *filestore.Store) http.Handler {
	sessions, err := session.New(store, session.Options{})
	if err != nil {
		log.Fatal(err)
	}
	sessions.StartSweeper(context.Background()) // in one process or in each of several
	return httpsession.Middleware(sessions)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		n := visits.Update(httpsession.From(r), func(n int) int { return n + 1 })
		fmt.Println("visit", n)
	}))
}
