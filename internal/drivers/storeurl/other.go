package storeurl

import (
	"context"
	"errors"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bradfitz/gomemcache/memcache"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"

	"github.com/coatcheck/coatcheck/stores/filestore"
	"github.com/coatcheck/coatcheck/stores/memcachestore"
	"github.com/coatcheck/coatcheck/stores/redisstore"
)

// recordsFolder is the part of its directory that no store of files is without.
const recordsFolder = "sessions"

func openFile(u *url.URL, create bool) (*Opened, error) {
	dir, err := path(u)
	if err != nil {
		return nil, err
	}
	if !create {
		if _, err := os.Stat(filepath.Join(dir, recordsFolder)); err != nil {
			return nil, err
		}
	}
	store, err := filestore.New(dir, filestore.Options{})
	if err != nil {
		return nil, err
	}
	return &Opened{Store: store, Kind: "file", close: store.Close}, nil
}

func openRedis(u *url.URL, _ bool) (*Opened, error) {
	prefix, err := takePrefix(u)
	if err != nil {
		return nil, err
	}
	client, err := redisClient(u)
	if err != nil {
		return nil, err
	}
	store := redisstore.New(client)
	if prefix != "" {
		store = store.WithPrefix(prefix)
	}
	return &Opened{
		Store: store, Kind: "redis", close: client.Close, remedy: redisRemedy,
		Conditions: []Condition{{"take scripts", func(ctx context.Context) error {
			// The store sends a script's text only to a server that does not know it yet, after a restart for instance.
			return client.Eval(ctx, "return 1", nil).Err()
		}}},
	}, nil
}

// RedisRights are what a user of Redis needs for the store, as ACL SETUSER takes them.
const RedisRights = "+get +set +del +eval +evalsha +getrange +setrange +pexpire +pexpireat +time " +
	"+zadd +zrange +zremrangebyscore"

// refusals are what Redis says to a user without a right. Inside of a script it has other words, and not the same ones
// in each version.
var refusals = []string{"NOPERM", "user executing the script can't", "ACL failure in script"}

// redisRemedy names all the rights that are wanted, because Redis does not say which one a script lacks.
func redisRemedy(err error) string {
	if !slices.ContainsFunc(refusals, func(words string) bool { return strings.Contains(err.Error(), words) }) {
		return ""
	}
	return "give the user the rights it lacks, and the keys that begin with the store's prefix: " +
		"ACL SETUSER name ~coatcheck:* " + RedisRights +
		"; a client that caches or reads from replicas needs +getex too, and one of a cluster +cluster; " +
		"going through all sessions takes +scan and +info"
}

// redisClient makes the client that the URL is for. The package's own errors would show the URL.
func redisClient(u *url.URL) (redis.UniversalClient, error) {
	logging.Disable() // what goes wrong comes back as an error, and standard error is the program's own
	cluster := take(u, "cluster") == "true" || u.Query().Has("addr")
	if cluster {
		o, err := redis.ParseClusterURL(u.String())
		if err != nil {
			return nil, errRedis
		}
		o.ContextTimeoutEnabled = true
		return redis.NewClusterClient(o), nil
	}
	o, err := redis.ParseURL(u.String())
	if err != nil {
		return nil, errRedis
	}
	o.ContextTimeoutEnabled = true
	return redis.NewClient(o), nil
}

var errRedis = errors.New("the URL cannot be read: write redis://user:password@host:6379/0, " +
	"special characters in the password as %XX, and parameters that github.com/redis/go-redis knows, or prefix")

// takePrefix takes what both servers take.
func takePrefix(u *url.URL) (string, error) {
	const longest = 100
	prefix := take(u, "prefix")
	if len(prefix) > longest || strings.ContainsFunc(prefix, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return "", errors.New("prefix: use up to 100 visible ASCII characters without spaces")
	}
	return prefix, nil
}

const memcachedPort = "11211"

func openMemcached(u *url.URL, _ bool) (*Opened, error) {
	prefix, err := takePrefix(u)
	if err != nil {
		return nil, err
	}
	if u.Host == "" {
		return nil, errors.New("the URL names no host: write memcached://host:11211")
	}
	var servers []string
	for host := range strings.SplitSeq(u.Host, ",") {
		if !strings.Contains(host, ":") {
			host = net.JoinHostPort(host, memcachedPort)
		}
		servers = append(servers, host)
	}
	selector := &memcache.ServerList{}
	if err := selector.SetServers(servers...); err != nil {
		return nil, err
	}
	client := memcache.NewFromSelector(selector)
	client.MaxIdleConns = maxConnections
	store := memcachestore.New(client)
	if prefix != "" {
		store = store.WithPrefix(prefix)
	}
	return &Opened{Store: store, Kind: "memcached", close: client.Close}, nil
}
