package shop

import "slices"

// The shelf: what the shop sells, in the order it is shown, and for how many cents.
var (
	shelf  = []string{"bread", "cheese", "apple", "honey", "coffee", "tea", "lemon", "jam"}
	prices = map[string]int{
		"apple": 60, "bread": 380, "cheese": 540, "coffee": 790, "honey": 650, "jam": 420, "lemon": 80, "tea": 450,
	}
)

// product is something on the shelf as a visitor sees it.
type product struct{ Item, Name, About, Price string }

// Shelf is what the shop sells.
func (p page) Shelf() []product {
	lang := p.State.Language
	var all []product
	for _, item := range shelf {
		all = append(all, product{
			Item: item, Name: p.app.texts.product(lang, item),
			About: p.T("about." + item), Price: p.app.texts.price(lang, prices[item]),
		})
	}
	return all
}

// line is what the cart has of one item.
type line struct {
	Item, Name, Price string
	Count             int
	OnShelf           bool
}

// Lines are the cart's items, each once, in the order they came in.
func (p page) Lines() []line {
	var lines []line
	for _, item := range p.State.Cart {
		i := slices.IndexFunc(lines, func(l line) bool { return l.Item == item })
		if i < 0 {
			_, onShelf := prices[item]
			lines = append(lines, line{Item: item, Name: p.app.texts.product(p.State.Language, item), OnShelf: onShelf})
			i = len(lines) - 1
		}
		lines[i].Count++
		lines[i].Price = p.app.texts.price(p.State.Language, lines[i].Count*prices[item])
	}
	return lines
}

// Total is the price of what is on the shelf and in the cart.
func (p page) Total() string {
	cents := 0
	for _, item := range p.State.Cart {
		cents += prices[item]
	}
	return p.app.texts.price(p.State.Language, cents)
}

// Trail is the history, the latest page first.
func (p page) Trail() []string {
	trail := slices.Clone(p.State.History)
	slices.Reverse(trail)
	return trail
}

// Accounts are the names of those who can log in, for the admin's page.
func (p page) Accounts() []person {
	var people []person
	for name, a := range p.app.accounts.all() {
		people = append(people, person{name, a.role})
	}
	slices.SortFunc(people, func(a, b person) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return people
}

// person is somebody with an account.
type person struct{ Name, Role string }
