package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// An exercise is a folder below exercises/.
type exercise struct {
	name    string // such as 03-reactor/drain
	title   string // such as Drain under edge-triggering
	stars   string
	only    bool // the one to do if you do only one in this chapter: ◆
	minutes string
	file    string    // the file you edit, as its page says: Edit [drain.go](drain.go)
	saved   time.Time // when the file was written
	started bool      // the file isn't the one you were given
	outcome *outcome  // nil if it isn't known what the tests say
}

func (e *exercise) base() string    { return filepath.Base(e.name) }
func (e *exercise) chapter() string { return filepath.Dir(e.name) }
func (e *exercise) done() bool      { return e.outcome != nil && e.outcome.Passed }
func (e *exercise) dir() string     { return filepath.Join("exercises", filepath.FromSlash(e.name)) }
func (e *exercise) edited() string  { return filepath.Join(e.dir(), e.file) }
func (e *exercise) page() string    { return filepath.Join(e.dir(), "README.md") }

// kept is the path of a version in testdata: the stub, or the solution.
func (e *exercise) kept(version string) string {
	return filepath.Join("exercises", "testdata", filepath.FromSlash(e.name), version+filepath.Ext(e.file))
}

// look finds out what has become of the file since it was handed out.
func (e *exercise) look() {
	now, err := os.ReadFile(e.edited())
	stub, _ := os.ReadFile(e.kept("stub"))
	e.started = err != nil || !bytes.Equal(unixLines(now), unixLines(stub))
	if info, err := os.Stat(e.edited()); err == nil {
		e.saved = info.ModTime()
	}
}

// unixLines undoes what git may have done to the ends of lines on Windows.
func unixLines(text []byte) []byte { return bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")) }

// A collection is all exercises, in the order of the table in
// exercises/README.md, and what is remembered of them.
type collection struct {
	all    []*exercise
	record *record
}

var (
	// A row: | [Title](03-reactor/drain/README.md) ◆<br>what you write | ★★ | 20 |
	row    = regexp.MustCompile(`(?m)^\|\s*\[([^\]]*)\]\((\d\d-[\w-]+/[\w-]+)/README\.md\)([^|\n]*)\|\s*(★+)\s*\|\s*(\d*)`)
	edit   = regexp.MustCompile(`(?m)^Edit \[[^\]]*\]\(([\w.-]+)\)`)
	goLink = regexp.MustCompile(`\]\((\w+\.go)\)`)
)

// find reads the table, and the pages it links to.
func find() (*collection, error) {
	c := new(collection)
	table, err := os.ReadFile(filepath.Join("exercises", "README.md"))
	if err != nil {
		return nil, err
	}
	for _, m := range row.FindAllStringSubmatch(string(table), -1) {
		e := &exercise{title: m[1], name: m[2], only: strings.Contains(m[3], "◆"), stars: m[4], minutes: m[5]}
		page, err := os.ReadFile(e.page())
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		link := edit.FindSubmatch(page)
		if link == nil {
			link = goLink.FindSubmatch(page)
		}
		if err != nil || link == nil {
			return nil, fmt.Errorf("%s doesn't say which file to edit (%v)", e.page(), err)
		}
		e.file = string(link[1])
		e.look()
		c.all = append(c.all, e)
	}
	if len(c.all) == 0 {
		return nil, errors.New("exercises/README.md has no table of exercises")
	}
	c.record = readRecord()
	c.recall()
	return c, nil
}

// current is the exercise being worked on: the one edited or asked for last. On
// a fresh clone it's the first.
func (c *collection) current() *exercise {
	current, last := c.all[0], time.Time{}
	for _, e := range c.all {
		at := time.Time{} // a clone writes all files, so the time says nothing before you edit one
		if e.started {
			at = e.saved
		}
		if c.record.Opened == e.name && c.record.When.After(at) {
			at = c.record.When
		}
		if at.After(last) {
			current, last = e, at
		}
	}
	return current
}

// after is the next exercise that isn't done, from the one after e on, or nil.
func (c *collection) after(e *exercise, fits func(*exercise) bool) *exercise {
	i := slices.Index(c.all, e)
	for _, next := range slices.Concat(c.all[i+1:], c.all[:i]) {
		if !next.done() && fits(next) {
			return next
		}
	}
	return nil
}

func (c *collection) names() (names []string) {
	for _, e := range c.all {
		names = append(names, e.base())
	}
	return names
}

// short is how an exercise may be called: drain, or 03-reactor/drain if there
// are two of that name, or a command is called so.
func (c *collection) short(e *exercise) string {
	_, taken := commands[e.base()]
	for _, other := range c.all {
		taken = taken || other != e && other.base() == e.base()
	}
	if taken {
		return e.name
	}
	return e.base()
}

// chapter is the folder of the chapter called 03, 3 or 03-reactor, or "".
func (c *collection) chapter(name string) string {
	name = strings.Trim(filepath.ToSlash(name), "./")
	name = strings.TrimPrefix(name, "exercises/")
	for _, e := range c.all {
		number, _, _ := strings.Cut(e.chapter(), "-")
		if name == e.chapter() || name == number || "0"+name == number {
			return e.chapter()
		}
	}
	return ""
}

type notFound struct{ error }

// named finds an exercise by drain, Drain, 03-reactor/drain, the path of its
// folder or of a file in it, or its title.
func (c *collection) named(name string) (*exercise, error) {
	clean := strings.TrimPrefix(filepath.ToSlash(filepath.Clean(name)), "exercises/")
	var found []*exercise
	for _, e := range c.all {
		if plain(clean) == plain(e.base()) || plain(clean) == plain(e.title) ||
			strings.HasPrefix(strings.ToLower(clean)+"/", e.name+"/") {
			found = append(found, e)
		}
	}
	switch len(found) {
	case 0:
		return nil, misuse{notFound{fmt.Errorf("there's no exercise %q.%s\nAll names: go run ./exercises list", name, didYouMean(c.names(), name))}}
	case 1:
		return found[0], nil
	}
	return nil, misuse{fmt.Errorf("there are %d exercises called %s: say %s or %s", len(found), name, found[0].name, found[1].name)}
}

// plain is a name without what people get wrong: case, spaces and hyphens.
func plain(name string) string {
	return strings.NewReplacer(" ", "", "-", "", "_", "").Replace(strings.ToLower(name))
}

// didYouMean is a question with the names that look most like the one that was
// typed, or nothing.
func didYouMean(names []string, typed string) string {
	word := plain(typed[strings.LastIndexAny(typed, `/\`)+1:])
	most := max(1, len(word)/3)
	var near []string
	for _, name := range names {
		d := distance(word, plain(name))
		if d > most && len(word) >= 3 && strings.HasPrefix(plain(name), word) {
			d = most
		}
		if d < most {
			near, most = nil, d
		}
		if d == most && !slices.Contains(near, name) {
			near = append(near, name)
		}
	}
	if len(near) == 0 || len(near) > 4 {
		return ""
	}
	return " Did you mean " + strings.Join(near, " or ") + "?"
}

// distance is the number of letters to add, drop, replace or swap with their
// neighbor that make one word of the other.
func distance(a, b string) int {
	s, t := []rune(a), []rune(b)
	rows := make([][]int, len(s)+1)
	for i := range rows {
		rows[i] = make([]int, len(t)+1)
		for j := range rows[i] {
			switch {
			case i == 0 || j == 0:
				rows[i][j] = i + j
				continue
			case s[i-1] == t[j-1]:
				rows[i][j] = rows[i-1][j-1]
				continue
			}
			rows[i][j] = 1 + min(rows[i-1][j-1], rows[i-1][j], rows[i][j-1])
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				rows[i][j] = min(rows[i][j], 1+rows[i-2][j-2])
			}
		}
	}
	return rows[len(s)][len(t)]
}
