package main

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// show prints the tables with names that start with name.
func show(w io.Writer, path, name string) error {
	d, err := load(path)
	if err != nil {
		return err
	}
	tables := []string{"machine", "goals", "choices"}
	tables = append(tables, d.distinct(func(s *series) (string, bool) {
		return s.Experiment, !strings.HasPrefix(s.Experiment, "choice, ")
	})...)
	tables = slices.DeleteFunc(tables, func(table string) bool { return !strings.HasPrefix(table, name) })
	for i, table := range tables {
		if i > 0 {
			fmt.Fprintln(w)
		}
		switch table {
		case "machine":
			for _, line := range d.Machine {
				fmt.Fprintln(w, line)
			}
		case "goals":
			d.showGoals(w)
		case "choices":
			d.showChoices(w)
		default:
			d.showExperiment(w, table)
		}
	}
	if len(tables) == 0 {
		err = fmt.Errorf("there's no table %q in %s", name, path)
	}
	return err
}

// showExperiment prints a row for each program, and after each figure the ratio
// of the first program's figure to it. Two quantities stand side by side, so that
// no line has more than 80 columns, or all of them if there are no ratios.
func (d *data) showExperiment(w io.Writer, name string) {
	in := func(s *series) bool { return s.Experiment == name }
	programs := d.distinct(func(s *series) (string, bool) { return s.Program, in(s) })
	compared := name != "chapters" && len(programs) > 1
	beside, width := 3, 17
	if compared {
		slices.SortStableFunc(programs, func(a, b string) int { return cmp.Compare(rank(a), rank(b)) })
		beside, width = 2, 19
	}
	quantities := d.distinct(func(s *series) (string, bool) { return s.Quantity, in(s) })
	for part := range slices.Chunk(quantities, beside) {
		fmt.Fprintf(w, "%-24s", name)
		for _, q := range part {
			fmt.Fprintf(w, " %*s", width, q)
			if compared {
				fmt.Fprintf(w, " %6s", "ratio")
			}
		}
		fmt.Fprintln(w)
		for _, p := range programs {
			d.showRow(w, name, p, part, width, programs[0], compared)
		}
	}
}

func (d *data) showRow(w io.Writer, name, program string, quantities []string, width int, first string, compared bool) {
	var line strings.Builder
	fmt.Fprintf(&line, "%-24s", program)
	for _, q := range quantities {
		s := d.find(name, program, q)
		if s == nil { // not every program has every quantity
			fmt.Fprintf(&line, " %*s", width, "")
			continue
		}
		fmt.Fprintf(&line, " %*s", width, digits(s.median()))
		if compared {
			fmt.Fprintf(&line, " %6s", ratio(d.find(name, first, q), s))
		}
	}
	fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
}

// rank sorts our program before the others.
func rank(program string) int {
	if program == ours {
		return 0
	}
	return 1
}

// ratio formats the ratio of a to b, or returns "" if there is none.
func ratio(a, b *series) string {
	v := a.over(b)
	if a == b || math.IsNaN(v) || math.IsInf(v, 0) {
		return ""
	}
	return fmt.Sprintf("%.2f", v)
}
