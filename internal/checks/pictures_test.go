package checks

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"go/ast"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The sequence diagrams of the pages. In all of them each label starts with a
// name that is in the code of the chapter. They are compared,
// arrow by arrow, with what happens: a copy of the chapter says so at each line
// of code that an arrow stands for, while a scenario of internal/checks/testdata/pictures runs.
// There the peer acts only after the wait has begun, so the order is the same
// every time.

// narrow makes the letters of a sequence diagram twice as large on a phone, where
// the picture is made to fit. It's the first line of each.
const narrow = `%%{init: {"sequence": {"width": 108, "actorMargin": 6, "diagramMarginX": 5, "wrap": true, "mirrorActors": false}}}%%`

// A diagram is a sequence diagram of mermaid.
type diagram struct {
	lanes map[string]string // by alias
	order map[string]int    // of the lanes, from left to right
	steps []string          // its arrows and notes, without white space around
	lines []int             // where they are
}

var (
	participant = regexp.MustCompile(`^participant (\w+) as (.+)$`)
	arrowLine   = regexp.MustCompile(`^(\w+)(->>|-->>)(\w+): (.+)$`)
	noteLine    = regexp.MustCompile(`^Note over (\w+)(?:,(\w+))?: (.+)$`)
)

func (p page) diagrams(t *testing.T) (all []diagram) {
	t.Helper()
	for _, f := range p.fences {
		if f.language == "mermaid" && f.lines[0] == "sequenceDiagram" {
			all = append(all, parseDiagram(t, p, f))
		}
	}
	return all
}

var (
	transition = regexp.MustCompile(`^(\[\*\]|\w+) --> (\[\*\]|\w+)(?:: (.+))?$`)
	described  = regexp.MustCompile(`^accDescr: \S`)
)

// statesOfAnyFuture are in no code: each future keeps them in its own way. A run
// goes through them, in TestAnyFutureGoesThroughTheseStates.
var statesOfAnyFuture = []string{"made", "pending", "ready", "closed"}

// statesOfATask are explained at the type Task of chapter 05. A run goes through
// them, in TestTasksGoThroughTheseStates.
var statesOfATask = []string{"queued", "polled", "idle", "finished"}

// The states of a state diagram are constants, fields, types or functions of
// the chapter.
func TestStateDiagramsNameStatesOfTheCode(t *testing.T) {
	t.Parallel()
	for _, p := range readingOrder(t)[1:] {
		names := identifiers(t, filepath.Dir(p.path))
		for _, f := range p.fences {
			if f.language != "mermaid" || f.lines[0] != "stateDiagram-v2" {
				continue
			}
			explained := false
			for i, line := range f.lines[1:] {
				line = strings.TrimSpace(line)
				if explained = explained || described.MatchString(line); described.MatchString(line) || strings.HasPrefix(line, "direction ") {
					continue
				}
				m := transition.FindStringSubmatch(line)
				if m == nil {
					t.Errorf("%s: this is no transition of a state diagram: %s", p.at(f.line+1+i), line)
					continue
				}
				for _, state := range m[1:3] {
					if state != "[*]" && !names[state] && !slices.Contains(slices.Concat(statesOfAnyFuture, statesOfATask), state) {
						t.Errorf("%s: nothing in %s is named %q", p.at(f.line+1+i), filepath.Dir(p.path), state)
					}
				}
			}
			if !explained {
				t.Errorf("%s: the diagram has no accDescr for readers who can't see it", p.at(f.line))
			}
		}
	}
}

// The diagram of any future's states has the transitions that chapter 01's
// futures make when they're polled to their end, or closed before.
func TestAnyFutureGoesThroughTheseStates(t *testing.T) {
	t.Parallel()
	p := readingOrder(t)[1]
	i := slices.IndexFunc(p.fences, func(f fence) bool {
		return f.language == "mermaid" && slices.ContainsFunc(f.lines, func(line string) bool { return strings.Contains(line, "--> closed") })
	})
	if i < 0 {
		t.Fatalf("%s has no diagram in which a future is closed", p.path)
	}
	var want []string
	for _, line := range p.fences[i].lines {
		if line = strings.TrimSpace(line); transition.MatchString(line) {
			want = append(want, line)
		}
	}
	got := lines(runScenario(t, "states", drawingCopy(t, "01-future-trait", "01.go")))
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, slices.Compact(got)); diff != "" {
		t.Errorf("%s: futures don't go through the states of this picture (-picture +futures):\n%s", p.at(p.fences[i].line), diff)
	}
}

// The table of what a tea holds after each poll is what a run shows.
func TestTraceOfTea(t *testing.T) {
	t.Parallel()
	page, _ := readIfThere(t, "01-future-trait/README.md")
	if rows := runScenario(t, "trace", drawingCopy(t, "01-future-trait", "01.go")); !strings.Contains(page, rows) {
		t.Errorf("01-future-trait/README.md doesn't have this table of polls:\n%s", rows)
	}
}

// The tree of five timers, and the table of what the heap holds step by step,
// are what a run shows.
func TestHeapOfFive(t *testing.T) {
	t.Parallel()
	page, _ := readIfThere(t, "06-full-runtime/2-timers.md")
	shown := runScenario(t, "heap", drawingCopy(t, "06-full-runtime", "06.go"))
	tree := strings.Index(shown, "    n0")
	for _, part := range []string{shown[:tree], shown[tree:]} {
		if !strings.Contains(page, part) {
			t.Errorf("06-full-runtime/2-timers.md doesn't have these lines about the heap:\n%s", part)
		}
	}
}

// identifiers returns all names that the code of a chapter uses.
func identifiers(t *testing.T, dir string) map[string]bool {
	t.Helper()
	names := make(map[string]bool)
	for _, name := range goFiles(t, dir) {
		ast.Inspect(parse(t, filepath.Join(dir, name)), func(n ast.Node) bool {
			if id, is := n.(*ast.Ident); is {
				names[id.Name] = true
			}
			return true
		})
	}
	return names
}

// parseDiagram accepts the part of mermaid's language that the pages use.
func parseDiagram(t *testing.T, p page, f fence) diagram {
	t.Helper()
	d := diagram{lanes: make(map[string]string), order: make(map[string]int)}
	loops, described, isNarrow := 0, false, false
	for i, line := range f.lines[1:] {
		line = strings.TrimSpace(line)
		at := p.at(f.line + 1 + i)
		if strings.ContainsAny(line, ";#") {
			t.Errorf("%s: mermaid takes ; and # for something else: %s", at, line)
		}
		used := []string{}
		if m := participant.FindStringSubmatch(line); m != nil {
			d.lanes[m[1]], d.order[m[1]] = m[2], len(d.order)
		} else if m := arrowLine.FindStringSubmatch(line); m != nil {
			used = []string{m[1], m[3]}
		} else if m := noteLine.FindStringSubmatch(line); m != nil {
			used = slices.DeleteFunc(m[1:3], func(s string) bool { return s == "" })
		} else if strings.HasPrefix(line, "accDescr: ") {
			described = true
		} else if line == narrow && i == 0 {
			isNarrow = true
		} else if strings.HasPrefix(line, "loop ") {
			loops++
		} else if line == "end" {
			loops--
		} else {
			t.Errorf("%s: not a line of a sequence diagram: %s", at, line)
		}
		for _, alias := range used {
			if d.lanes[alias] == "" {
				t.Errorf("%s: there's no participant %s", at, alias)
			}
		}
		if len(used) > 0 {
			d.steps, d.lines = append(d.steps, line), append(d.lines, f.line+1+i)
		}
	}
	if f.lines[0] != "sequenceDiagram" || loops != 0 {
		t.Errorf("%s: not a sequence diagram, or it has a loop without end", p.at(f.line))
	}
	if !isNarrow {
		t.Errorf("%s: its first line isn't what makes it narrow:\n    %s", p.at(f.line), narrow)
	}
	if !described {
		t.Errorf("%s: there's no accDescr for who cannot see the picture", p.at(f.line))
	}
	return d
}

func TestPicturesNameWhatIsInTheCode(t *testing.T) {
	t.Parallel()
	word := regexp.MustCompile(`\w+`)
	for _, p := range readingOrder(t)[1:] {
		names := identifiers(t, filepath.Dir(p.path))
		for _, d := range p.diagrams(t) {
			for i, step := range d.steps {
				_, label, _ := strings.Cut(step, ": ")
				if name := word.FindString(label); !names[name] {
					t.Errorf("%s: nothing in %s is named %q", p.at(d.lines[i]), filepath.Dir(p.path), name)
				}
			}
		}
	}
}

// A chapter's picture has the lanes of the chapter before, and a lane or an
// arrow more.
func TestPictureGrowsFromChapterToChapter(t *testing.T) {
	t.Parallel()
	var before diagram
	for i, p := range readingOrder(t)[1 : len(chapters)+1] {
		all := p.diagrams(t)
		if len(all) == 0 {
			t.Fatalf("%s has no picture", p.path)
		}
		now := all[0]
		for alias, lane := range before.lanes {
			if now.lanes[alias] == "" {
				t.Errorf("%s: the picture has no lane %s (%s), which was in the chapter before", p.path, alias, lane)
			}
		}
		isNew := func(step string) bool { return !slices.Contains(before.steps, step) }
		if i > 0 && len(now.lanes) == len(before.lanes) && !slices.ContainsFunc(now.steps, isNew) {
			t.Errorf("%s: the picture has neither a lane nor an arrow that was not in the chapter before", p.path)
		}
		before = now
	}
}

// The map of the six pieces is there in light and dark, which differ in their
// colors only. What it shows stands in its alt text as well.
func TestMapIsTheSameInLightAndDark(t *testing.T) {
	t.Parallel()
	style := regexp.MustCompile(`(?s)<style>.*</style>`)
	light, _ := readIfThere(t, "docs/pictures/map-light.svg")
	dark, _ := readIfThere(t, "docs/pictures/map-dark.svg")
	if diff := cmp.Diff(lines(style.ReplaceAllString(light, "")), lines(style.ReplaceAllString(dark, ""))); diff != "" {
		t.Errorf("the map differs in more than its style (-light +dark):\n%s", diff)
	}
	if err := xml.Unmarshal([]byte(light), new(struct{})); err != nil {
		t.Error(err)
	}
	readme, _ := readIfThere(t, "README.md")
	alt := regexp.MustCompile(`alt="([^"]+)"`).FindString(readme)
	for _, name := range regexp.MustCompile(`class="name">(\w+)<`).FindAllStringSubmatch(light, -1) {
		if !strings.Contains(alt, name[1]) {
			t.Errorf("README.md: the alt text of the map does not speak of the %s", name[1])
		}
	}
}

// A drawnAt is a row of drawnArrows.
type drawnAt struct {
	page, arrow, file string
	code              []string
	value             string // an expression, or nothing
	sees              string // a variable that the scenario looks at, or nothing
	once              bool
}

func parseDrawnArrows(t *testing.T) (all []drawnAt) {
	t.Helper()
	page := ""
	for _, line := range lines(drawnArrows) {
		row, isRow := strings.CutPrefix(line, "\t")
		if !isRow {
			page = line
			continue
		}
		cells := regexp.MustCompile(`  +`).Split(row, -1)
		d := drawnAt{page: page, arrow: cells[0], file: cells[1], code: strings.Split(cells[2], " ⏎ "), value: `""`}
		for _, cell := range cells[3:] {
			if value, is := strings.CutPrefix(cell, "ends with "); is {
				d.value, d.arrow = value, d.arrow+" "
			} else if sees, is := strings.CutPrefix(cell, "sees "); is {
				d.sees = sees
			} else if d.once = cell == "once"; !d.once {
				t.Fatalf("drawnArrows: what is %q?", cell)
			}
		}
		all = append(all, d)
	}
	return all
}

func TestPicturesShowWhatHappens(t *testing.T) {
	t.Parallel()
	for _, c := range chapters {
		dir := c.dir
		t.Run(dir, func(t *testing.T) {
			t.Parallel()
			program := drawingCopy(t, dir, dir[:2]+".go")
			for _, p := range readingOrder(t)[1:] {
				if filepath.Dir(p.path) != dir {
					continue
				}
				for _, d := range p.diagrams(t) {
					compareWithRun(t, p, d, program)
				}
			}
		})
	}
}

// compareWithRun runs a scenario, again if that shows something else: a
// machine that is busy may take longer to lie down than a timer to be due.
func compareWithRun(t *testing.T, p page, d diagram, program string) {
	t.Helper()
	var want []string
	for _, step := range d.steps { // what comes after a comma is for the reader
		name, _, _ := strings.Cut(step, ", ")
		want = append(want, name)
	}
	diff := ""
	for range 5 {
		got := run(t, time.Minute, ".", []string{"PICTURE=" + filepath.Base(p.path)}, program)
		if got.exit != 0 {
			t.Errorf("%s: the scenario of this picture failed:\n%s", p.path, got.stderr)
			return
		}
		if diff = cmp.Diff(want, lines(got.stderr)); diff == "" {
			return
		}
	}
	t.Errorf("%s: the picture is not what happens (-picture +what happens):\n%s", p.at(d.lines[0]), diff)
}

// runScenario returns what a scenario that isn't a page's writes.
func runScenario(t *testing.T, name, program string) string {
	t.Helper()
	got := run(t, time.Minute, ".", []string{"PICTURE=" + name}, program)
	if got.exit != 0 {
		t.Fatalf("the scenario %q failed:\n%s", name, got.stderr)
	}
	return got.stderr
}

// drawingCopy builds a copy of a chapter that writes an arrow to standard error
// at each line that stands for one, and whose main runs the scenarios. Those of
// watch06.go have rows of their own.
func drawingCopy(t *testing.T, dir, scenarioFile string) (program string) {
	t.Helper()
	o := &overlaid{t.TempDir(), make(map[string]string)}
	inserts := make(map[string][]drawnAt) // by file
	for _, d := range parseDrawnArrows(t) {
		own := filepath.Base(d.page) == "watch"
		if filepath.Dir(d.page) == dir && own == strings.HasPrefix(scenarioFile, "watch") {
			inserts[d.file] = append(inserts[d.file], d)
		}
	}
	for file, all := range inserts {
		text, _ := readIfThere(t, filepath.Join(dir, file))
		o.add(t, filepath.Join(dir, file), withArrows(t, dir, file, text, all))
	}
	names := []string{scenarioFile, "draw.go"}
	scenarios, _ := readIfThere(t, filepath.Join("internal/checks/testdata/pictures", names[0]))
	for use, name := range map[string]string{"newPeer()": "peer.go", "epollSet(": "epollset.go", "&another{": "another.go"} {
		if strings.Contains(scenarios, use) {
			names = append(names, name)
		}
	}
	for _, name := range names {
		text, _ := readIfThere(t, filepath.Join("internal/checks/testdata/pictures", name))
		o.add(t, filepath.Join(dir, "drawing_"+name), text)
	}
	list, _ := json.Marshal(o)
	writeFile(t, filepath.Join(o.dir, "overlay.json"), string(list))
	program = filepath.Join(o.dir, "program")
	got := run(t, 2*time.Minute, ".", []string{compiles}, "go", "build", "-overlay", filepath.Join(o.dir, "overlay.json"), "-o", program, "./"+dir)
	if got.exit != 0 {
		t.Fatalf("the copy of %s that draws does not build:\n%s", dir, got.stderr)
	}
	return program
}

func withArrows(t *testing.T, dir, file, text string, all []drawnAt) string {
	t.Helper()
	original := lines(text)
	before := make(map[int]string) // what is inserted, by line
	for _, d := range all {
		i := find(trimmed(original), trimmed(d.code))
		if i < 0 || find(trimmed(original[i+1:]), trimmed(d.code)) >= 0 {
			t.Fatalf("drawnArrows: these lines must be in %s/%s exactly once:\n%s", dir, file, strings.Join(d.code, "\n"))
		}
		if d.sees != "" {
			before[i+len(d.code)-1] += fmt.Sprintf("see(%s); ", d.sees)
		}
		before[i+len(d.code)-1] += fmt.Sprintf("draw(%q, %q, %s, %t); ", filepath.Base(d.page), d.arrow, d.value, d.once)
	}
	for i, insert := range before {
		original[i] = insert + original[i]
	}
	return strings.Join(original, "\n") + "\n"
}

// trimmed returns the lines without white space around them, and without the
// comments at their ends.
func trimmed(lines []string) []string {
	var all []string
	for _, line := range lines {
		code, _, _ := strings.Cut(line, " // ")
		all = append(all, strings.TrimSpace(code))
	}
	return all
}
