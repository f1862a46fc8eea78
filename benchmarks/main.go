// Benchmarks measures what sessions cost: coatcheck's and, on each framework, those that its users would take today.
//
//	go run ./benchmarks                     measure everything, print tables and write report.html
//	go run ./benchmarks -quick              within a minute
//	go run ./benchmarks -json FILE          write the figures of the requests too
//	go run ./benchmarks -only op=read       only the cases whose names match
//	go run ./benchmarks -list               the names of all cases
//
// The tables go to standard output, everything else to standard error. The exit status is 0 when everything that was
// measured has worked, whatever the figures are, 1 when something failed, and 2 for a wrong command line.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/schollz/progressbar/v3"
)

func main() {
	if asked() {
		os.Exit(visitors(os.Stdin, os.Stdout))
	}
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// settings are the command line.
type settings struct {
	selection
	json, html string
	list       bool
}

// run is main without the process around it: it returns the exit status.
func run(args []string, stdout, stderr io.Writer) int {
	s, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case s.list:
		err = list(stdout)
	default:
		err = s.measure(args, stdout, stderr)
	}
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "benchmarks:", err) // there is nowhere left to say that this failed
		return 1
	}
	return 0
}

func parse(args []string, stderr io.Writer) (s settings, err error) {
	flags := flag.NewFlagSet("benchmarks", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.BoolVar(&s.quick, "quick", false, "end within a minute; the figures are rougher")
	flags.StringVar(&s.json, "json", "", "write the requests' figures to this `file`, as a JSON array")
	flags.StringVar(&s.html, "html", "report.html", "write the report to this `file`; empty: nowhere")
	flags.BoolVar(&s.list, "list", false, "print the names of all cases and measure nothing")
	flags.Func("only", "measure only the cases whose names match this regular `expression`", func(text string) error {
		s.only, err = regexp.Compile(text)
		return err
	})
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	if flags.NArg() > 0 {
		err := fmt.Errorf("%q is not understood; -help says what is", flags.Arg(0))
		_, _ = fmt.Fprintln(stderr, "benchmarks:", err)
		return s, err
	}
	return s, nil
}

func list(w io.Writer) error {
	var text strings.Builder
	for _, m := range measurements {
		for _, name := range m.cases() {
			fmt.Fprintln(&text, name)
		}
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// measure runs what is selected and writes all that comes of it.
func (s settings) measure(args []string, stdout, stderr io.Writer) error {
	r := report{Environment: environment(args, time.Now())}
	rows := []row{}
	for _, m := range measurements {
		steps := m.steps(s.selection)
		if steps == 0 {
			continue
		}
		found, err := m.run(s.selection, progress(stderr, m.name(), steps))
		if err != nil {
			return fmt.Errorf("%s: %w", m.name(), err)
		}
		r.Sections, rows = append(r.Sections, section{m, found}), append(rows, found.rows...)
	}
	if len(r.Sections) == 0 {
		return errors.New("nothing to measure: -list shows what -only can choose from")
	}
	if err := r.writeText(stdout); err != nil {
		return err
	}
	if s.html != "" {
		if err := write(s.html, r.writeHTML); err != nil {
			return err
		}
	}
	if s.json == "" {
		return nil
	}
	return write(s.json, func(w io.Writer) error {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(rows)
	})
}

// progress shows a bar where somebody is watching, and elsewhere a line now and then.
func progress(stderr io.Writer, name string, steps int) (step func()) {
	if f, ok := stderr.(*os.File); ok && isatty.IsTerminal(f.Fd()) {
		bar := progressbar.NewOptions(steps, progressbar.OptionSetWriter(f), progressbar.OptionSetDescription(name),
			progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(true),
			progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100*time.Millisecond))
		return func() { _ = bar.Add(1) } // a bar that cannot be drawn is no reason to stop
	}
	done, told := 0, 0
	return func() {
		if done++; done*10/steps > told {
			told = done * 10 / steps
			_, _ = fmt.Fprintf(stderr, "%s: %d0 %%\n", name, told)
		}
	}
}

func write(path string, content func(io.Writer) error) (err error) {
	f, err := os.Create(path) //nolint:gosec // where the user wants it
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return content(f)
}
