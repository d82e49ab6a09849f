package checks

import (
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var fileStates = []string{"new", "changed", "as before", "gone"}

// A chapter's table of files, whose header starts with "File", says of each
// whether it is new, changed, as before, or gone.
func TestFilesTables(t *testing.T) {
	t.Parallel()
	for i, c := range chapters {
		before := ""
		if i > 0 {
			before = chapters[i-1].dir
		}
		path := filepath.Join(c.dir, "README.md")
		text, there := readIfThere(t, path)
		if !there {
			t.Errorf("%s is missing", path)
			continue
		}
		p := parsePage(path, lines(text))
		for _, tab := range p.tables() {
			if strings.HasPrefix(strings.ToLower(tab.rows[0][0]), "file") {
				checkFilesTable(t, p, tab, before, c.dir)
			}
		}
	}
}

func checkFilesTable(t *testing.T, p page, tab table, before, now string) {
	t.Helper()
	unlisted := make(map[string]bool)
	for _, name := range goFiles(t, now) {
		unlisted[name] = true
	}
	for i, row := range tab.rows[2:] {
		at := p.at(tab.line + 2 + i)
		said := slices.IndexFunc(row, func(cell string) bool { return slices.Contains(fileStates, cell) })
		if said < 0 {
			t.Errorf("%s: no cell says one of %q", at, fileStates)
			continue
		}
		for _, name := range regexp.MustCompile(`\w+\.go\b`).FindAllString(codeNames(row[0]), -1) {
			delete(unlisted, name)
			if is := fileState(t, before, now, name); is != row[said] {
				t.Errorf("%s: %s is not %s but %s", at, name, row[said], is)
			}
		}
	}
	if len(unlisted) > 0 {
		t.Errorf("%s: the table lacks %q", p.at(tab.line), slices.Sorted(maps.Keys(unlisted)))
	}
}

// codeNames takes the targets out of links, so that a name stands only once.
func codeNames(cell string) string { return linkText.ReplaceAllString(cell, "$1") }

func fileState(t *testing.T, before, now, name string) string {
	t.Helper()
	var old, text string
	var had, has bool
	if before != "" {
		old, had = readIfThere(t, filepath.Join(before, name))
	}
	text, has = readIfThere(t, filepath.Join(now, name))
	switch {
	case !had && has:
		return "new"
	case had && !has:
		return "gone"
	case had && old == text:
		return "as before"
	case had:
		return "changed"
	}
	return "not there"
}

// The table of chapters in README.md says how many lines each has, to the
// nearest ten or so, how many polls ten requests cost, and how many minutes it
// takes to read.
func TestChaptersTable(t *testing.T) {
	t.Parallel()
	text, there := readIfThere(t, "README.md")
	if !there {
		t.Fatal("README.md is missing")
	}
	p := parsePage("README.md", lines(text))
	tabs := slices.DeleteFunc(p.tables(), func(tab table) bool {
		return tab.column("lines") < 0 || tab.column("polls") < 0
	})
	if len(tabs) != 1 {
		t.Fatalf("README.md has %d tables with columns for lines and polls, want 1", len(tabs))
	}
	tab := tabs[0]
	reading := make(map[string]int) // minutes, by chapter
	for _, p := range readingOrder(t)[1:] {
		reading[filepath.Dir(p.path)] += minutes(p)
	}
	for _, c := range chapters {
		i := slices.IndexFunc(tab.rows, func(row []string) bool { return strings.Contains(strings.Join(row, " "), c.dir) })
		if i < 0 {
			t.Errorf("%s: no row has a link to %s", p.at(tab.line), c.dir)
			continue
		}
		at, row := p.at(tab.line+i), tab.rows[i]
		if said, is := firstNumber(row[tab.column("lines")]), chapterLines(t, c); abs(said-is) > max(10, is/50) {
			t.Errorf("%s: %s has %d lines, not %d", at, c.dir, is, said)
		}
		if said, is := firstNumber(row[tab.column("min.")]), reading[c.dir]; said != is {
			t.Errorf("%s: the pages of %s say %d minutes, not %d", at, c.dir, is, said)
		}
		if said := firstNumber(row[tab.column("polls")]); said < c.polls[0] || said > c.polls[1] {
			t.Errorf("%s: %d polls are not within the bounds of %s, %v", at, said, c.dir, c.polls)
		}
	}
}

// firstNumber returns 0 if a cell has no number.
func firstNumber(cell string) int {
	v, _ := value(number.FindString(cell))
	return int(v)
}

func abs(n int) int { return max(n, -n) }
