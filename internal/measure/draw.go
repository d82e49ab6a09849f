package main

import (
	"bytes"
	"fmt"
	"html"
	"math"
	"os"
	"path/filepath"
	"strings"
)

// A chart has groups of bars, which run from left to right.
type chart struct {
	title  string
	groups []group
}

type group struct {
	name string
	log  bool // on a logarithmic scale
	rows []row
}

type row struct {
	label string
	value float64
}

// draw makes the pictures of the page, and updates its tables.
func draw(path, dir string) error {
	d, err := load(path)
	if err != nil {
		return err
	}
	for name, c := range map[string]chart{"chapters.svg": d.chapters(), "echo.svg": d.echo()} {
		if err := os.WriteFile(filepath.Join(dir, "pictures", name), []byte(c.svg()), 0o666); err != nil {
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

func (d *data) chapters() chart {
	c := chart{title: "Ten requests, chapter by chapter"}
	for _, q := range []string{"polls", "CPU ms"} {
		g := group{name: q, log: q == "polls"}
		if g.log {
			g.name += ", on a scale of powers of ten"
		}
		for _, s := range d.Series {
			if s.Experiment == "chapters" && s.Quantity == q {
				g.rows = append(g.rows, row{s.Program, s.median()})
			}
		}
		c.groups = append(c.groups, g)
	}
	return c
}

func (d *data) echo() chart {
	c := chart{title: "Echo: messages per second, one processor"}
	for _, experiment := range []string{"echo, 1 connection", "echo, 64 connections", "echo, 1,000 connections"} {
		g := group{name: strings.TrimPrefix(experiment, "echo, ")}
		for _, program := range []string{"Go's net", ours, "tokio", "epoll loop in C"} {
			if s := d.find(experiment, program, "messages/s"); s != nil {
				g.rows = append(g.rows, row{program, s.median()})
			}
		}
		c.groups = append(c.groups, g)
	}
	return c
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

func (c chart) svg() string {
	var b strings.Builder
	y := 20
	fmt.Fprintf(&b, "<text class=\"title\" x=\"2\" y=\"%d\">%s</text>\n", y, html.EscapeString(c.title))
	for _, g := range c.groups {
		y += lineHeight * 3 / 2
		fmt.Fprintf(&b, "<text class=\"group\" x=\"2\" y=\"%d\">%s</text>\n", y, html.EscapeString(g.name))
		for _, r := range g.rows {
			y += lineHeight
			class := ""
			if r.label == ours {
				class = ` class="ours"`
			}
			width := g.width(r.value)
			fmt.Fprintf(&b, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n", labels-6, y, html.EscapeString(r.label))
			fmt.Fprintf(&b, "<rect%s x=\"%d\" y=\"%d\" width=\"%.0f\" height=\"14\"/>\n", class, labels, y-11, width)
			fmt.Fprintf(&b, "<text x=\"%.0f\" y=\"%d\">%s</text>\n", labels+width+6, y, digits(r.value))
		}
	}
	return fmt.Sprintf(svgHead, y+20, html.EscapeString(c.title)) + b.String() + "</svg>\n"
}

func (g group) width(v float64) float64 {
	largest := 0.0
	for _, r := range g.rows {
		largest = max(largest, r.value)
	}
	if g.log {
		v, largest = math.Log10(max(v, 1)), math.Log10(max(largest, 10))
	}
	return longest * v / largest
}
