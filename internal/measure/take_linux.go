package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// An experiment repeats a round.
type experiment struct {
	name   string
	rounds int
	round  round
}

// A round records one value in each series of the experiment with that name.
type round func(l *lab, name string)

// take runs the chosen experiments, and writes the file after each of them.
func take(path string, rounds int, tokio bool, names []string) error {
	chosen := func(name string) bool {
		for _, prefix := range names {
			if strings.HasPrefix(name, prefix) {
				return true
			}
		}
		return len(names) == 0
	}
	l, err := newLab(tokio)
	if l != nil {
		defer os.RemoveAll(l.dir)
	}
	if err != nil {
		return err
	}
	if old, err := load(path); err == nil {
		l.Series = old.Series
	}
	for _, e := range experiments {
		if !chosen(e.name) {
			continue
		}
		l.forget(func(name string) bool { return name == e.name })
		start := time.Now()
		if rounds > 0 {
			e.rounds = rounds
		}
		for l.round = range e.rounds {
			e.round(l, e.name)
		}
		fmt.Printf("%s: %v\n", e.name, time.Since(start).Round(time.Millisecond))
		l.sort()
		if err := l.save(path); err != nil {
			return err
		}
	}
	return nil
}

// sort puts the series into the order of the experiments.
func (l *lab) sort() {
	place := func(s *series) int {
		return slices.IndexFunc(experiments, func(e experiment) bool { return e.name == s.Experiment })
	}
	slices.SortStableFunc(l.Series, func(a, b *series) int { return place(a) - place(b) })
}
