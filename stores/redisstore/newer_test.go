package redisstore_test

import (
	"reflect"
	"testing"

	"github.com/redis/go-redis/v9"
)

// These tests compile with the oldest go-redis that the module takes. What only newer ones have is therefore asked for
// by name.

// setIfKnown sets a field of a client's options, and reports whether this version of go-redis has it.
func setIfKnown(options any, name string, value any) bool {
	field := reflect.ValueOf(options).Elem().FieldByName(name)
	if field.IsValid() {
		field.Set(reflect.ValueOf(value).Convert(field.Type()))
	}
	return field.IsValid()
}

// cached turns on the client's cache and what others name. The test ends here if there is no cache.
func cached(t *testing.T, o *redis.Options, others ...string) *redis.Options {
	t.Helper()
	field, ok := reflect.TypeFor[redis.Options]().FieldByName("ClientSideCacheConfig")
	if !ok {
		t.Skip("this version of go-redis has no client-side cache")
	}
	setIfKnown(o, field.Name, reflect.New(field.Type.Elem()).Interface())
	for _, name := range others {
		if !setIfKnown(o, name, true) {
			t.Skipf("this version of go-redis has no %s", name)
		}
	}
	return o
}

// pipelining returns a client whose calls share round trips, and that ends with the test.
func pipelining(t *testing.T, c *redis.Client) redis.UniversalClient {
	t.Helper()
	method := reflect.ValueOf(c).MethodByName("AutoPipeline")
	if !method.IsValid() {
		t.Skip("this version of go-redis has no client that pipelines")
	}
	results := method.Call(nil)
	if err, _ := results[1].Interface().(error); err != nil {
		t.Fatal(err)
	}
	p := results[0].Interface().(redis.UniversalClient)
	t.Cleanup(func() { _ = p.Close() })
	return p
}
