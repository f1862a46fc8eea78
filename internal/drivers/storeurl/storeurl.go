// Package storeurl opens the session store that a URL names, for programs that are told where sessions are by a flag
// or a variable:
//
//	file:///var/lib/app/sessions
//	sqlite:///var/lib/app/sessions.db
//	postgres://user:password@host:5432/database?sslmode=verify-full
//	mysql://user:password@host:3306/database
//	redis://user:password@host:6379/0
//	rediss://user:password@host:6379/0              over TLS
//	redis://host:6379?addr=host2:6379               a Redis Cluster: any addr parameter, or cluster=true
//	memcached://host:11211,host2:11211
//
// The parameters table (SQL) and prefix (Redis, Memcached) name what the program does not call by its default; all
// others are the driver's own.
package storeurl

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	session "github.com/coatcheck/coatcheck/core"
)

// Opened is an open store.
type Opened struct {
	// Store is the store itself, with whatever optional interfaces it has.
	Store session.Store
	// Kind is the URL's scheme: file, sqlite, postgres, mysql, redis or memcached.
	Kind string
	// Migrate makes the table where there is none. It is nil for stores that need no preparation.
	Migrate func(context.Context) error
	// Conditions are what the store needs besides.
	Conditions []Condition

	close  func() error
	remedy func(error) string // nil where there is none
}

// Condition is something that a store relies on and that its calls do not show, or only later.
type Condition struct {
	Name string
	// Check returns an error that says what is wrong. It changes nothing.
	Check func(context.Context) error
}

// KnowTables is the condition of stores with tables: that they are there, and as this program writes them.
const KnowTables = "know the tables"

// Close closes the store's connections and files.
func (o *Opened) Close() error { return o.close() }

// Remedy says what to do about an error of the store, or "" if nobody knows.
func (o *Opened) Remedy(err error) string {
	if o.remedy == nil || err == nil {
		return ""
	}
	return o.remedy(err)
}

// opener opens a store. Unless it is to make what is missing, a store that is not there is fs.ErrNotExist.
type opener func(u *url.URL, create bool) (*Opened, error)

// openers open a store by its URL's scheme.
var openers = map[string]opener{
	"file":       openFile,
	"sqlite":     openSQLite,
	"postgres":   openPostgreSQL,
	"postgresql": openPostgreSQL,
	"mysql":      openMySQL,
	"redis":      openRedis,
	"rediss":     openRedis,
	"memcached":  openMemcached,
}

// kinds are the kinds of stores whose schemes have other names.
var kinds = map[string]string{"postgresql": "postgres", "rediss": "redis"}

// Schemes lists what a URL may begin with.
func Schemes() string {
	var names []string
	for scheme := range openers {
		names = append(names, scheme+"://")
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// Open opens the store that text names, and makes the directory or the file where there is none. It need not speak to
// the server: the first call of the store may be the one that fails. No error contains text, which may hold a password.
func Open(text string) (*Opened, error) { return open(text, true) }

// OpenExisting opens the store that text names as Open does, but makes nothing: a directory or a file that is not
// there, or a directory that no store has been in, is fs.ErrNotExist. A SQLite database keeps its journal mode.
func OpenExisting(text string) (*Opened, error) { return open(text, false) }

func open(text string, create bool) (*Opened, error) {
	u, err := parse(text)
	if err != nil {
		return nil, err
	}
	o, err := openers[u.Scheme](u, create)
	if err != nil {
		return nil, fmt.Errorf("%s store: %w", u.Scheme, err)
	}
	return o, nil
}

// parse reads a URL of a scheme that there is.
func parse(text string) (*url.URL, error) {
	if strings.HasPrefix(text, "sqlite:") && strings.Contains(text, inMemory) { // for package url it is a bad port
		return nil, errInMemory
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("the store's URL cannot be read: %w", withoutURL(err))
	}
	if openers[u.Scheme] == nil {
		return nil, fmt.Errorf("the store's URL has to begin with one of %s", Schemes())
	}
	return u, nil
}

// Table returns which kind of store text names, and the name of its table if the URL has one. It opens nothing.
func Table(text string) (kind, table string, err error) {
	u, err := parse(text)
	if err != nil {
		return "", "", err
	}
	kind = u.Scheme
	if other, ok := kinds[kind]; ok {
		kind = other
	}
	return kind, u.Query().Get("table"), nil
}

// withoutURL removes the URL from an error of package url.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	if _, ok := errors.AsType[url.EscapeError](err); ok { // which quotes three characters, of a password maybe
		return errors.New("it has a % that is not followed by two hexadecimal digits: write a % as %25")
	}
	return errors.New("check the host and the port, and write special characters in a password as %XX")
}

// Path returns the file or directory that a URL names, if it is for a store that has one.
func Path(text string) (name string, ok bool) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "file" && u.Scheme != "sqlite" {
		return "", false
	}
	name, err = path(u)
	return name, err == nil
}

// path is the file that a URL like sqlite:///dir/file names. Two slashes or none make it a relative one.
func path(u *url.URL) (string, error) {
	name := u.Host + u.Path
	if u.Opaque != "" {
		var err error
		if name, err = url.PathUnescape(u.Opaque); err != nil {
			return "", withoutURL(err)
		}
	}
	if name == "" || name == "/" {
		return "", fmt.Errorf("the URL names no path: write %s:///dir/name", u.Scheme)
	}
	return name, nil
}

// take removes a parameter that the driver would not understand.
func take(u *url.URL, name string) string {
	query := u.Query()
	if !query.Has(name) {
		return ""
	}
	value := query.Get(name)
	query.Del(name)
	u.RawQuery = query.Encode()
	return value
}
