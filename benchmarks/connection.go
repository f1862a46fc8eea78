package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// connection is a visitor who keeps a connection and asks for one page over and over. It knows just as much of
// HTTP/1.1 as it needs to check the answers, since on a machine with few processors the client's work is taken from
// the server's.
type connection struct {
	conn    net.Conn
	in      *bufio.Reader
	request []byte
	body    []byte

	next, step int // what the next answer has to be, and what it adds
	setsCookie bool
	latencies  []time.Duration
}

func dial(addr, path, cookie string, next, step int) (*connection, error) {
	conn, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		return nil, err
	}
	return &connection{
		conn: conn, in: bufio.NewReader(conn), next: next, step: step,
		request: []byte("GET " + path + " HTTP/1.1\r\nHost: localhost\r\nCookie: " + cookie + "\r\n\r\n"),
	}, nil
}

func (c *connection) close() error { return c.conn.Close() }

// getUntil asks until the time is over, and notes how long each answer takes.
func (c *connection) getUntil(end time.Time) error {
	for begin := time.Now(); begin.Before(end); {
		if err := c.get(); err != nil {
			return err
		}
		now := time.Now()
		c.latencies = append(c.latencies, now.Sub(begin))
		begin = now
	}
	return nil
}

// patience is how long an answer may take.
const patience = 30 * time.Second

// get asks once and makes sure that the answer is the one that is due.
func (c *connection) get() error {
	if err := c.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := c.conn.Write(c.request); err != nil {
		return err
	}
	status, err := c.answer()
	if err != nil {
		return err
	}
	if n, err := strconv.Atoi(string(c.body)); status != "200" || err != nil || n != c.next {
		return fmt.Errorf("the answer is %s %q, want 200 %q", status, c.body, strconv.Itoa(c.next))
	}
	c.next += c.step
	return nil
}

func (c *connection) answer() (status string, err error) {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return "", err
	}
	if fields := bytes.Fields(line); len(fields) >= 2 {
		status = string(fields[1])
	}
	length := -1
	for c.setsCookie = false; ; {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return "", err
		}
		name, value, found := bytes.Cut(bytes.TrimRight(line, "\r\n"), []byte(": "))
		switch {
		case !found && length < 0:
			return "", fmt.Errorf("a %s answer of unknown length", status)
		case !found:
			c.body = append(c.body[:0], make([]byte, length)...)
			_, err := io.ReadFull(c.in, c.body)
			return status, err
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.Atoi(string(value)); err != nil {
				return "", err
			}
		case bytes.EqualFold(name, []byte("Set-Cookie")):
			c.setsCookie = true
		}
	}
}
