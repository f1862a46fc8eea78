package sqltest

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"time"

	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/sqlstore"
)

const visits session.Key[int] = "visits"

// openSQLite stands for the database that an application has open anyway.
func openSQLite() (db *sql.DB, done func()) {
	dir, err := os.MkdirTemp("", "sessions")
	if err != nil {
		log.Fatal(err)
	}
	db, err = sql.Open("sqlite", "file:"+filepath.Join(dir, "sessions.db")+recommended)
	if err != nil {
		log.Fatal(err)
	}
	return db, func() {
		db.Close()
		_ = os.RemoveAll(dir) // what the system cleans up too
	}
}

func Example_visits() {
	db, done := openSQLite()
	defer done()
	store, err := sqlstore.New(db, sqlstore.SQLite, sqlstore.Options{})
	if err != nil {
		log.Fatal(err)
	}
	if err := store.Migrate(context.Background()); err != nil {
		log.Fatal(err)
	}
	sessions, err := session.New(store, session.Options{})
	if err != nil {
		log.Fatal(err)
	}
	page := httpsession.Middleware(sessions)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		n := visits.Update(httpsession.From(r), func(n int) int { return n + 1 })
		fmt.Println("visit", n)
	}))

	request := httptest.NewRequest(http.MethodGet, "https://example.com/", nil)
	for range 3 {
		answer := httptest.NewRecorder()
		page.ServeHTTP(answer, request)
		for _, c := range answer.Result().Cookies() { // as a browser does
			request.AddCookie(c)
		}
	}
	// Output:
	// visit 1
	// visit 2
	// visit 3
}

func Example_migrate() {
	db, done := openSQLite()
	defer done()
	store, err := sqlstore.New(db, sqlstore.SQLite, sqlstore.Options{Table: "web_sessions"})
	if err != nil {
		log.Fatal(err)
	}
	_, err = store.Expired(context.Background(), time.Now())
	fmt.Println(strings.SplitAfter(err.Error(), "prints")[0])
	fmt.Println(store.Migrate(context.Background()))
	fmt.Println(store.Expired(context.Background(), time.Now()))
	// Output:
	// sqlstore: count: there is no table web_sessions: call Migrate, or apply what `coatcheck schema` prints
	// <nil>
	// 0 <nil>
}

// Sweeping a table that has grown for long is worth a progress bar: Expired says how far it is to go.
func Example_expired() {
	db, done := openSQLite()
	defer done()
	store, err := sqlstore.New(db, sqlstore.SQLite, sqlstore.Options{})
	if err != nil {
		log.Fatal(err)
	}
	ctx, now := context.Background(), time.Now()
	if err := store.Migrate(ctx); err != nil {
		log.Fatal(err)
	}
	for n := range 3 {
		r := session.Record{ID: session.RecordID{byte(n)}, Version: 1, Seen: now}
		r.Expires = now.Add(time.Duration(n-2) * time.Hour)
		if err := store.Create(ctx, r); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(store.Expired(ctx, now.Add(-time.Minute)))
	fmt.Println(store.Sweep(ctx, now.Add(-time.Minute), 1000))
	// Output:
	// 2 <nil>
	// 2 <nil>
}
