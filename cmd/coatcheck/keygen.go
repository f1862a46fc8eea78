package main

import (
	"fmt"

	session "github.com/coatcheck/coatcheck/core"
)

// keygen prints a key and nothing else, so that its output can go straight into a variable or a secret store.
type keygen struct {
	Name string `default:"${today}" help:"${keygenNameHelp}" placeholder:"NAME"`
}

// Help is what "coatcheck keygen --help" says below the summary.
func (keygen) Help() string {
	return `Keep the key secret and give it to the program, for instance in the environment variable COATCHECK_KEYS.

To rotate, put a new key in front of the old one, with a comma between them: NEW,OLD. The first key seals, and all of
them open. Where several servers run, deploy OLD,NEW first, so that each can open what the others seal. Drop the old
key once the absolute timeout has passed.`
}

// Run is called by kong.
func (k keygen) Run(c *console) error {
	key, err := session.GenerateKey(k.Name)
	if err != nil {
		return usageError(fmt.Sprintf("--name %s: use 1 to 32 letters, digits, '-', '_' or '.'", printable(k.Name)))
	}
	if _, err := fmt.Fprintln(c.stdout, key); err != nil {
		return fmt.Errorf("keygen: %w", err)
	}
	return nil
}
