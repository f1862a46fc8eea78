package fromdjango_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"database/sql/driver"
	"encoding/base64"
	"io"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

const (
	cookieSalt = "django.contrib.sessions.backends.signed_cookies"
	storeSalt  = "django.contrib.sessions.SessionStore"
	alphabet   = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// seal signs a body as Django does.
func seal(salt, secret, body string, at time.Time) string {
	stamp := ""
	for n := at.Unix(); n > 0; n /= 62 {
		stamp = alphabet[n%62:n%62+1] + stamp
	}
	return sealText(salt, secret, body+":"+stamp)
}

func sealText(salt, secret, text string) string {
	key := sha256.Sum256([]byte(salt + "signer" + secret))
	mac := hmac.New(sha256.New, key[:])
	_, _ = io.WriteString(mac, text)
	return text + ":" + b64(string(mac.Sum(nil)))
}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// memory is a server like Redis.
type memory map[string][]byte

func (m memory) Get(_ context.Context, key string) ([]byte, error) {
	if value, ok := m[key]; ok {
		return value, nil
	}
	return nil, session.ErrNotFound
}

func (m memory) Set(_ context.Context, key string, value []byte, _ time.Duration) error {
	m[key] = value
	return nil
}

func (m memory) Delete(_ context.Context, key string) error {
	delete(m, key)
	return nil
}

// oneRow is a database that has one row, and answers every query for its key with the other columns, as a driver would
// return them. The real ones are in the module migrate/proof.
func oneRow(key string, columns ...driver.Value) *sql.DB {
	return sql.OpenDB(&row{key: key, columns: columns})
}

type row struct {
	key     string
	columns []driver.Value
	err     error
	query   string
}

func (r *row) Connect(context.Context) (driver.Conn, error) { return r, nil }
func (r *row) Driver() driver.Driver                        { return nil }
func (r *row) Prepare(string) (driver.Stmt, error)          { return nil, driver.ErrBadConn }
func (r *row) Close() error                                 { return nil }
func (r *row) Begin() (driver.Tx, error)                    { return nil, driver.ErrBadConn }

func (r *row) QueryContext(_ context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	r.query = query
	if r.err != nil {
		return nil, r.err
	}
	return &rows{row: r, over: args[0].Value != r.key}, nil
}

type rows struct {
	*row
	over bool
}

func (r *rows) Columns() []string { return make([]string, len(r.columns)) }
func (r *rows) Close() error      { return nil }

func (r *rows) Next(to []driver.Value) error {
	if r.over {
		return io.EOF
	}
	r.over = true
	copy(to, r.columns)
	return nil
}
