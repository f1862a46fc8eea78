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
	close   func() error
}

// Close closes the store's connections and files.
func (o *Opened) Close() error { return o.close() }

// openers open a store by its URL's scheme.
var openers = map[string]func(*url.URL) (*Opened, error){
	"file":       openFile,
	"sqlite":     openSQLite,
	"postgres":   openPostgreSQL,
	"postgresql": openPostgreSQL,
	"mysql":      openMySQL,
	"redis":      openRedis,
	"rediss":     openRedis,
	"memcached":  openMemcached,
}

// Schemes lists what a URL may begin with.
func Schemes() string {
	var names []string
	for scheme := range openers {
		names = append(names, scheme+"://")
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// Open opens the store that text names. It need not speak to the server: the first call of the store may be the one that
// fails. No error contains text, which may hold a password.
func Open(text string) (*Opened, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("the store's URL cannot be read: %w", withoutURL(err))
	}
	open, ok := openers[u.Scheme]
	if !ok {
		return nil, fmt.Errorf("the store's URL has to begin with one of %s", Schemes())
	}
	o, err := open(u)
	if err != nil {
		return nil, fmt.Errorf("%s store: %w", u.Scheme, err)
	}
	return o, nil
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
