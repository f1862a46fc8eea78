package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"sync"
	"time"
)

// load is what the visitors' process is asked to do: each of its connections asks for a path over and over, one request
// at a time, and looks at every answer.
type load struct {
	Addr, Path string
	Cookies    []string // one for each connection
	Next       []int    // what each connection's next answer has to be
	Step       int      // what every answer adds to it
	Duration   time.Duration
}

// outcome is what came of it.
type outcome struct {
	Requests int
	Elapsed  time.Duration
	P50, P99 time.Duration // from the first byte of a request to the last of its answer
	Next     []int
	SetsACookie,
	SetsNone bool // of the connections' last answers
	Failure string
}

func (o outcome) rate() float64 { return float64(o.Requests) / o.Elapsed.Seconds() }

// outside are the visitors in a process of their own: with the server's heap and scheduler they would share its garbage
// collections, and what a library allocates would slow down the client too.
type outside struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	ask *json.Encoder
	out *json.Decoder
}

// calling is what tells a process of this program that it is the visitors'.
const calling = "COATCHECK_BENCHMARKS_VISITORS"

func asked() bool { return os.Getenv(calling) != "" }

func visitorsOutside() (*outside, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(program) //nolint:gosec // this one
	cmd.Env, cmd.Stderr = append(os.Environ(), calling+"=1"), os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	return &outside{cmd, in, json.NewEncoder(in), json.NewDecoder(out)}, cmd.Start()
}

// close ends the process, which ends with its input, also when this one is killed.
func (o *outside) close() error { return errors.Join(o.in.Close(), o.cmd.Wait()) }

func (o *outside) visit(l load) (found outcome, err error) {
	if err := o.ask.Encode(l); err != nil {
		return found, fmt.Errorf("the visitors' process: %w", err)
	}
	if err := o.out.Decode(&found); err != nil {
		return found, fmt.Errorf("the visitors' process: %w", err)
	}
	if found.Failure != "" {
		return found, errors.New(found.Failure)
	}
	return found, nil
}

// visitors is the other process: it does what comes in until nothing more does, and returns its exit status.
func visitors(in io.Reader, out io.Writer) int {
	ask, answer := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var l load
		if err := ask.Decode(&l); errors.Is(err, io.EOF) {
			return 0
		} else if err != nil {
			return 1
		}
		found, err := l.run()
		if err != nil {
			found = outcome{Failure: err.Error()}
		}
		if err := answer.Encode(found); err != nil {
			return 1
		}
	}
}

// run begins when all connections stand and each has had its first answer.
func (l load) run() (outcome, error) {
	list := make([]*connection, len(l.Cookies))
	for i, cookie := range l.Cookies {
		c, err := dial(l.Addr, l.Path, cookie, l.Next[i], l.Step)
		if err != nil {
			return outcome{}, err
		}
		defer func() { _ = c.close() }() // there is nothing more to come
		if err := c.get(); err != nil {
			return outcome{}, err
		}
		list[i] = c
	}
	begin := time.Now()
	errs := make([]error, len(list))
	var all sync.WaitGroup
	for i, c := range list {
		all.Go(func() { errs[i] = c.getUntil(begin.Add(l.Duration)) })
	}
	all.Wait()
	return summary(list, time.Since(begin)), errors.Join(errs...)
}

func summary(list []*connection, elapsed time.Duration) outcome {
	found := outcome{Elapsed: elapsed}
	var latencies []time.Duration
	for _, c := range list {
		latencies = append(latencies, c.latencies...)
		found.Next = append(found.Next, c.next)
		found.SetsACookie, found.SetsNone = found.SetsACookie || c.setsCookie, found.SetsNone || !c.setsCookie
	}
	slices.Sort(latencies)
	if found.Requests = len(latencies); found.Requests > 0 {
		found.P50, found.P99 = latencies[found.Requests/2], latencies[found.Requests*99/100]
	}
	return found
}
