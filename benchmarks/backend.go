package main

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // for sql.Open
	"github.com/redis/go-redis/v9"
	_ "modernc.org/sqlite" // for sql.Open

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/servers"
	"github.com/coatcheck/coatcheck/stores/filestore"
	"github.com/coatcheck/coatcheck/stores/redisstore"
	"github.com/coatcheck/coatcheck/stores/sqlstore"
)

// backend is a store and the minimal calls that somebody makes who does by hand what a session does there.
type backend struct {
	store session.Store
	calls *atomic.Int64 // round trips to Redis; elsewhere calls to the store

	create, update func(ctx context.Context, key string, value []byte) error
	load           func(ctx context.Context, key string) ([]byte, error)
}

// backends are opened on a stage, which closes them.
var backends = []struct {
	name string
	open func(s *stage) (*backend, error)
}{
	{"redis", openRedis}, {pipelined, openPipelined}, {"postgresql", openPostgreSQL}, {"sqlite", openSQLite},
	{"file", openFile},
}

// roundTrips is a hook of go-redis that counts commands and pipelines.
type roundTrips struct{ atomic.Int64 }

func (*roundTrips) DialHook(next redis.DialHook) redis.DialHook { return next }

func (t *roundTrips) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, command redis.Cmder) error {
		t.Add(1)
		return next(ctx, command)
	}
}

func (t *roundTrips) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, commands []redis.Cmder) error {
		t.Add(1)
		return next(ctx, commands)
	}
}

// pipelined is Redis with a client whose calls share round trips, for the sessions only.
const pipelined = "redis-pipelining"

func openPipelined(s *stage) (*backend, error) {
	b, client := onRedis(s, pipelinedConnections)
	pipeline, err := client.AsyncAutoPipeline()
	if err == nil {
		b.store = redisstore.NewPipelined(pipeline)
	}
	return b, err
}

// openRedis has one client for both sides.
func openRedis(s *stage) (*backend, error) {
	b, _ := onRedis(s, connections)
	return b, nil
}

func onRedis(s *stage, poolSize int) (*backend, *redis.Client) {
	server := servers.Redis(s)
	client := redis.NewClient(&redis.Options{Addr: server.Addr, ContextTimeoutEnabled: true, PoolSize: poolSize})
	s.Cleanup(func() { _ = client.Close() }) // the server goes too
	var trips roundTrips
	client.AddHook(&trips)
	set := func(ctx context.Context, key string, value []byte) error {
		return client.Set(ctx, key, value, 30*time.Minute).Err()
	}
	get := func(ctx context.Context, key string) ([]byte, error) { return client.Get(ctx, key).Bytes() }
	return &backend{redisstore.New(client), &trips.Int64, set, set, get}, client
}

func openPostgreSQL(s *stage) (*backend, error) {
	server := servers.PostgreSQL(s)
	const table = "CREATE TABLE raw (key TEXT PRIMARY KEY, value BYTEA NOT NULL)"
	return openSQL(s, "pgx", servers.PostgreSQLURL(server), sqlstore.PostgreSQL, table)
}

// openSQLite has it wait for other writers as long as it takes, which a handler without retries needs.
func openSQLite(s *stage) (*backend, error) {
	dir, err := s.dir()
	if err != nil {
		return nil, err
	}
	dsn := "file:" + filepath.Join(dir, "sessions.db") +
		"?_pragma=busy_timeout(30000)&_pragma=journal_mode(WAL)&_txlock=immediate"
	const table = "CREATE TABLE raw (key TEXT PRIMARY KEY, value BLOB NOT NULL)"
	return openSQL(s, "sqlite", dsn, sqlstore.SQLite, table)
}

// openSQL has one pool for both sides.
func openSQL(s *stage, driver, dsn string, dialect sqlstore.Dialect, table string) (*backend, error) {
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return nil, err
	}
	s.Cleanup(func() { _ = db.Close() }) // the server goes too
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	store, err := sqlstore.New(db, dialect, sqlstore.Options{})
	if err != nil {
		return nil, err
	}
	_, err = db.Exec(table)
	if err := errors.Join(err, store.Migrate(context.Background())); err != nil {
		return nil, err
	}
	insert, err1 := db.Prepare("INSERT INTO raw (value, key) VALUES ($1, $2)")
	update, err2 := db.Prepare("UPDATE raw SET value = $1 WHERE key = $2")
	find, err3 := db.Prepare("SELECT value FROM raw WHERE key = $1")
	execute := func(statement *sql.Stmt) func(context.Context, string, []byte) error {
		return func(ctx context.Context, key string, value []byte) error {
			_, err := statement.ExecContext(ctx, value, key)
			return err
		}
	}
	load := func(ctx context.Context, key string) (value []byte, err error) {
		err = find.QueryRowContext(ctx, key).Scan(&value)
		return value, err
	}
	c := &counted{everything: store}
	return &backend{c, &c.calls, execute(insert), execute(update), load}, errors.Join(err1, err2, err3)
}

func openFile(s *stage) (*backend, error) {
	dir, err := s.dir()
	if err != nil {
		return nil, err
	}
	store, err := filestore.New(filepath.Join(dir, "sessions"), filestore.Options{})
	if err != nil {
		return nil, err
	}
	s.Cleanup(func() { _ = store.Close() }) // the files go too
	raw := filepath.Join(dir, "raw")
	replace := func(_ context.Context, key string, value []byte) error { return replaceFile(raw, key, value) }
	load := func(_ context.Context, key string) ([]byte, error) {
		return os.ReadFile(filepath.Join(raw, key)) //nolint:gosec // the program's own key
	}
	c := &counted{everything: store}
	return &backend{c, &c.calls, replace, replace, load}, os.Mkdir(raw, 0o700)
}

// replaceFile writes a file so that it survives a power cut, the old one or the new one.
func replaceFile(dir, name string, content []byte) (err error) {
	f, err := os.CreateTemp(dir, "tmp")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), filepath.Join(dir, name)); err != nil {
		return err
	}
	d, err := os.Open(dir) //nolint:gosec // the program's own directory
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (s *stage) dir() (string, error) {
	dir, err := os.MkdirTemp("", "coatcheck")
	s.Cleanup(func() { _ = os.RemoveAll(dir) }) // what the system cleans up too
	return dir, err
}

// everything is a store with all the optional interfaces, so that counted has them too.
type everything interface {
	session.Store
	session.Toucher
	session.Indexer
	session.Sweeper
}

// counted counts the calls that requests make.
type counted struct {
	everything
	calls atomic.Int64
}

func (c *counted) Load(ctx context.Context, id session.RecordID) (session.Record, error) {
	c.calls.Add(1)
	return c.everything.Load(ctx, id)
}

func (c *counted) Create(ctx context.Context, r session.Record) error {
	c.calls.Add(1)
	return c.everything.Create(ctx, r)
}

func (c *counted) Update(ctx context.Context, r session.Record) error {
	c.calls.Add(1)
	return c.everything.Update(ctx, r)
}

func (c *counted) Delete(ctx context.Context, id session.RecordID) error {
	c.calls.Add(1)
	return c.everything.Delete(ctx, id)
}

func (c *counted) Touch(ctx context.Context, id session.RecordID, seen, expires time.Time) error {
	c.calls.Add(1)
	return c.everything.Touch(ctx, id, seen, expires)
}
