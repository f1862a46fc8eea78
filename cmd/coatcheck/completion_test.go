package main

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestBashCompletes lets bash itself complete.
func TestBashCompletes(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash")
	}
	_, script, _ := call("completion", "bash")
	for line, want := range map[string]string{
		"re":                  "revoke revoke-all revoke-everybody",
		"list --so":           "--sort",
		"list --sort ":        "created last-seen expires",
		"list --sort l":       "last-seen",
		"schema --dialect p":  "postgres",
		"completion ":         "bash zsh fish --help --version",
		"list --limit ":       "",
		"copy --from x --m":   "--move",
		"revoke-everybody --": "--help --version --yes --store --json --timeout",
	} {
		words := strings.Split("coatcheck "+line, " ")
		ask := fmt.Sprintf("%s\nCOMP_WORDS=(%s) COMP_CWORD=%d\n_coatcheck\necho \"${COMPREPLY[*]}\"", script,
			"'"+strings.Join(words, "' '")+"'", len(words)-1)
		out, err := exec.CommandContext(t.Context(), bash, "-c", ask).CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != want {
			t.Errorf("%q: %q, want %q; %v", line, got, want, err)
		}
	}
}

// TestShellsKnowEveryCommand: also those shells that are not there to be asked.
func TestShellsKnowEveryCommand(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		status, script, stderr := call("completion", shell)
		if status != exitOK || stderr != "" {
			t.Fatal(status, stderr)
		}
		for _, word := range []string{"keygen", "revoke-everybody", "dry-run", "last-seen", "securecookie"} {
			if !strings.Contains(script, word) {
				t.Errorf("%s does not complete %s", shell, word)
			}
		}
		if path, err := exec.LookPath(shell); err == nil {
			c := exec.CommandContext(t.Context(), path, "-n")
			c.Stdin = strings.NewReader(script)
			if out, err := c.CombinedOutput(); err != nil || len(out) > 0 {
				t.Errorf("%s: %v %s", shell, err, out)
			}
		}
		if strings.Count(script, "'")%2 != 0 || slices.Contains(strings.Fields(script), "\x00") {
			t.Errorf("%s: the quotes do not match", shell)
		}
	}
	if status, _, _ := call("completion", "tcsh"); status != exitUsage {
		t.Error("an unknown shell is no mistake")
	}
}
