package main

import (
	"bytes"
	"fmt"
	"html"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A chart is a picture about one claim. It has groups of bars, which run from left
// to right, and a group shows one figure of every program that has it.
type chart struct {
	file, title string
	groups      []group
}

type group struct {
	name                 string
	experiment, quantity string
	scale                scale
}

// A wide scale is linear, too, unless the values differ so much that you couldn't
// see the shortest bar beside the longest. Then it's logarithmic.
type scale bool

const (
	linear scale = false
	wide   scale = true
)

var charts = []chart{
	{"echo.svg", "Echo: messages per second, one processor", []group{
		{"1 connection", "echo, 1 connection", "messages/s", linear},
		{"64 connections", "echo, 64 connections", "messages/s", linear},
		{"1,000 connections", "echo, 1,000 connections", "messages/s", linear},
	}},
	{"get.svg", "10,000 requests at once, one processor", []group{
		{"ms beyond the server's delay", "get, 10,000 at once", "ms beyond the delay", linear},
		{"CPU µs per request", "get, 10,000 at once", "CPU µs/request", linear},
		{"peak MiB", "get, 10,000 at once", "peak MiB", linear},
	}},
	{"tasks.svg", "Tasks and timers: ns each, one processor", []group{
		{"spawn, one at a time", "spawn, one at a time", "ns", linear},
		{"spawn, 1,000 at a time", "spawn, 1,000 at a time", "ns", linear},
		{"yield among 1,000", "yield, 1,000 tasks", "ns", linear},
		{"timer, set and fire: CPU time", "timer", "CPU ns", linear},
	}},
	{"memory.svg", "Memory while nothing happens: bytes each", []group{
		{"sleeping task", "sleep, 1,000,000 tasks", "bytes each", wide},
		{"idle echo connection", "idle, echo", "bytes each", wide},
		{"idle serve connection", "idle, serve", "bytes each", wide},
	}},
	{"serve.svg", "Web server: requests/s, one processor", []group{
		{"wrk, 64 connections", "serve, wrk", "requests/s", linear},
	}},
	{"chapters.svg", "Ten requests, chapter by chapter", []group{
		{"polls", "chapters", "polls", wide},
		{"CPU ms", "chapters", "CPU ms", linear},
	}},
}

// rows returns the figures of a group: those of the chapters in their order, and
// elsewhere one for each column of the goals.
func (d *data) rows(g group) (rows []*series) {
	if g.experiment == "chapters" {
		for _, s := range d.Series {
			if s.Experiment == g.experiment && s.Quantity == g.quantity {
				rows = append(rows, s)
			}
		}
		return rows
	}
	for _, c := range columns {
		if s := d.inColumn(c.name, g.experiment, g.quantity); s != nil {
			rows = append(rows, s)
		}
	}
	return rows
}

// draw makes the pictures of the page, and updates its tables.
func draw(path, dir string) error {
	d, err := load(path)
	if err != nil {
		return err
	}
	for _, c := range charts {
		if !slices.ContainsFunc(c.groups, func(g group) bool { return d.rows(g) != nil }) {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, "pictures", c.file), []byte(d.svg(c)), 0o666); err != nil {
			return err
		}
	}
	return fillPage(filepath.Join(dir, "MEASURED.md"), path)
}

// fillPage updates the tables of the page. Each one is the transcript of the
// command that shows it.
func fillPage(page, path string) error {
	text, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	inTable := false
	for line := range strings.Lines(string(text)) {
		name, command := strings.CutPrefix(line, "$ go run ./internal/measure show ")
		inTable = inTable && !strings.HasPrefix(line, "```") || command
		if command || !inTable {
			b.WriteString(line)
		}
		if command {
			if err := show(&b, path, strings.TrimSpace(name)); err != nil {
				return err
			}
		}
	}
	return os.WriteFile(page, b.Bytes(), 0o666)
}

// The colors are readable on a light and on a dark background.
const (
	svgHead = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 350 %d" width="525" role="img" aria-label="%s">
<style>
text { font: 12px sans-serif; fill: #7a7f87 }
.title { font-weight: bold; font-size: 13px }
.group { font-weight: bold }
rect { fill: #8a94a3 }
.ours { fill: #2f81d8 }
</style>
`
	labels, longest, lineHeight = 118, 170, 20 // in pixels; a phone shows 350 or so
)

// svg draws a chart. A group that hasn't been measured is left out.
func (d *data) svg(c chart) string {
	var b strings.Builder
	y := 20
	fmt.Fprintf(&b, "<text class=\"title\" x=\"2\" y=\"%d\">%s</text>\n", y, html.EscapeString(c.title))
	for _, g := range c.groups {
		rows := d.rows(g)
		if rows == nil {
			continue
		}
		name, log := g.name, d.logarithmic(c, g.quantity)
		width := widths(rows, log)
		if log {
			name += ", in powers of ten"
		}
		y += lineHeight * 3 / 2
		fmt.Fprintf(&b, "<text class=\"group\" x=\"2\" y=\"%d\">%s</text>\n", y, html.EscapeString(name))
		for _, s := range rows {
			y += lineHeight
			class := ""
			if s.Program == ours {
				class = ` class="ours"`
			}
			v := s.median()
			fmt.Fprintf(&b, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n", labels-6, y, html.EscapeString(s.Program))
			fmt.Fprintf(&b, "<rect%s x=\"%d\" y=\"%d\" width=\"%.0f\" height=\"14\"/>\n", class, labels, y-11, width(v))
			fmt.Fprintf(&b, "<text x=\"%.0f\" y=\"%d\">%s</text>\n", labels+width(v)+6, y, digits(v))
		}
	}
	return fmt.Sprintf(svgHead, y+20, html.EscapeString(c.title)) + b.String() + "</svg>\n"
}

// widths returns how long the bar of a value is.
func widths(rows []*series, log bool) func(v float64) float64 {
	_, largest := limits(rows)
	if log {
		return func(v float64) float64 { return longest * math.Log10(max(v, 1)) / math.Log10(max(largest, 10)) }
	}
	return func(v float64) float64 { return longest * v / largest }
}

// logarithmic reports whether the values of a wide group differ by more than a factor
// of 50. Then all groups of that quantity are logarithmic, or you'd compare bars that
// can't be compared.
func (d *data) logarithmic(c chart, quantity string) bool {
	return slices.ContainsFunc(c.groups, func(g group) bool {
		least, largest := limits(d.rows(g))
		return g.quantity == quantity && g.scale == wide && largest > 50*least
	})
}

func limits(rows []*series) (least, largest float64) {
	least = math.Inf(1)
	for _, s := range rows {
		least, largest = min(least, s.median()), max(largest, s.median())
	}
	return least, largest
}
