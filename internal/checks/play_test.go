package checks

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The data of the playground, docs/play: what the checker of schedule_test.go
// records of a scenario. Each state was reached by the chapter's own code, and
// so was each step from one to another.
//
//	TUTORIAL_WRITE=1 go test -run TestPlay ./internal/checks
//
// writes it anew, after a chapter has changed.

const (
	playDir   = "docs/play/data"
	playedDir = "internal/checks/testdata/play"
	maxStates = 400
	maxData   = 100 << 10 // bytes for each scenario
)

// A played scenario has two variants: the chapter's code, and the same with
// edits that break it.
type played struct {
	id, title, chapter string
	files              []string // of the chapter, and stand-ins; after a colon, the only declarations that are kept
	shows              []string // declarations that are shown though no step is in them
	edits              []string // old, new, old, new ...; each old is there once
	intro, broken      string   // what the page says
}

var playground = []played{
	{
		id: "letter", title: "The letter", chapter: "04-waker",
		files: []string{"main.go:letter letter.Poll letter.post", "blockon.go", "parker.go", "waker.go", "context.go", "future.go", "reactor.go"},
		shows: []string{"letter"},
		edits: []string{
			"	l.waker = cx.Waker() // under the lock: without it, a post between look and store wakes nobody\n	return struct{}{}, l.arrived\n",
			"	l.waker = cx.Waker()\n	return struct{}{}, arrived\n",
			"	l.mu.Lock()\n	defer l.mu.Unlock()\n",
			"	l.mu.Lock()\n	arrived := l.arrived // look ...\n	l.mu.Unlock()\n	l.mu.Lock() // ... then store\n	defer l.mu.Unlock()\n",
		},
	},
	{
		id: "push", title: "Push, then unpark", chapter: "05-executor",
		files: []string{"04-waker/main.go:letter letter.Poll letter.post", "executor.go", "parker.go", "waker.go", "context.go", "future.go", "reactor.go"},
		edits: []string{
			"	if e.push(t) {\n		e.parker.Wake()\n	}\n",
			"	e.parker.Wake()\n	e.push(t)\n",
		},
	},
	{
		id: "poll", title: "The wake during the poll", chapter: "05-executor",
		files: []string{"04-waker/main.go:letter letter.Poll letter.post", "executor.go", "parker.go", "waker.go", "context.go", "future.go", "reactor.go"},
		edits: []string{
			"		t, e.ready = e.ready[0], e.ready[1:]\n		t.queued = false\n",
			"		t = e.ready[0] // it stays in the queue\n",
			"			if !t.poll() {\n",
			"			ready := t.poll()\n			e.mu.Lock()\n			t.queued, e.ready = false, e.ready[1:] // out of the queue after the poll\n			e.mu.Unlock()\n			if !ready {\n",
		},
	},
}

// A variant is one of the two.
type variant struct {
	played
	broken bool
}

func (v variant) pkg() string {
	if v.broken {
		return v.id + "broken"
	}
	return v.id + "repaired"
}

// playedChapters makes a package of each variant, and a test that records them.
func playedChapters(t *testing.T) (o *overlaid, texts map[string]map[string]string) {
	t.Helper()
	o, texts = &overlaid{t.TempDir(), make(map[string]string)}, make(map[string]map[string]string)
	imports, entries := "", ""
	for _, p := range playground {
		for _, v := range []variant{{p, true}, {p, false}} {
			texts[v.pkg()] = o.addPlayed(t, v)
			imports += fmt.Sprintf("\t\"schedules/%s\"\n", v.pkg())
			entries += fmt.Sprintf("\t%q: find(%s.Scenarios, %q),\n", v.pkg(), v.pkg(), p.id)
		}
	}
	text, _ := readIfThere(t, filepath.Join(playedDir, "record_test.go"))
	o.add(t, filepath.Join(scheduleDir, "record", "record_test.go"), text)
	o.add(t, filepath.Join(scheduleDir, "record", "scenarios_test.go"), "package record\n\nimport (\n\t\"schedules/sched\"\n"+
		imports+")\n\nvar scenarios = map[string]sched.Scenario{\n"+entries+"}\n")
	return o, texts
}

// addPlayed makes a package of a variant, and returns the texts of its files.
func (o *overlaid) addPlayed(t *testing.T, v variant) (texts map[string]string) {
	t.Helper()
	texts = make(map[string]string)
	edited := make([]int, len(v.edits))
	add := func(path, text string) {
		text, err := rewrite(path, text, v.pkg(), make(map[string]int))
		if err != nil {
			t.Fatal(err)
		}
		o.add(t, filepath.Join(scheduleDir, v.pkg(), strings.ReplaceAll(path, "/", "_")), text)
	}
	for _, file := range v.files {
		file, kept, _ := strings.Cut(file, ":")
		path := filepath.Join(v.chapter, file)
		if strings.Contains(file, "/") {
			path = file
		}
		text, there := readIfThere(t, path)
		if !there {
			t.Fatalf("%s: there is no %s", v.id, path)
		}
		for i := 0; i < len(v.edits) && v.broken; i += 2 {
			edited[i] += strings.Count(text, v.edits[i])
			if edited[i] == 1 {
				text = strings.Replace(text, v.edits[i], v.edits[i+1], 1)
			}
		}
		texts[path] = text
		add(path, withLocals(t, path, onlyDeclarations(t, path, text, strings.Fields(kept))))
	}
	for i := 0; i < len(v.edits) && v.broken; i += 2 {
		if edited[i] != 1 {
			t.Fatalf("%s cannot be broken: this is there %d times, want once:\n%s", v.id, edited[i], v.edits[i])
		}
	}
	queue := "queue04.go"
	if v.chapter == "06-full-runtime" {
		queue = "queue06.go"
	}
	for _, path := range []string{filepath.Join(playedDir, v.chapter[:2]+".go"), filepath.Join(scheduleDir, "scenarios", queue)} {
		text, _ := readIfThere(t, path)
		add(path, text)
	}
	return texts
}

// onlyDeclarations replaces all other declarations by spaces.
func onlyDeclarations(t *testing.T, path, text string, kept []string) string {
	t.Helper()
	if len(kept) == 0 {
		return text
	}
	positions := token.NewFileSet()
	file, err := parser.ParseFile(positions, path, text, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	b := []byte(text)
	for _, decl := range file.Decls {
		names := declarations(&ast.File{Decls: []ast.Decl{decl}})
		if len(names) == 0 || slices.ContainsFunc(names, func(name string) bool { return slices.Contains(kept, name) }) {
			continue
		}
		for i := positions.Position(decl.Pos()).Offset; i < positions.Position(decl.End()).Offset; i++ {
			if b[i] != '\n' {
				b[i] = ' '
			}
		}
	}
	return string(b)
}

// withLocals says, after each assignment to variables of a function, what they
// are now.
func withLocals(t *testing.T, path, text string) string {
	t.Helper()
	positions := token.NewFileSet()
	file, err := parser.ParseFile(positions, path, text, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	inserts := make(map[int]string)
	note := func(list []ast.Stmt) {
		for _, stmt := range list {
			assign, is := stmt.(*ast.AssignStmt)
			if !is {
				continue
			}
			for _, to := range assign.Lhs {
				if id, is := to.(*ast.Ident); is && id.Name != "_" {
					inserts[positions.Position(assign.End()).Offset] += fmt.Sprintf("; sched.Local(%q, %s)", id.Name, id.Name)
				}
			}
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BlockStmt:
			note(n.List)
		case *ast.CaseClause:
			note(n.Body)
		case *ast.CommClause:
			note(n.Body)
		}
		return true
	})
	if len(inserts) == 0 {
		return text
	}
	inserts[positions.Position(file.Name.End()).Offset] = `; import "schedules/sched"`
	var b strings.Builder
	for i := range len(text) {
		b.WriteString(inserts[i])
		b.WriteByte(text[i])
	}
	return b.String()
}

// A graph is what testdata/schedules/sched/record.go writes.
type graph struct {
	Threads   []string
	Variables []struct{ Name, Kind string }
	Nodes     []*struct {
		Threads []where
		Values  []string
		Next    map[string]int
		Failed  string
	}
	Cut bool
}

type where struct {
	Status, What  string
	Lines, Locals []string
}

func TestPlayground(t *testing.T) {
	o, texts := playedChapters(t)
	program, data := filepath.Join(o.dir, "record"), filepath.Join(o.dir, "data")
	args := []string{"test", "-c", "-vet=off", "-overlay", o.write(t), "-o", program, "./" + scheduleDir + "/record"}
	if got := run(t, 5*time.Minute, ".", []string{compiles}, "go", args...); got.exit != 0 {
		t.Fatalf("the chapters that are played do not build:\n%s", got.stderr)
	}
	if got := run(t, 5*time.Minute, ".", nil, program, "-to="+data, "-limit="+strconv.Itoa(maxStates)); got.exit != 0 {
		t.Fatalf("the recorder failed:\n%s%s", got.stdout, got.stderr)
	}
	text, _ := readIfThere(t, data)
	graphs := make(map[string]*graph)
	if err := json.Unmarshal([]byte(text), &graphs); err != nil {
		t.Fatal(err)
	}
	for id, g := range graphs {
		fmt.Println(id, len(g.Nodes), g.Cut, len(texts))
		x, _ := json.MarshalIndent(g, "", " ")
		os.WriteFile("/tmp/"+id+".json", x, 0o644)
	}
}
