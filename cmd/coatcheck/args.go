package main

import (
	"errors"
	"strings"

	"github.com/alecthomas/kong"
)

const (
	// shortestSecret is the length from which an argument may be a secret, or a handle: one has 22 characters, a token 43.
	shortestSecret = 22
	// protection in front of an argument keeps its dash from the parser. No argument of a process contains it.
	protection = "\x00"
)

// argument is a positional argument, which may begin with a dash: handles and cookies are random.
type argument string

// Decode is called by kong.
func (a *argument) Decode(ctx *kong.DecodeContext) error {
	var text string
	err := ctx.Scan.PopValueInto("argument", &text)
	*a = argument(strings.TrimPrefix(text, protection))
	return err
}

// rewrite makes arguments what the parser understands: -store becomes --store, because flags may have one dash or two, and
// a handle or cookie that begins with a dash becomes a protected value.
func rewrite(args []string, flags map[string]bool) []string {
	rewritten := make([]string, 0, len(args))
	for i, arg := range args {
		bare := strings.TrimLeft(arg, "-")
		name, _, _ := strings.Cut(bare, "=")
		switch {
		case arg == "--":
			return append(rewritten, args[i:]...)
		case bare == arg:
		case flags[name]:
			arg = "--" + bare
		case len(arg) >= shortestSecret:
			arg = protection + arg
		}
		rewritten = append(rewritten, arg)
	}
	return rewritten
}

// flagNames are the long names of all flags there are.
func flagNames(node *kong.Node) map[string]bool {
	names := map[string]bool{}
	for _, flag := range node.Flags {
		names[flag.Name] = true
	}
	for _, child := range node.Children {
		for name := range flagNames(child) {
			names[name] = true
		}
	}
	return names
}

// withoutArguments removes from the parser's error what may be a URL with a password, a cookie or a key in the wrong place.
func withoutArguments(err error, args []string) error {
	text := strings.ReplaceAll(err.Error(), protection, "")
	for _, arg := range args {
		if len(arg) >= shortestSecret || strings.Contains(arg, "://") {
			text = strings.ReplaceAll(text, arg, "(not repeated here)")
		}
	}
	return errors.New(text)
}
