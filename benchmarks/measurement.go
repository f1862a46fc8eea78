package main

import "regexp"

// measurement is one kind of measuring. Each has a file of its own; measurements lists them.
type measurement interface {
	name() string          // a word, with which its cases' names begin
	about() string         // what it does, for the report
	cases() []string       // what -list prints and -only chooses from
	steps(s selection) int // how often run will call step
	run(s selection, step func()) (result, error)
}

// measurements are run in this order.
var measurements = []measurement{inProcess{}, overHTTP{}, stores{}, scale{}}

// selection is what the command line asks for.
type selection struct {
	quick bool           // what takes longer is left out or done less often
	only  *regexp.Regexp // nil: everything
}

func (s selection) wants(name string) bool { return s.only == nil || s.only.MatchString(name) }

// row is one figure of the JSON file.
type row struct {
	Framework string  `json:"framework"`
	Op        string  `json:"op"`
	Library   string  `json:"library"`
	Carrier   string  `json:"carrier"`
	Time      float64 `json:"ns_per_op"`
	Bytes     uint64  `json:"bytes_per_op"`
	Allocs    uint64  `json:"allocs_per_op"`
}

// result is what a measurement has found out.
type result struct {
	rows     []row
	tables   []table
	plots    []plot
	verdicts []verdict
}

// table has a title and, of each line, the first cell as its name; the others are figures.
type table struct {
	title string
	head  []string
	lines [][]string
}

// verdict is a floor of the design's budget and how far above it the measured figure is.
type verdict struct {
	subject  string // the framework, or what else the floor is about
	floor    string // what is demanded
	measured string
	met      bool
}
