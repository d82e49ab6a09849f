//go:build unix

package tutorial

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode"
)

// The text is tested as the code is. In a page, these fences are checked:
//
//	go       stands in the file that the line above names, word for word but
//	         for leading tabs; a line "// ..." leaves something out
//	console  every "$ command" is run in the root of the repository and prints
//	         the lines that follow; a line "..." leaves some out. Every figure
//	         is exact, but after "$ command # ±50%" durations and counts may
//	         be up to 1.5 times as large or as small, and after
//	         "$ command # ±50% of all numbers" all numbers
//	diff     an edit to the file that its header or the line above names. The
//	         next fence is a console: what its commands print, among other
//	         lines, when the chapter has been edited so
//
// Relative links lead to files and headings that are there; tables of files
// and of chapters say what is so.

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
	var all []page
	for _, path := range repositoryFiles(t, ".md") {
		if !strings.HasPrefix(path, "exercises/") {
			text, _ := readIfThere(t, path)
			all = append(all, parsePage(path, lines(text)))
		}
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

func TestExcerptsStandInTheCode(t *testing.T) {
	t.Parallel()
	for _, p := range pages(t) {
		for _, f := range p.fences {
			if f.language == "go" {
				checkExcerpt(t, p, f)
			}
		}
	}
}

func checkExcerpt(t *testing.T, p page, f fence) {
	t.Helper()
	path := p.file(f.above)
	text, there := readIfThere(t, path)
	if !there {
		t.Errorf("%s: the line above the code names no file of this folder: %q", p.at(f.line-1), f.above)
		return
	}
	rest := untabbed(lines(text))
	for len(f.lines) > 0 {
		part := f.lines
		if i := slices.IndexFunc(part, isEllipsis); i >= 0 {
			part = part[:i]
		}
		i := find(rest, untabbed(part))
		if i < 0 {
			t.Errorf("%s: this is not in %s, or not in this order; the code has changed, or the page:\n%s",
				p.at(f.line), path, strings.Join(part, "\n"))
			return
		}
		rest = rest[i+len(part):]
		f.lines = f.lines[min(len(part)+1, len(f.lines)):]
		f.line += len(part) + 1
	}
}

func isEllipsis(line string) bool { return strings.TrimSpace(line) == "// ..." }

func untabbed(lines []string) []string {
	var all []string
	for _, line := range lines {
		all = append(all, strings.TrimLeft(line, "\t"))
	}
	return all
}

// find returns where part begins in all, or -1.
func find(all, part []string) int {
	for i := range len(all) - len(part) + 1 {
		if slices.Equal(all[i:i+len(part)], part) {
			return i
		}
	}
	return -1
}

// A step of a transcript is a command and what it prints.
type step struct {
	command   string
	tolerance tolerance
	line      int // of the command
	want      []string
}

// A tolerance says how far a number may be from the one in the page.
type tolerance struct {
	factor  float64 // 1 if exact
	numbers bool    // all of them, not only durations and counts
}

var toleranceComment = regexp.MustCompile(`\s+# ±(\d+)%( of all numbers)?$`)

func (f fence) steps() []step {
	var all []step
	for i, line := range f.lines {
		command, found := strings.CutPrefix(strings.TrimSpace(line), "$ ")
		if !found {
			if len(all) > 0 {
				last := &all[len(all)-1]
				last.want = append(last.want, line)
			}
			continue
		}
		s := step{command: command, tolerance: tolerance{factor: 1}, line: f.line + i}
		if m := toleranceComment.FindStringSubmatch(command); m != nil {
			percent, _ := strconv.ParseFloat(m[1], 64)
			s.command = strings.TrimSuffix(command, m[0])
			s.tolerance = tolerance{1 + percent/100, m[2] != ""}
		}
		all = append(all, s)
	}
	return all
}

// Not parallel: what else the machine does must not change the figures.
func TestTranscripts(t *testing.T) {
	outputs := make(map[string]string) // of every command, which is run once
	for _, p := range pages(t) {
		for i, f := range p.fences {
			if f.language != "console" || i > 0 && p.fences[i-1].language == "diff" {
				continue
			}
			steps := f.steps()
			if len(steps) == 0 {
				t.Errorf("%s: no line of this transcript starts with $", p.at(f.line))
			}
			for _, s := range steps {
				if runsThisTest.MatchString(s.command) {
					continue
				}
				if _, ran := outputs[s.command]; !ran {
					outputs[s.command] = shell(t, s.command, time.Minute)
				}
				checkOutput(t, p, s, outputs[s.command])
			}
		}
	}
}

// runsThisTest matches commands that would run this test again.
var runsThisTest = regexp.MustCompile(`^go test .*(\./\.\.\.|\s\.)(\s|$)`)

// In "Break it" a diff is a mistake, and the console after it what comes of
// it. The commands are run on the mistake by way of the overlay of go build.
func TestBreakIt(t *testing.T) {
	for _, p := range pages(t) {
		for i, f := range p.fences {
			if f.language != "diff" {
				continue
			}
			t.Run(p.at(f.line), func(t *testing.T) {
				t.Parallel()
				if i+1 == len(p.fences) || p.fences[i+1].language != "console" || p.fences[i+1].steps() == nil {
					t.Fatal("after a diff the page must show, in a console fence with a $ command, what comes of it")
				}
				overlay, foreign := overlay(t, p, f)
				if foreign != "" {
					t.Skip(foreign, " is not compiled here")
				}
				if os.Getenv("TUTORIAL_CHECK") != "all" {
					t.Skip("the edit applies; what comes of it is run with TUTORIAL_CHECK=all")
				}
				for _, s := range p.fences[i+1].steps() {
					s.want = amongOthers(s.want)
					flags := strings.TrimSpace(os.Getenv("GOFLAGS") + " -overlay=" + overlay)
					checkOutput(t, p, s, shell(t, s.command, time.Minute, "GOFLAGS="+flags))
				}
			})
		}
	}
}

// overlay applies a diff to copies of the files that it names and returns the
// path of the file that tells go build to take these, and one of them that is
// for another system, if any.
func overlay(t *testing.T, p page, f fence) (config, foreign string) {
	t.Helper()
	dir := t.TempDir()
	edited := make(map[string][]string) // by path
	path := p.file(f.above)
	var old, new []string
	apply := func() {
		if len(old) > 0 || len(new) > 0 {
			edited[path] = edit(t, p, f, path, edited[path], old, new)
			old, new = nil, nil
		}
	}
	for _, line := range f.lines {
		switch {
		case strings.HasPrefix(line, "+++ "):
			path = filepath.Join(filepath.Dir(p.path), filepath.Base(line[4:]))
		case strings.HasPrefix(line, "@@"), strings.HasPrefix(line, "--- "):
			apply()
		case strings.HasPrefix(line, "-"):
			old = append(old, line[1:])
		case strings.HasPrefix(line, "+"):
			new = append(new, line[1:])
		default: // context; an empty line may have lost its space
			line = strings.TrimPrefix(line, " ")
			old, new = append(old, line), append(new, line)
		}
	}
	apply()

	replace := make(map[string]string)
	for path, text := range edited {
		if strings.HasSuffix(path, "_linux.go") && runtime.GOOS != "linux" {
			foreign = path
		}
		original, err := filepath.Abs(path)
		if err != nil {
			t.Fatal(err)
		}
		replace[original] = filepath.Join(dir, filepath.Base(path))
		writeFile(t, replace[original], strings.Join(text, "\n")+"\n")
	}
	replacements, _ := json.Marshal(map[string]any{"Replace": replace})
	config = filepath.Join(dir, "overlay.json")
	writeFile(t, config, string(replacements))
	return config, foreign
}

// edit replaces the lines old by new in text, which is nil before the first
// edit of the file.
func edit(t *testing.T, p page, f fence, path string, text, old, new []string) []string {
	t.Helper()
	if text == nil {
		content, there := readIfThere(t, path)
		if !there {
			t.Fatalf("%s: neither the diff nor the line above names a file of this folder", p.at(f.line))
		}
		text = lines(content)
	}
	i := find(untabbed(text), untabbed(old))
	if i < 0 || len(old) == 0 || find(untabbed(text[i+1:]), untabbed(old)) >= 0 {
		t.Fatalf("%s: these lines must stand in %s exactly once:\n%s", p.at(f.line), path, strings.Join(old, "\n"))
	}
	return slices.Concat(text[:i], new, text[i+len(old):])
}

func amongOthers(lines []string) []string {
	all := []string{"..."}
	for _, line := range lines {
		all = append(all, line, "...")
	}
	return all
}

// shell runs a command as a reader would and returns all that it prints. Its
// whole process group is killed when it ends or its time is over.
func shell(t *testing.T, command string, limit time.Duration, env ...string) string {
	t.Helper()
	cmd := exec.Command("bash", "-c", command)
	cmd.Env = append(os.Environ(), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var output strings.Builder
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	late := time.AfterFunc(limit, kill)
	_ = cmd.Wait() // a command that fails says so in its output
	kill()
	if !late.Stop() {
		t.Errorf("%s: still running after %v", command, limit)
	}
	return output.String()
}

// checkOutput fails at the first line of the page that the command did not
// print.
func checkOutput(t *testing.T, p page, s step, output string) {
	t.Helper()
	best := 0
	if fits(s.want, lines(strings.TrimRight(output, "\n")), s.tolerance, 0, &best) {
		return
	}
	missing := "the end of the output"
	if best < len(s.want) {
		missing = s.want[best]
	}
	t.Errorf("%s: $ %s\ndoes not print this line here:\n\t%s\nIt prints:\n%s",
		p.at(s.line+1+best), s.command, strings.TrimSpace(missing), output)
}

// fits reports whether the lines got are those wanted, where "..." stands for
// any number of lines. In best it keeps how many of them it found at most.
func fits(want, got []string, tol tolerance, found int, best *int) bool {
	*best = max(*best, found)
	switch {
	case len(want) == 0:
		return len(got) == 0 || len(got) == 1 && got[0] == ""
	case strings.TrimSpace(want[0]) == "...":
		for i := range len(got) + 1 {
			if fits(want[1:], got[i:], tol, found+1, best) {
				return true
			}
		}
		return false
	}
	return len(got) > 0 && sameLine(want[0], got[0], tol) && fits(want[1:], got[1:], tol, found+1, best)
}

var (
	number = regexp.MustCompile(`(\d[\d,]*(\.\d+)?(ns|µs|ms|s|m|h))+\b|\d[\d,]*(\.\d+)?`)

	// What follows a number that is another in every run.
	measured = regexp.MustCompile(`^ (polls?|switches|events|wakes|parks|rounds|times|ns|µs|ms|s|seconds)\b`)

	// What is another in every run, whatever the page allows: ports, the
	// lines of tests, and the times that go test prints.
	incidental = regexp.MustCompile(`_test\.go:\d+|(127\.0\.0\.1|\[::1\]):\d+|\(\d+\.\d\ds\)|\t\d+\.\d+s$|\t\(cached\)$`)

	space = regexp.MustCompile(`\s+`)
)

// sameLine compares two lines but for white space and what may differ.
func sameLine(want, got string, tol tolerance) bool {
	want, got = withoutIncidental(want), withoutIncidental(got)
	if tol.factor == 1 {
		return want == got
	}
	if number.ReplaceAllString(want, "0") != number.ReplaceAllString(got, "0") {
		return false
	}
	wants, gots := number.FindAllStringIndex(want, -1), number.FindAllStringIndex(got, -1)
	for i, w := range wants {
		a, b := want[w[0]:w[1]], got[gots[i][0]:gots[i][1]]
		x, duration := value(a)
		y, _ := value(b)
		loose := tol.numbers || duration || measured.MatchString(want[w[1]:])
		if a != b && !(loose && x <= y*tol.factor && y <= x*tol.factor) {
			return false
		}
	}
	return true
}

func withoutIncidental(line string) string {
	line = incidental.ReplaceAllString(line, " ~")
	return strings.TrimSpace(space.ReplaceAllString(line, " "))
}

func value(number string) (v float64, isDuration bool) {
	number = strings.ReplaceAll(number, ",", "")
	if d, err := time.ParseDuration(number); err == nil && number != "0" {
		return d.Seconds(), true
	}
	v, _ = strconv.ParseFloat(number, 64)
	return v, false
}

var (
	codeSpan = regexp.MustCompile("`[^`]*`")
	linkText = regexp.MustCompile(`!?\[([^\]]*)\]\([^)]*\)`)
	target   = regexp.MustCompile(`\]\(([^)\s]+)[^)]*\)|^\[[^\]]+\]:\s+(\S+)|\b(?:href|src|srcset)="([^"\s]+)`)
	scheme   = regexp.MustCompile(`^[a-z]+:`)
	htmlID   = regexp.MustCompile(`\b(?:id|name)="([^"]+)"`)
)

func TestLinks(t *testing.T) {
	t.Parallel()
	for _, p := range pages(t) {
		checkLinks(t, p)
	}
}

func checkLinks(t *testing.T, p page) {
	t.Helper()
	for i, line := range p.prose {
		for _, m := range target.FindAllStringSubmatch(codeSpan.ReplaceAllString(line, ""), -1) {
			if link := m[1] + m[2] + m[3]; !scheme.MatchString(link) {
				checkLink(t, p, i+1, link)
			}
		}
	}
}

func checkLink(t *testing.T, p page, line int, link string) {
	t.Helper()
	path, fragment, _ := strings.Cut(link, "#")
	if path = filepath.Join(filepath.Dir(p.path), path); strings.HasPrefix(link, "#") {
		path = p.path
	}
	info, err := os.Stat(path)
	if err != nil || strings.HasPrefix(path, "..") {
		t.Errorf("%s: there is no %s in this repository", p.at(line), path)
		return
	}
	if fragment == "" {
		return
	}
	if info.IsDir() {
		path = filepath.Join(path, "README.md")
	}
	text, _ := readIfThere(t, path)
	there := false
	if filepath.Ext(path) == ".md" {
		there = anchors(parsePage(path, lines(text)))[fragment]
	} else if m := regexp.MustCompile(`^L(\d+)(?:-L(\d+))?$`).FindStringSubmatch(fragment); m != nil {
		first, _ := strconv.Atoi(m[1])
		last, _ := strconv.Atoi(m[2])
		there = max(first, last) <= len(lines(text))
	}
	if !there {
		t.Errorf("%s: %s has no #%s", p.at(line), path, fragment)
	}
}

// anchors are the names by which links reach the headings of a page.
func anchors(p page) map[string]bool {
	all := make(map[string]bool)
	for _, line := range p.prose {
		for _, m := range htmlID.FindAllStringSubmatch(line, -1) {
			all[m[1]] = true
		}
		heading := strings.TrimLeft(line, "#")
		if level := len(line) - len(heading); level == 0 || level > 6 || !strings.HasPrefix(heading, " ") {
			continue
		}
		name := strings.Map(func(r rune) rune {
			switch {
			case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
				return unicode.ToLower(r)
			case r == ' ':
				return '-'
			}
			return -1
		}, strings.TrimSpace(linkText.ReplaceAllString(heading, "$1")))
		unique := name
		for n := 1; all[unique]; n++ {
			unique = fmt.Sprintf("%s-%d", name, n)
		}
		all[unique] = true
	}
	return all
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
// nearest ten or so, and how many polls ten requests cost.
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

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}
