package main

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// completion prints a script for a shell.
type completion struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help is what "coatcheck completion --help" says below the summary.
func (completion) Help() string {
	return `In bash: source <(coatcheck completion bash), in ~/.bashrc for instance. In zsh: coatcheck completion zsh to
a file _coatcheck in a directory of $fpath. In fish: coatcheck completion fish to
~/.config/fish/completions/coatcheck.fish. It completes commands, flags and the values that flags choose from.`
}

// Run is called by kong.
func (k completion) Run(c *console, ctx *kong.Context) error {
	script := map[string]func(*kong.Node) string{"bash": bashScript, "zsh": zshScript, "fish": fishScript}[k.Shell]
	_, err := fmt.Fprint(c.stdout, script(ctx.Model.Node))
	return err
}

// words are the names of commands, or of the flags of one.
func commandNames(root *kong.Node) (names []string) {
	for _, command := range root.Children {
		names = append(names, command.Name)
	}
	return names
}

// flagsOf are a command's flags, with those that all have.
func flagsOf(command *kong.Node) (flags []*kong.Flag) {
	for _, group := range command.AllFlags(true) {
		flags = append(flags, group...)
	}
	return flags
}

// choices are what a flag or an argument is to be one of.
func choices(v *kong.Value) (all []string) {
	for _, choice := range v.EnumSlice() {
		if choice != "" {
			all = append(all, choice)
		}
	}
	return all
}

// argumentChoices are what a command's first argument is to be one of.
func argumentChoices(command *kong.Node) []string {
	if len(command.Positional) == 0 {
		return nil
	}
	return choices(command.Positional[0])
}

// bashScript completes a word by what the command before it takes.
func bashScript(root *kong.Node) string {
	var b strings.Builder
	b.WriteString("_coatcheck() {\n\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} " +
		"command=${COMP_WORDS[1]} words=\n\tif [ \"$COMP_CWORD\" = 1 ]; then\n\t\twords='" +
		strings.Join(commandNames(root), " ") + " --help --version'\n\telse case \"$command $before\" in\n")
	for _, command := range root.Children {
		for _, flag := range flagsOf(command) {
			switch all := choices(flag.Value); {
			case len(all) > 0:
				fmt.Fprintf(&b, "\t\t'%s --%s') words='%s';;\n", command.Name, flag.Name, strings.Join(all, " "))
			case !flag.IsBool():
				fmt.Fprintf(&b, "\t\t'%s --%s') ;;\n", command.Name, flag.Name)
			}
		}
	}
	for _, command := range root.Children {
		words := argumentChoices(command)
		for _, flag := range flagsOf(command) {
			words = append(words, "--"+flag.Name)
		}
		fmt.Fprintf(&b, "\t\t'%s '*) words='%s';;\n", command.Name, strings.Join(words, " "))
	}
	b.WriteString("\tesac; fi\n\tCOMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n}\n" +
		"complete -o default -F _coatcheck coatcheck\n")
	return b.String()
}

// zshScript describes each command to _arguments.
func zshScript(root *kong.Node) string {
	var b strings.Builder
	b.WriteString("#compdef coatcheck\nlocal -a commands\ncommands=(\n")
	for _, command := range root.Children {
		fmt.Fprintf(&b, "\t%s\n", quoteShell(command.Name+":"+command.Help))
	}
	b.WriteString(")\nif (( CURRENT == 2 )); then\n\t_describe command commands\n\treturn\nfi\n" +
		"case $words[2] in\n")
	for _, command := range root.Children {
		fmt.Fprintf(&b, "%s)\n\tshift words; (( CURRENT-- ))\n\t_arguments", command.Name)
		if all := argumentChoices(command); len(all) > 0 {
			fmt.Fprintf(&b, " \\\n\t\t%s", quoteShell("1: :("+strings.Join(all, " ")+")"))
		}
		for _, flag := range flagsOf(command) {
			fmt.Fprintf(&b, " \\\n\t\t%s", quoteShell(zshFlag(flag)))
		}
		b.WriteString("\n\t;;\n")
	}
	b.WriteString("esac\n")
	return b.String()
}

func zshFlag(flag *kong.Flag) string {
	help := strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`, ":", `\:`).Replace(firstSentence(flag.Help))
	text := "--" + flag.Name + "[" + help + "]"
	switch all := choices(flag.Value); {
	case len(all) > 0:
		text += ":" + flag.Name + ":(" + strings.Join(all, " ") + ")"
	case !flag.IsBool():
		text += ":" + flag.Name + ": "
	}
	return text
}

// fishScript has a line for each command and each flag.
func fishScript(root *kong.Node) string {
	var b strings.Builder
	b.WriteString("complete -c coatcheck -f\n")
	for _, command := range root.Children {
		fmt.Fprintf(&b, "complete -c coatcheck -n __fish_use_subcommand -a %s -d %s\n", command.Name,
			quoteShell(command.Help))
		within := "-n '__fish_seen_subcommand_from " + command.Name + "'"
		if all := argumentChoices(command); len(all) > 0 {
			fmt.Fprintf(&b, "complete -c coatcheck %s -a %s\n", within, quoteShell(strings.Join(all, " ")))
		}
		for _, flag := range flagsOf(command) {
			fmt.Fprintf(&b, "complete -c coatcheck %s -l %s -d %s", within, flag.Name, quoteShell(firstSentence(flag.Help)))
			switch all := choices(flag.Value); {
			case len(all) > 0:
				fmt.Fprintf(&b, " -x -a %s", quoteShell(strings.Join(all, " ")))
			case !flag.IsBool():
				b.WriteString(" -x")
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}

func firstSentence(s string) string {
	first, _, _ := strings.Cut(s, ". ")
	return strings.TrimSuffix(first, ".")
}

// quoteShell writes a text so that all three shells take it for one word.
func quoteShell(s string) string { return "'" + strings.ReplaceAll(s, "'", "’") + "'" }
