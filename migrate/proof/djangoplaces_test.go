package proof_test

import (
	"testing"

	"github.com/bradfitz/gomemcache/memcache"
	"github.com/redis/go-redis/v9"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/servers"
	fromdjango "github.com/coatcheck/coatcheck/migrate/django"
	"github.com/coatcheck/coatcheck/stores/memcachestore"
	"github.com/coatcheck/coatcheck/stores/redisstore"
)

// djangoPlaces are Django's back ends.
var djangoPlaces = map[string]func(t *testing.T) djangoPlace{
	"signed_cookies": func(*testing.T) djangoPlace {
		i := func(c fromdjango.Config, _ fromdjango.Table) (session.Importer, error) {
			return fromdjango.SignedCookies(c)
		}
		return djangoPlace{engine: "signed_cookies", importer: i}
	},
	"db": func(*testing.T) djangoPlace { return djangoPlace{engine: "db", importer: fromdjango.DB} },
	"file": func(t *testing.T) djangoPlace {
		folder := t.TempDir()
		return djangoPlace{
			engine: "file", env: []string{"FILES=" + folder, "COOKIE=visitor"},
			importer: func(c fromdjango.Config, _ fromdjango.Table) (session.Importer, error) {
				c.CookieName = "visitor"
				return fromdjango.Files(c, folder)
			},
		}
	},
	"cache of JSON on Redis": func(t *testing.T) djangoPlace {
		p, cached := onRedis(t, "json.JSONSerializer")
		p.importer = func(c fromdjango.Config, _ fromdjango.Table) (session.Importer, error) {
			return fromdjango.Cache(c, cached)
		}
		return p
	},
	"cached_db on Memcached": func(t *testing.T) djangoPlace {
		server := servers.Memcached(t)
		client := memcache.New(server.Addr)
		t.Cleanup(func() { _ = client.Close() })
		return djangoPlace{
			engine: "cached_db", packages: map[string]string{"pymemcache": "python3-pymemcache"},
			env: []string{"MEMCACHED=1", "SERVER=" + server.Addr},
			importer: func(c fromdjango.Config, table fromdjango.Table) (session.Importer, error) {
				table.Cached = &fromdjango.Cached{KeyValue: memcachestore.KeyValue(client)}
				return fromdjango.DB(c, table)
			},
		}
	},
}

func onRedis(t *testing.T, serializer string) (djangoPlace, fromdjango.Cached) {
	server := servers.Redis(t)
	client := redis.NewClient(&redis.Options{Addr: server.Addr})
	t.Cleanup(func() { _ = client.Close() })
	return djangoPlace{
		engine: "cache", packages: map[string]string{"django_redis": "python3-django-redis"},
		env:   []string{"SERVER=" + server.Addr, "SERIALIZER=" + serializer},
		store: redisstore.New(client),
	}, fromdjango.Cached{KeyValue: redisstore.KeyValue(client), Prefix: "site", Version: 2}
}

// TestDjangoPickles: what django-redis writes unless told otherwise is a pickle.
func TestDjangoPickles(t *testing.T) {
	t.Parallel()
	p, cached := onRedis(t, "pickle.PickleSerializer")
	p.importer = func(c fromdjango.Config, _ fromdjango.Table) (session.Importer, error) {
		return fromdjango.Cache(c, cached)
	}
	table, env := onSQLite(t)
	startDjango(t, p, table, env).visitor(t).login("ann").wantRefused("a pickle", session.ReasonCorrupt)
}
