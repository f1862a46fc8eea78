package shop

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxItems      = 100
	maxItemLength = 100 // in characters
)

func (v *visit) home() (Response, error)    { return v.show("home") }
func (v *visit) cart() (Response, error)    { return v.show("cart") }
func (v *visit) history() (Response, error) { return v.show("history") }

// item is the field that the cart's forms have.
func (v *visit) item() (string, error) {
	item := strings.TrimSpace(v.fields["item"])
	if item == "" {
		return "", Error{Status: http.StatusUnprocessableEntity, text: "error.item"}
	}
	if utf8.RuneCountInString(item) > maxItemLength || strings.ContainsFunc(item, unicode.IsControl) {
		return "", Error{Status: http.StatusUnprocessableEntity, text: "error.itemlength", args: []any{maxItemLength}}
	}
	return item, nil
}

// addToCart tries on the cart as it is when the change is saved, so that requests which overlap lose nothing.
func (v *visit) addToCart() (Response, error) {
	item, err := v.item()
	if err != nil {
		return Response{}, err
	}
	err = cart.Try(v.s, func(items []string) ([]string, error) {
		if len(items) >= maxItems {
			return nil, Error{Status: http.StatusConflict, text: "error.full", args: []any{maxItems}}
		}
		return append(items, item), nil
	})
	if err != nil {
		return Response{}, err
	}
	v.tell("flash.added", v.app.texts.product(v.language(), item))
	return v.done("/cart")
}

func (v *visit) removeFromCart() (Response, error) {
	item, err := v.item()
	if err != nil {
		return Response{}, err
	}
	err = cart.Try(v.s, func(items []string) ([]string, error) {
		i := slices.Index(items, item)
		if i < 0 {
			return nil, Error{Status: http.StatusNotFound, text: "error.notincart"}
		}
		return slices.Delete(items, i, i+1), nil
	})
	if err != nil {
		return Response{}, err
	}
	return v.done("/cart")
}

func (v *visit) clearCart() (Response, error) {
	if len(cart.Get(v.s)) > 0 {
		cart.Update(v.s, func([]string) []string { return nil })
	}
	return v.done("/cart")
}

var errCartChanged = errors.New("the cart is not the one that was ordered")

// checkout orders exactly what the visitor saw. If another request changed the cart meanwhile, it is a conflict.
func (v *visit) checkout() (Response, error) {
	ordered := cart.Get(v.s)
	if len(ordered) == 0 {
		return Response{}, Error{Status: http.StatusConflict, text: "error.empty"}
	}
	err := cart.Try(v.s, func(items []string) ([]string, error) {
		if !slices.Equal(items, ordered) {
			return nil, errCartChanged
		}
		return nil, nil
	})
	if err != nil {
		return Response{}, err
	}
	v.tell("flash.checkout", v.app.texts.count(v.language(), "items", len(ordered)))
	return v.done("/cart")
}
