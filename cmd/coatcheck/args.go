package main

import (
	"errors"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"
)

const (
	// shortestSecret is the length from which an argument may be a secret, or a handle: one has 22 characters, a token 43.
	shortestSecret = 22
	// protection in front of an argument keeps its dash from the parser. No argument of a process contains it.
	protection = "\x00"
	// unrepeated stands where an argument was.
	unrepeated = "(not repeated here)"
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

// rewrite makes arguments what the parser understands: -store becomes --store, because flags may have one dash or
// two, and a handle or cookie that begins with a dash becomes a protected value.
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

// commandOf is the command that the arguments are for, or "". A flag in front of it is one of the mistakes there are.
func commandOf(root *kong.Node, args []string) string {
	for _, arg := range args {
		for _, command := range root.Children {
			if arg == command.Name {
				return arg
			}
		}
	}
	return ""
}

// withoutArguments removes from a usage error what may be a URL with a password, a cookie or a key in the wrong place.
func withoutArguments(err error, args []string) error {
	text := strings.ReplaceAll(err.Error(), protection, "")
	if before, _, found := strings.Cut(text, " or no but got "); found { // the value of a flag that is true or false
		text = before + " or no"
	}
	for _, arg := range args {
		_, value, _ := strings.Cut(arg, "=") // the parser may repeat a flag's value alone
		for _, part := range []string{arg, value} {
			if len(part) >= shortestSecret || strings.Contains(part, "://") {
				quoted := strconv.Quote(part)
				text = strings.ReplaceAll(text, part, unrepeated)
				text = strings.ReplaceAll(text, quoted[1:len(quoted)-1], unrepeated)
			}
		}
	}
	return errors.New(text)
}
