package sqlstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"net/http"
	"time"

	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/sqlstore"
)

const visits session.Key[int] = "visits"

// The application opens its database with a driver of its choice, here github.com/jackc/pgx/v5/stdlib.
func ExampleNew() {
	db, err := sql.Open("pgx", "postgres://shop@localhost/shop")
	if err != nil {
		log.Fatal(err)
	}
	store, err := sqlstore.New(db, sqlstore.PostgreSQL, sqlstore.Options{})
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
	http.Handle("/", httpsession.Middleware(sessions)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "visit", visits.Update(httpsession.From(r), func(n int) int { return n + 1 }))
	})))
}

// SQLite, here by modernc.org/sqlite, wants a file and these settings.
func ExampleStore_Migrate() {
	db, err := sql.Open("sqlite", "file:sessions.db?_pragma=busy_timeout(100)&_pragma=journal_mode(WAL)&_txlock=immediate")
	if err != nil {
		log.Fatal(err)
	}
	store, err := sqlstore.New(db, sqlstore.SQLite, sqlstore.Options{Table: "web_sessions"})
	if err != nil {
		log.Fatal(err)
	}
	if err := store.Migrate(context.Background()); err != nil { // until then errors tell to call it
		log.Fatal(err)
	}
}

func ExampleSchema() {
	schema, err := sqlstore.Schema(sqlstore.PostgreSQL, sqlstore.Options{Table: "web_sessions"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(schema)
	// Output:
	// -- Tables for web sessions of github.com/coatcheck/coatcheck, layout 1, for PostgreSQL.
	// CREATE TABLE IF NOT EXISTS "web_sessions_version" (version BIGINT NOT NULL PRIMARY KEY);
	// CREATE TABLE IF NOT EXISTS "web_sessions" (
	// 	version BIGINT NOT NULL,
	// 	seen    BIGINT NOT NULL,
	// 	expires BIGINT NOT NULL,
	// 	sweep   BIGINT NOT NULL,
	// 	id      BYTEA  NOT NULL PRIMARY KEY,
	// 	subject BYTEA,
	// 	data    BYTEA  NOT NULL
	// ) WITH (fillfactor = 85);
	// CREATE INDEX IF NOT EXISTS "web_sessions_sweep" ON "web_sessions" (sweep);
	// CREATE INDEX IF NOT EXISTS "web_sessions_subject" ON "web_sessions" USING hash (subject) WHERE subject IS NOT NULL;
	// INSERT INTO "web_sessions_version" (version) VALUES (1) ON CONFLICT DO NOTHING;
}

// Sweeping a table that has grown for long is worth a progress bar: Expired says how far it is to go.
func ExampleStore_Expired() {
	db, err := sql.Open("mysql", "shop@tcp(localhost)/shop")
	if err != nil {
		log.Fatal(err)
	}
	store, err := sqlstore.New(db, sqlstore.MySQL, sqlstore.Options{})
	if err != nil {
		log.Fatal(err)
	}
	ctx, now := context.Background(), time.Now()
	all, err := store.Expired(ctx, now)
	if err != nil {
		log.Fatal(err)
	}
	for done := 0; done < all; {
		n, err := store.Sweep(ctx, now, 1000)
		if err != nil {
			log.Fatal(err)
		}
		if n == 0 {
			break // somebody else has swept too
		}
		done += n
		fmt.Printf("%d of %d\n", done, all)
	}
}
