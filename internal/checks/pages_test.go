package checks

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A page is a Markdown file. Its prose is the page with the lines of fences
// empty; prose[0] is line 1.
type page struct {
	path   string
	prose  []string
	fences []fence
}

type fence struct {
	language string
	above    string // the line of prose above, which names the file
	line     int    // number of the first line inside
	lines    []string
}

// at is a place as it stands at the head of a failure.
func (p page) at(line int) string { return fmt.Sprintf("%s:%d", p.path, line) }

// file finds the path of the Go file that a line names.
func (p page) file(line string) string {
	names := regexp.MustCompile(`[\w./-]+\.go\b`).FindAllString(line, -1)
	if names == nil {
		return ""
	}
	return filepath.Join(filepath.Dir(p.path), names[len(names)-1])
}

// pages reads all pages but those of the exercises, which have their own test.
func pages(t *testing.T) []page {
	t.Helper()
	return slices.DeleteFunc(allPages(t), func(p page) bool { return strings.HasPrefix(p.path, "exercises/") })
}

func allPages(t *testing.T) (all []page) {
	t.Helper()
	for _, path := range repositoryFiles(t, ".md") {
		text, _ := readIfThere(t, path)
		all = append(all, parsePage(path, lines(text)))
	}
	return all
}

func parsePage(path string, text []string) page {
	p := page{path: path}
	var open string // the ticks that opened a fence
	var above string
	for i, line := range text {
		trimmed := strings.TrimSpace(line)
		ticks := trimmed[:len(trimmed)-len(strings.TrimLeft(trimmed, "`"))]
		switch {
		case open == "" && len(ticks) >= 3:
			open = ticks
			p.fences = append(p.fences, fence{language: trimmed[len(ticks):], above: above, line: i + 2})
			line = ""
		case open != "" && trimmed == open:
			open, line = "", ""
		case open != "":
			last := &p.fences[len(p.fences)-1]
			last.lines = append(last.lines, line)
			line = ""
		case trimmed != "":
			above = trimmed
		}
		p.prose = append(p.prose, line)
	}
	return p
}

// A table's rows are its cells; the first row is its header.
type table struct {
	line int // of the header
	rows [][]string
}

func (p page) tables() []table {
	var all []table
	inside := false
	for i, line := range p.prose {
		row, isRow := strings.CutPrefix(strings.TrimSpace(line), "|")
		if isRow && !inside {
			all = append(all, table{line: i + 1})
		}
		if inside = isRow; !isRow {
			continue
		}
		var cells []string
		for _, cell := range strings.Split(strings.TrimSuffix(row, "|"), "|") {
			cells = append(cells, strings.TrimSpace(cell))
		}
		last := &all[len(all)-1]
		last.rows = append(last.rows, cells)
	}
	return all
}

// column returns the index of the column whose header has this word, or -1.
func (tab table) column(word string) int {
	return slices.IndexFunc(tab.rows[0], func(cell string) bool {
		return strings.Contains(strings.ToLower(cell), word)
	})
}

// number matches counts and durations.
var number = regexp.MustCompile(`(\d[\d,]*(\.\d+)?(ns|µs|ms|s|m|h))+\b|\d[\d,]*(\.\d+)?`)

func value(number string) (v float64, isDuration bool) {
	number = strings.ReplaceAll(number, ",", "")
	if d, err := time.ParseDuration(number); err == nil && number != "0" {
		return d.Seconds(), true
	}
	v, _ = strconv.ParseFloat(number, 64)
	return v, false
}
