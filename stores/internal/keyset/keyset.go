// Package keyset is how stores walk through their records in the order of their keys, page by page. A page begins at a
// place between two keys, so it stays the same place whatever comes and goes.
package keyset

import (
	"bytes"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
)

// errForeign does not repeat the cursor, which may be anybody's text.
var errForeign = errors.New("the cursor is none that this store has made: begin the walk anew, without one")

// Parse returns the least key that a page may have. mark is what all the store's cursors begin with, and "" is the
// cursor of the first page.
func Parse[K ~[32]byte](mark, cursor string) (from K, err error) {
	if cursor == "" {
		return from, nil
	}
	text, ok := strings.CutPrefix(cursor, mark)
	if !ok || text == "" || len(text) > 2*len(from) {
		return from, errForeign
	}
	place, err := hex.DecodeString(text)
	if err != nil || hex.EncodeToString(place) != text || place[len(place)-1] == 0 {
		return from, errForeign
	}
	copy(from[:], place)
	return from, nil
}

// Cursor is that of the page which begins with first and follows one that ends with last. It has as much of first as
// tells the two apart, and nothing else of what is stored.
func Cursor[K ~[32]byte](mark string, last, first K) string {
	same := 0
	for last[same] == first[same] {
		same++
	}
	return mark + hex.EncodeToString(first[:same+1])
}

// Split divides keys in their order, of which there may be one more than limit, into a page and the cursor of the next.
func Split[K ~[32]byte](mark string, keys []K, limit int) (page []K, next string) {
	if len(keys) <= limit {
		return keys, ""
	}
	return keys[:limit], Cursor(mark, keys[limit-1], keys[limit])
}

// Page picks the keys of a page from all that it is offered: the least ones that are not below From.
type Page[K ~[32]byte] struct {
	From  K
	Limit int

	keys []K
	full bool // keys from the last one on are of later pages
}

// Offer takes a key if it may be the page's.
func (p *Page[K]) Offer(key K) {
	if compare(key, p.From) < 0 || p.full && compare(key, p.keys[p.Limit]) >= 0 {
		return
	}
	p.keys = append(p.keys, key)
	if len(p.keys) > 2*p.Limit+1 {
		p.cut()
	}
}

// cut leaves the page's keys and the first one of the next page, once each.
func (p *Page[K]) cut() {
	slices.SortFunc(p.keys, compare[K])
	p.keys = slices.Compact(p.keys)
	if len(p.keys) > p.Limit {
		p.keys, p.full = p.keys[:p.Limit+1], true
	}
}

// Full reports whether no key above those that were offered can be on the page.
func (p *Page[K]) Full() bool {
	p.cut()
	return p.full
}

// End returns the page in order, and the cursor of the next one.
func (p *Page[K]) End(mark string) (page []K, next string) {
	p.cut()
	return Split(mark, p.keys, p.Limit)
}

func compare[K ~[32]byte](a, b K) int { return bytes.Compare(a[:], b[:]) }
