package session_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/soak"
)

// tabs is one browser with two tabs, which ask for pages that add and take messages, in whatever order chance gives.
type tabs struct {
	*world
	t        *testing.T
	random   *rand.Rand
	cookie   string
	open     [2]*visit
	showing  [2][]string // by the page that is open in a tab
	promised [2][]string // by the page that is open in a tab
	added    []string    // what was answered as added
	shown    map[string]int
}

// step opens a page in a tab that has none, and otherwise lets it do something or end.
func (b *tabs) step(tab int) {
	v := b.open[tab]
	switch n := b.random.IntN(5); {
	case v == nil:
		b.open[tab] = begin(b.t, b.Manager, b.cookie)
		b.open[tab].Exists()
	case n == 0:
		text := fmt.Sprint(b.random.Uint64())
		notices.Add(v.Session, text)
		b.promised[tab] = append(b.promised[tab], text)
	case n == 1:
		b.showing[tab] = append(b.showing[tab], notices.Take(v.Session)...)
	case n == 2 && b.random.IntN(20) == 0:
		v.Renew()
	default:
		b.end(tab)
	}
}

func (b *tabs) end(tab int) {
	v := b.open[tab]
	b.cookie = v.finish().succeeded().next(b.cookie)
	for _, text := range b.showing[tab] {
		b.shown[text]++
	}
	b.added = append(b.added, b.promised[tab]...)
	b.open[tab], b.showing[tab], b.promised[tab] = nil, nil, nil
}

func TestTwoTabsLoseNoMessage(t *testing.T) {
	pages := soak.Size(300, 20_000)
	if testing.Short() {
		pages = 100
	}
	for seed := range uint64(5) {
		w := newWorld(t, session.Options{})
		b := &tabs{world: w, t: t, random: rand.New(rand.NewPCG(seed, 28)), shown: map[string]int{}}
		b.cookie = w.start(t)
		for range 8 * pages { // about four steps make a page
			b.step(b.random.IntN(2))
			if b.open[0] != nil && b.open[1] != nil && b.random.IntN(100) == 0 {
				b.end(0)
				b.end(1)
			}
		}
		for tab, v := range b.open {
			if v != nil {
				b.end(tab)
			}
		}
		for _, text := range b.shownBy(t, b.cookie) {
			b.shown[text]++
		}
		for _, text := range b.added {
			if b.shown[text] == 0 {
				t.Fatalf("seed %d: a message was lost", seed)
			}
		}
		if len(b.added) < pages/2 || !w.saw(session.ReasonMerged) || !w.saw(session.ReasonFollowed) {
			t.Fatalf("seed %d: %d messages: too little happened to prove anything", seed, len(b.added))
		}
		wantNotices(t, "at the end", w.peek(t, b.cookie))
	}
}

func (w *world) shownBy(t *testing.T, cookie string) (found []string) {
	t.Helper()
	w.read(t, cookie, func(s *session.Session) { found = notices.Take(s) }).succeeded()
	return found
}
