package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
)

// The names of programs in the tables that more than one place needs.
const (
	ours    = "06-full-runtime"
	inC     = "C"               // the work without a runtime
	loopInC = "epoll loop in C" // the same for echo, which is a server
)

// data is what take has measured, and on which machine.
type data struct {
	Machine []string
	Series  []*series
}

// series is one quantity of one program, with one value per round. In each round
// all programs of an experiment have their turn, so whatever else the machine did
// has hit all of them.
type series struct {
	Experiment string // "echo, 64 connections"
	Program    string // "06-full-runtime"
	Quantity   string // "messages/s"
	Rounds     []float64
}

func load(path string) (d data, err error) {
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &d)
	}
	return d, err
}

func (d *data) save(path string) error {
	text, err := json.MarshalIndent(d, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(joinRounds(text), '\n'), 0o666)
}

// joinRounds puts the numbers of a series on one line.
func joinRounds(text []byte) []byte {
	var b strings.Builder
	for i, part := range strings.Split(string(text), "\"Rounds\": [") {
		if i > 0 {
			numbers, rest, _ := strings.Cut(part, "]")
			part = "\"Rounds\": [" + strings.Join(strings.Fields(numbers), " ") + "]" + rest
		}
		b.WriteString(part)
	}
	return []byte(b.String())
}

// record adds the value of a round, rounded to four digits.
func (d *data) record(experiment, program, quantity string, v float64) {
	v, _ = strconv.ParseFloat(strconv.FormatFloat(v, 'g', 4, 64), 64)
	s := d.find(experiment, program, quantity)
	if s == nil {
		s = &series{Experiment: experiment, Program: program, Quantity: quantity}
		d.Series = append(d.Series, s)
	}
	s.Rounds = append(s.Rounds, v)
}

func (d *data) find(experiment, program, quantity string) *series {
	i := slices.IndexFunc(d.Series, func(s *series) bool {
		return s.Experiment == experiment && s.Program == program && s.Quantity == quantity
	})
	if i < 0 {
		return nil
	}
	return d.Series[i]
}

// forget drops the series of the chosen experiments, which will be taken again.
func (d *data) forget(chosen func(experiment string) bool) {
	d.Series = slices.DeleteFunc(d.Series, func(s *series) bool { return chosen(s.Experiment) })
}

func (s *series) median() float64 { return median(s.Rounds) }

// over returns the median of the ratios of s to other, round by round.
func (s *series) over(other *series) float64 {
	var ratios []float64
	for i := range min(len(s.Rounds), len(other.Rounds)) {
		ratios = append(ratios, s.Rounds[i]/other.Rounds[i])
	}
	return median(ratios)
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	if len(sorted) == 0 {
		return math.NaN()
	}
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

// distinct returns the values that f chooses, each once, in their first order.
func (d *data) distinct(f func(*series) (string, bool)) (all []string) {
	for _, s := range d.Series {
		if v, ok := f(s); ok && !slices.Contains(all, v) {
			all = append(all, v)
		}
	}
	return all
}

// digits formats a number with about three digits, and with commas in large ones.
func digits(v float64) string {
	switch {
	case v == math.Trunc(v) && v < 100:
		return fmt.Sprintf("%.0f", v)
	case v < 10:
		return fmt.Sprintf("%.2f", v)
	case v < 100:
		return fmt.Sprintf("%.1f", v)
	}
	text := fmt.Sprintf("%.0f", v)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
