package redisstore

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"
)

// permissions are the commands that the store uses, as ACL SETUSER takes them. Those between evalsha and
// scan run in its scripts.
const permissions = "+get +getex +set +del +eval +evalsha +getrange +setrange +pexpire +pexpireat +time +zadd " +
	"+zrange +zremrangebyscore +scan +info"

// failed wraps an error. A cluster's client is told that something is wrong, or it would look for the replica that took
// over from a dead master only once in ClusterStateReloadInterval, by default a minute.
func (s *Store) failed(operation string, err error) error {
	if err == nil {
		return nil
	}
	if cluster, ok := s.client.(*redis.ClusterClient); ok {
		cluster.ReloadState(context.Background()) // in a goroutine of the client's, and not all the time
	}
	if notPermitted(err) {
		return fmt.Errorf("redisstore: %s: permit what the store uses: ACL SETUSER … ~%s* %s: %w", operation, s.prefix,
			permissions, err)
	}
	return fmt.Errorf("redisstore: %s: %w", operation, err)
}

// notPermitted recognizes the refusal of a command or key, for which Redis has other words in a script, and since 7.2
// others.
func notPermitted(err error) bool {
	return slices.ContainsFunc([]string{"NOPERM", "executing the script can't run this command", "ACL failure in script"},
		func(words string) bool { return strings.Contains(err.Error(), words) })
}
