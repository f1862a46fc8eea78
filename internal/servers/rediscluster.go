package servers

import (
	"context"
	"net"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	clusterMasters = 3
	clusterTimeout = 60 * time.Second
	// nodeTimeout is how long a node may be silent before the others replace it.
	nodeTimeout = 1500 * time.Millisecond
)

// Cluster is a Redis Cluster of a test's own: three masters with a replica each.
type Cluster struct {
	Nodes []*Server

	t   testing.TB
	cli string
}

// RedisCluster starts a Redis Cluster whose nodes keep nothing on disk but their place in the cluster.
func RedisCluster(t testing.TB) *Cluster {
	t.Helper()
	c := &Cluster{t: t, cli: find(t, "redis-cli", "redis-tools")}
	for range 2 * clusterMasters {
		c.Nodes = append(c.Nodes, redis(t,
			"--appendonly", "no", "--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf",
			"--cluster-port", strconv.Itoa(freePort(t)), // the usual one, 10000 further, may not exist
			"--cluster-node-timeout", strconv.FormatInt(nodeTimeout.Milliseconds(), 10)))
	}
	args := append([]string{"--cluster", "create"}, c.Addrs()...)
	args = append(args, "--cluster-replicas", "1", "--cluster-yes")
	ctx, cancel := context.WithTimeout(t.Context(), clusterTimeout)
	defer cancel()
	if output, err := exec.CommandContext(ctx, c.cli, args...).CombinedOutput(); err != nil {
		t.Fatalf("redis-cli --cluster create: %v\n%s", err, output)
	}
	c.Await()
	return c
}

// Addrs is where the nodes listen.
func (c *Cluster) Addrs() (addrs []string) {
	for _, s := range c.Nodes {
		addrs = append(addrs, s.Addr)
	}
	return addrs
}

// Await returns once all nodes agree that the cluster works and that each replica is up to date.
func (c *Cluster) Await() {
	c.t.Helper()
	c.until("a complete cluster", func() bool { return !slices.ContainsFunc(c.Nodes, c.incomplete) })
}

// incomplete reports whether a node is not yet part of a whole cluster.
func (c *Cluster) incomplete(s *Server) bool {
	info, role := c.ask(s, "cluster", "info"), c.ask(s, "info", "replication")
	known := "cluster_known_nodes:" + strconv.Itoa(2*clusterMasters)
	if !strings.Contains(info, "cluster_state:ok") || !strings.Contains(info, known) {
		return true
	}
	return !strings.Contains(role, "role:master") && !strings.Contains(role, "master_link_status:up") ||
		strings.Contains(role, "role:master") && !strings.Contains(role, "state=online")
}

// Master is the node that serves a key at the moment. When that one is down, it is the one that takes its place.
func (c *Cluster) Master(key string) *Server {
	c.t.Helper()
	var master *Server
	c.until("a master for a key", func() bool {
		master = c.masterOf(key)
		return master != nil
	})
	return master
}

func (c *Cluster) masterOf(key string) *Server {
	for _, s := range c.Nodes {
		slot, err := strconv.Atoi(strings.TrimSpace(c.ask(s, "cluster", "keyslot", key)))
		if err != nil { // it is down
			continue
		}
		for line := range strings.Lines(c.ask(s, "cluster", "nodes")) {
			if addr, ok := servesSlot(line, slot); ok {
				return c.node(addr)
			}
		}
	}
	return nil
}

// servesSlot reads a line of CLUSTER NODES: id, address, flags, master, three numbers, state of the link, slots.
func servesSlot(line string, slot int) (addr string, ok bool) {
	fields := strings.Fields(line)
	if len(fields) < 9 || !strings.Contains(fields[2], "master") || strings.Contains(fields[2], "fail") {
		return "", false
	}
	addr, _, _ = strings.Cut(fields[1], "@")
	for _, slots := range fields[8:] {
		first, last, isRange := strings.Cut(slots, "-")
		if !isRange {
			last = first
		}
		from, err := strconv.Atoi(first)
		to, err2 := strconv.Atoi(last)
		if err == nil && err2 == nil && from <= slot && slot <= to {
			return addr, true
		}
	}
	return "", false
}

func (c *Cluster) node(addr string) *Server {
	i := slices.IndexFunc(c.Nodes, func(s *Server) bool { return s.Addr == addr })
	if i < 0 || c.ask(c.Nodes[i], "ping") == "" { // the others do not know yet that it is down
		return nil
	}
	return c.Nodes[i]
}

// ask returns a node's answer to a command, or nothing when it does not answer.
func (c *Cluster) ask(s *Server, command ...string) string {
	host, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	output, err := exec.CommandContext(ctx, c.cli, append([]string{"-h", host, "-p", port}, command...)...).Output()
	if err != nil {
		return ""
	}
	return string(output)
}

func (c *Cluster) until(what string, done func() bool) {
	c.t.Helper()
	deadline := time.After(clusterTimeout)
	poll := time.NewTicker(50 * time.Millisecond)
	defer poll.Stop()
	for !done() {
		select {
		case <-deadline:
			c.t.Fatalf("waited %s for %s", clusterTimeout, what)
		case <-poll.C:
		}
	}
}
