package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"time"

	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

// live is a site of net/http with many sessions in memory, of which each request brings a random one's cookie.
type live struct {
	client  client
	cookies []string
	random  *rand.Rand
}

// fill is what a session has besides the measured number; nil: what it has elsewhere.
type fill func(*session.Session)

func (f fill) site(store session.Store) (site, error) {
	m, err := session.New(store, session.Options{})
	if err != nil {
		return nil, err
	}
	from := func(e exchange) *session.Session { return httpsession.From(e.r) }
	h := coatcheckHandlers(from)
	if f != nil {
		h["start"] = func(e exchange) (int, error) {
			s := from(e)
			number.Set(s, first)
			f(s)
			return first, nil
		}
	}
	return nethttpSite(httpsession.Middleware(m), h), nil
}

// sized notes how much data a new record has.
type sized struct {
	everything
	data int
}

func (s *sized) Create(ctx context.Context, r session.Record) error {
	s.data = len(r.Data)
	return s.everything.Create(ctx, r)
}

// payload is how many bytes of data the store gets to keep for a session.
func (f fill) payload() (int, error) {
	store := &sized{everything: memstore.New()}
	s, err := f.site(store)
	if err == nil {
		s.client().get("/start", strangers)
	}
	return store.data, err
}

// keys are so many numbers, the measured one among them.
func keys(count int) fill {
	return func(s *session.Session) {
		for i := range count - 1 {
			session.Key[int]("k"+strconv.Itoa(i)).Set(s, first)
		}
	}
}

// padded is text of so many bytes.
func padded(bytes int) fill {
	text := strings.Repeat("x", bytes)
	return func(s *session.Session) { session.Key[string]("text").Set(s, text) }
}

// bareLive is net/http without sessions.
func bareLive() *live {
	return &live{client: nethttpSite(nil, nil).client(), cookies: []string{anyCookie}, random: fixed()}
}

// fixed makes every run ask for the same sessions.
func fixed() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

// cookieSize is that of our cookie: its name and 43 characters of token.
const cookieSize = len("__Host-id=") + 43

// open begins sessions. It also returns what of the heap each of them takes.
func (f fill) open(sessions int) (*live, float64, error) {
	s, err := f.site(memstore.New())
	if err != nil {
		return nil, 0, err
	}
	l := &live{client: s.client(), cookies: make([]string, 0, sessions), random: fixed()}
	var all strings.Builder // one string, so that the client's cookies are no work for the garbage collector
	all.Grow(sessions * cookieSize)
	before := heap()
	for range sessions {
		l.client.get("/start", strangers)
		cookie, _, _ := strings.Cut(l.client.setCookie(), ";")
		if len(cookie) != cookieSize {
			return nil, 0, fmt.Errorf("the new session's cookie has %d bytes, want %d", len(cookie), cookieSize)
		}
		all.WriteString(cookie)
	}
	each := float64(heap()-before) / float64(sessions)
	for i := range sessions {
		l.cookies = append(l.cookies, all.String()[i*cookieSize:(i+1)*cookieSize])
	}
	return l, each, nil
}

func heap() int64 {
	runtime.GC()
	runtime.GC() // what the first one has freed of pools
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// serve does an operation so many times, on random sessions, and returns the nanoseconds that one takes.
func (l *live) serve(op string, times int) (float64, error) {
	runtime.GC()
	path := "/" + op
	begin := time.Now()
	for range times {
		l.client.get(path, l.cookies[l.random.IntN(len(l.cookies))])
		if l.client.status() != http.StatusOK {
			break
		}
	}
	took := time.Since(begin)
	n, err := strconv.Atoi(l.client.body())
	if l.client.status() != http.StatusOK || err != nil || n < first {
		return 0, fmt.Errorf("%s: the answer is %d %q", op, l.client.status(), l.client.body())
	}
	return float64(took.Nanoseconds()) / float64(times), nil
}

// plainMap is what a lookup among as many records costs anybody: a map with a record's size of bytes under each hash.
type plainMap struct {
	records map[[32]byte][]byte
	ids     [][32]byte
	random  *rand.Rand
}

func openMap(records int) *plainMap {
	m := &plainMap{make(map[[32]byte][]byte, records), make([][32]byte, records), fixed()}
	for i := range m.ids {
		copy(m.ids[i][:], key(32))
		m.records[m.ids[i]] = make([]byte, rawSize)
	}
	return m
}

// serve reads a record's first byte, or replaces the record.
func (m *plainMap) serve(op string, times int) float64 {
	runtime.GC()
	sum := 0
	begin := time.Now()
	for range times {
		id := &m.ids[m.random.IntN(len(m.ids))]
		if op == "write" {
			m.records[*id] = make([]byte, rawSize)
		} else {
			sum += int(m.records[*id][0])
		}
	}
	took := time.Since(begin)
	runtime.KeepAlive(sum)
	return float64(took.Nanoseconds()) / float64(times)
}

// expired is a memory store of so many records whose time is over.
func expired(records int, end time.Time) (*memstore.Store, error) {
	s := memstore.New()
	data := make([]byte, rawSize)
	for range records {
		r := session.Record{Version: 1, Data: data, Seen: end.Add(-time.Hour), Expires: end}
		copy(r.ID[:], key(32))
		if err := s.Create(background, r); err != nil {
			return nil, err
		}
	}
	return s, nil
}
