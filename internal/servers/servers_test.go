package servers_test

import (
	"net"
	"testing"
	"time"

	"github.com/coatcheck/coatcheck/internal/servers"
)

func TestStartStopKill(t *testing.T) {
	for name, start := range map[string]func(testing.TB) *servers.Server{
		"redis":      servers.Redis,
		"memcached":  servers.Memcached,
		"postgresql": servers.PostgreSQL,
		"mariadb":    servers.MariaDB,
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			answers(t, s, true)
			s.Stop()
			answers(t, s, false)
			s.Start()
			answers(t, s, true)
			s.Kill()
			answers(t, s, false)
		})
	}
}

func answers(t *testing.T, s *servers.Server, want bool) {
	t.Helper()
	c, err := net.DialTimeout("tcp", s.Addr, time.Second)
	if err == nil {
		_ = c.Close()
	}
	if got := err == nil; got != want {
		t.Fatalf("%s accepts connections: %v, want %v", s.Addr, got, want)
	}
}
