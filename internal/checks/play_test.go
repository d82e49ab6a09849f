package checks

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
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
//	TUTORIAL_WRITE=1 go test -run 'TestPlayground(States|Runs)' ./internal/checks
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
	untrue             []string // comments that aren't true once the code is broken
	page               string   // where the text explains it

	// What the page says before and after, of the chapter's code and of the other.
	intro, lesson, brokenTitle, brokenIntro, brokenLesson string

	// What the page says when the steps that lose the wakeup are taken in the
	// chapter's code. {arrived = true} becomes the step that notes so, and
	// {broken arrived = true} the number of the broken version's step that did.
	same string

	// Other orders to try in the chapter's code: what they're called, and whose
	// steps they are. A star is for as many steps as the goroutine can take, and
	// the page stops at the bar, where the reader goes on.
	orders [][2]string
}

var playground = []played{
	{
		id: "letter", title: "The letter", chapter: "04-waker", page: "04-waker/README.md",
		files: append([]string{theLetter, "blockon.go", "parker.go", "waker.go"}, nothingElse...),
		shows: []string{"letter"},
		edits: []string{
			"	l.mu.Lock()\n	defer l.mu.Unlock()\n	l.waker = cx.Waker() // under the lock of the look: a post between a look and a store would wake nothing\n	return struct{}{}, l.arrived\n",
			"	l.mu.Lock()\n	arrived := l.arrived // look ...\n	l.mu.Unlock()\n	l.mu.Lock()\n	defer l.mu.Unlock()\n	l.waker = cx.Waker() // ... then store\n	return struct{}{}, arrived\n",
		},
		brokenTitle:  "The letter: look, unlock, then store",
		brokenIntro:  "main waits for a letter, and post delivers it. In this version, Poll looks, unlocks, and only then stores its waker. Find an order in which main sleeps forever although the letter is there.",
		brokenLesson: "main looked and found no letter. Then post delivered one, but no waker was stored yet, so there was nothing to wake. After that main stored its waker and went to sleep, and nothing will ever call Wake.",
		intro:        "This is the chapter's code. Try to lose the wakeup now.",
		lesson:       "post needs the same lock as Poll, so it can't run between the store and the look. That's why their order doesn't matter here. If post comes before both, Poll sees the letter. If post comes after both, it finds the waker and calls it.",
		same:         "This time post finds a waker in {w != nil? yes}, because {l.waker: the parker} does what steps {broken arrived = false} and {broken l.waker: the parker} did in the broken version: main looks and stores its waker.",
		orders:       [][2]string{{"post comes first", "2*|1*"}, {"the wake comes just before main parks", "12*|1*"}, {"main sleeps before post begins", "1*|2*1*"}},
	},
	{
		id: "token", title: "The token", chapter: "04-waker", page: "04-waker/README.md",
		files: append([]string{"parker.go", "blockon.go", theLetter, "waker.go"}, nothingElse...),
		shows: []string{"NewParker"},
		edits: []string{
			"make(chan struct{}, 1)", "make(chan struct{})",
		},
		untrue:       []string{"// ← a wake that comes here isn't lost: it leaves a token for Park"},
		brokenTitle:  "The token: a wake that comes too early",
		brokenIntro:  "In this version the channel of the parker has no room for a token, so Wake reaches main only while main is receiving. Find an order in which Wake comes too early, so that main sleeps forever.",
		brokenLesson: "When post got to its select, main wasn't receiving yet. The channel has no room either, so the select took its default, and the wake left nothing behind. Then main parked, and now it waits for a wake that is over.",
		intro:        "This is the chapter's code. Try to wake main too early now.",
		lesson:       "The parker's channel has room for one token. So a wake that comes before Park leaves its token there, and Park takes the token and returns at once. A wake that comes after Park ends its sleep. Either way main polls again.",
		same:         "This time the wake leaves a token in {token: one}, and Park takes it in {main takes the token and doesn't sleep} and returns.",
		orders:       [][2]string{{"post comes first", "2*|1*"}, {"the wake comes just before main parks", "12*|1*"}, {"main sleeps before post begins", "1*|2*1*"}},
	},
	{
		id: "push", title: "Push, then unpark", chapter: "05-executor", page: "05-executor/README.md",
		files: append([]string{"executor.go", "parker.go", theLetter, "waker.go"}, nothingElse...),
		edits: []string{
			"	// Push, then unpark. In the other order, the executor may wake up, find the\n	// queue empty and park again before the push. Then nothing would wake it.\n	if e.push(t) {\n		e.parker.Wake()\n	}\n",
			"	e.parker.Wake() // unpark ...\n	e.push(t)       // ... then push\n",
		},
		untrue:       []string{"// ← a wake that comes here isn't lost: its token makes park return"},
		brokenIntro:  "A task waits for a letter, and post delivers it. In this version, waking the task unparks the executor first and queues the task second. Make the executor park again in between.",
		brokenLesson: "The executor woke up, found its run queue empty and parked again. Only then was the task queued. It's in the queue now, but the token is spent, and nothing tells the executor to look.",
		intro:        "This is the chapter's code. Try to make the executor miss the task.",
		lesson:       "Wake queues the task first and unparks the executor after that, so the token always comes after the task. That's why an executor that takes the token and looks at its run queue can't find it empty, however late it does so.",
		same:         "This time the wake queues the task in {run queue: task 1}, before it unparks the executor, so the executor will find the task.",
		orders:       [][2]string{{"post comes first", "2*|1*"}, {"the wake comes just before the executor parks", "1112*|1*"}, {"the executor sleeps before post begins", "1*|2*1*"}},
	},
	{
		id: "poll", title: "The wake during the poll", chapter: "05-executor", page: "05-executor/README.md",
		files: append([]string{"executor.go", "parker.go", theLetter, "waker.go"}, nothingElse...),
		edits: []string{
			"	e.runQueue[0] = nil // or the array would keep the task\n	e.runQueue = e.runQueue[1:]\n	t.queued = false // before the poll: a wake during the poll must queue t again\n	return t\n",
			"	return t // it stays in the queue during its poll\n",
			"		if t.poll() {\n			t.poll = nil",
			"		ready := t.poll()\n		e.mu.Lock()\n		e.runQueue, t.queued = e.runQueue[1:], false // after the poll\n		e.mu.Unlock()\n		if ready {\n			t.poll = nil",
		},
		brokenIntro:  "This executor leaves a task in the run queue while it polls the task, and takes it out afterwards. What becomes of a wake that comes during the poll? Get the letter delivered and the task forgotten.",
		brokenLesson: "The wake came when the poll had already missed the letter, but the task was still in the queue, so push added nothing. Then the executor took the task out, and the wake went with it.",
		intro:        "This is the chapter's code. Try to lose a wake that comes during the poll.",
		lesson:       "pop takes the task out of the run queue before the poll. During the poll the task isn't in the queue, so a wake puts it there again, and another poll follows. A wake that comes before the poll is answered by that poll.",
		same:         "This time the task isn't in the run queue during its poll, so the wake queues it again in {run queue: task 1}.",
		orders:       [][2]string{{"post comes first", "2*|1*"}, {"the wake comes right after the poll", "112*|1*"}, {"the executor sleeps before post begins", "1*|2*1*"}},
	},
	{
		id: "gap", title: "The gap before the park", chapter: "06-full-runtime", page: "06-full-runtime/1-one-thread.md",
		files: runtime06,
		edits: []string{
			"	rt.mu.Lock()\n	defer rt.mu.Unlock()\n	if len(rt.injected) > 0 {\n		return 0, nil\n	}\n",
			"	rt.mu.Lock()\n	woken := len(rt.injected) > 0 // look ...\n	rt.mu.Unlock()\n	if woken {\n		return 0, nil\n	}\n",
			"	rt.parked.Store(timeout != 0)\n	return timeout, nil\n",
			"	rt.parked.Store(timeout != 0) // ... then announce\n	return timeout, nil\n",
		},
		brokenIntro:  "The executor itself sleeps in the kernel now, and another goroutine ends that sleep with the bell. It rings only if parked is true. In this version, the runtime looks at what has been injected, and announces that it parks after it has let go of the lock. Slip a wake in between.",
		brokenLesson: "The runtime looked and found nothing injected. Then the wake came: it injected the task, but parked wasn't set yet, so it didn't ring. After that the runtime announced that it parks, and went to sleep with a task in its lane.",
		intro:        "This is the chapter's code. Try to find a gap for the wake.",
		lesson:       "The look at injected and the announcement that the runtime parks are under one lock, so a wake comes before both or after both. If it comes before, the look finds the task, and the runtime doesn't sleep. If it comes after, the wake finds parked set, and rings.",
		same:         "This time the runtime looks in {len(rt.injected) > 0? no} and keeps the lock until parked is set, so post has to wait.",
		orders:       [][2]string{{"the wake comes before the look", "12*|1*"}, {"the wake waits for the lock", "112*|12*1*"}, {"the runtime sleeps before post begins", "1*|2*1*"}},
	},
	{
		id: "bell", title: "The bell", chapter: "06-full-runtime", page: "06-full-runtime/1-one-thread.md",
		files: runtime06,
		edits: []string{
			"	rt.mu.Lock()\n	defer rt.mu.Unlock()\n	if rt.closed {\n		return false\n	}\n",
			"	rt.mu.Lock()\n	if rt.closed {\n		rt.mu.Unlock()\n		return false\n	}\n",
			"	if rt.parked.Swap(false) { // one ring is enough, however many wakes follow\n		rt.reactor.poller.notify()\n	}\n	return true\n",
			"	rt.mu.Unlock()\n	if rt.parked.Swap(false) { // one ring is enough, however many wakes follow\n		rt.reactor.poller.notify() // without the lock\n	}\n	return true\n",
		},
		brokenIntro:  "The runtime sleeps for a second, and is closed after that. In this version, a wake decides under the lock to ring the bell, but it rings after the unlock. Close the bell in between.",
		brokenLesson: "post decided to ring while the bell was still there. Then the runtime woke up by itself, and Close closed the bell's descriptor. By now its number may belong to another connection, and the ring is written to that.",
		intro:        "This is the chapter's code. Try to close the bell between the decision and the ring.",
		lesson:       "The bell rings under the lock, and Close marks the runtime as closed under the same lock. So a wake either rings before that, or finds the mark and doesn't ring at all.",
		same:         "This time post decides to ring in {rt.parked.Swap(false)? yes}, and keeps the lock until it has rung, so Close has to wait.",
		orders:       [][2]string{{"post rings during the sleep", "2*|1*3*1*"}, {"post comes just before Close", "1*2*|3*1*"}, {"Close comes first", "1*3*1*|2*"}},
	},
}

// Nothing here waits for a descriptor. Of these files only what the others name
// is kept.
var nothingElse = []string{"future.go", "context.go:Context Context.Waker", "reactor.go:Reactor waiters directions"}

var runtime06 = []string{
	"executor.go", "task.go", "runtime.go", theLetter, "trace.go", "joinhandle.go", "ownership.go", "timers.go",
	"waker.go", "future.go", "context.go", "reactor.go",
}

var decisive06 = regexp.MustCompile(`^(Poll returned|woken|len\(rt.injected\)|rt.parked|rt.closed|t.queued)`)

const theLetter = "04-waker/main.go:letter letter.Poll letter.post"

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

// path returns where a file is: in the chapter unless it says otherwise.
func (v variant) path(file string) string {
	if strings.Contains(file, "/") {
		return file
	}
	return filepath.Join(v.chapter, file)
}

func (v variant) paths() (all []string) {
	for _, file := range v.files {
		file, _, _ := strings.Cut(file, ":")
		all = append(all, v.path(file))
	}
	return all
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
		path := v.path(file)
		text, there := readIfThere(t, path)
		if !there {
			t.Fatalf("%s: there's no %s", v.id, path)
		}
		for i := 0; i < len(v.edits) && v.broken; i += 2 {
			edited[i] += strings.Count(text, v.edits[i])
			if edited[i] == 1 {
				text = strings.Replace(text, v.edits[i], v.edits[i+1], 1)
			}
		}
		texts[path] = text
		if names := strings.Fields(kept); len(names) > 0 {
			text = onlyDeclarations(t, path, text, func(name string) bool { return slices.Contains(names, name) })
		}
		add(path, withLocals(t, path, text))
	}
	for i := 0; i < len(v.edits) && v.broken; i += 2 {
		if edited[i] != 1 {
			t.Fatalf("%s cannot be broken: this is there %d times, want once:\n%s", v.id, edited[i], v.edits[i])
		}
	}
	path := filepath.Join(playedDir, v.chapter[:2]+".go")
	text, _ := readIfThere(t, path)
	add(path, text)
	return texts
}

// onlyDeclarations replaces all other declarations by spaces.
func onlyDeclarations(t *testing.T, path, text string, kept func(name string) bool) string {
	t.Helper()
	positions := token.NewFileSet()
	file, err := parser.ParseFile(positions, path, text, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	b := []byte(text)
	for _, decl := range file.Decls {
		names := declarations(&ast.File{Decls: []ast.Decl{decl}})
		if len(names) == 0 || slices.ContainsFunc(names, kept) {
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

// withLocals says what the variables and parameters of a function are, when they
// have been set, what its conditions are, and which way a select goes. After each
// statement it lets the recorder look at what has changed.
func withLocals(t *testing.T, path, text string) string {
	t.Helper()
	positions := token.NewFileSet()
	file, err := parser.ParseFile(positions, path, text, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	inserts := make(map[int]string)
	noteAt := func(at token.Pos, format string, names []ast.Expr) {
		for _, to := range names {
			if id, is := to.(*ast.Ident); is && id.Name != "_" {
				inserts[positions.Position(at).Offset] += fmt.Sprintf(format, id.Name, id.Name)
			}
		}
	}
	const before, after = " sched.Local(%q, %s);", "; sched.Local(%q, %s)"
	look := func(stmt ast.Stmt) { inserts[positions.Position(stmt.End()).Offset] += "; sched.NoteChanges()" }
	note := func(list []ast.Stmt) {
		for _, stmt := range list {
			switch stmt := stmt.(type) {
			case *ast.ExprStmt:
				if call, is := stmt.X.(*ast.CallExpr); !is || fmt.Sprint(call.Fun) != "panic" { // which may be a function's end
					look(stmt)
				}
			case *ast.AssignStmt:
				look(stmt)
				noteAt(stmt.End(), after, stmt.Lhs)
			case *ast.IncDecStmt:
				look(stmt)
				noteAt(stmt.End(), after, []ast.Expr{stmt.X})
			case *ast.IfStmt:
				if assign, is := stmt.Init.(*ast.AssignStmt); is && assign.Tok == token.ASSIGN {
					noteAt(stmt.End(), after, assign.Lhs)
				}
			}
		}
	}
	insert := func(at token.Pos, format string, args ...any) {
		inserts[positions.Position(at).Offset] += fmt.Sprintf(format, args...)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BlockStmt:
			note(n.List)
		case *ast.CaseClause:
			note(n.Body)
		case *ast.CommClause:
			what := "the channel takes it"
			if n.Comm == nil {
				what = "the channel can't take it now, so: default"
			}
			insert(n.Colon+1, " sched.Found(%q);", what)
			note(n.Body)
		case *ast.ForStmt:
			if assign, is := n.Init.(*ast.AssignStmt); is {
				noteAt(n.Body.Lbrace+1, before, assign.Lhs)
			}
		case *ast.IfStmt:
			if assign, is := n.Init.(*ast.AssignStmt); is {
				noteAt(n.Body.Lbrace+1, before, assign.Lhs)
			}
			cond, about := n.Cond, text[positions.Position(n.Cond.Pos()).Offset:positions.Position(n.Cond.End()).Offset]+"?"
			if not, is := cond.(*ast.UnaryExpr); is && not.Op == token.NOT {
				cond, about = not.X, about[1:]
			}
			if called := calledIn(n.Init); called != "" {
				about = called + " returned"
			}
			insert(cond.Pos(), "sched.If(%q, ", about)
			inserts[positions.Position(cond.End()).Offset] = ")" + inserts[positions.Position(cond.End()).Offset]
		case *ast.FuncDecl:
			for _, fields := range []*ast.FieldList{n.Recv, n.Type.Params} {
				for i := 0; fields != nil && i < len(fields.List); i++ {
					for _, name := range fields.List[i].Names {
						noteAt(n.Body.Lbrace+1, before, []ast.Expr{name})
					}
				}
			}
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

// calledIn returns the name of the method in a statement such as
// value, ready := f.Poll(cx).
func calledIn(stmt ast.Stmt) string {
	if assign, is := stmt.(*ast.AssignStmt); is {
		if call, is := assign.Rhs[0].(*ast.CallExpr); is {
			if method, is := call.Fun.(*ast.SelectorExpr); is {
				return method.Sel.Name
			}
		}
	}
	return ""
}

type shownVariable struct {
	Name string `json:"name"`
	Kind string `json:"kind"` // value, queue or token
}

// A graph is what testdata/schedules/sched/record.go writes.
type graph struct {
	Threads   []string
	Variables []shownVariable
	Nodes     []*struct {
		Threads []where
		Values  []string
		Next    map[string]int
		Found   map[string]string
		Failed  string
	}
	Cut bool
}

type where struct {
	Status, What  string
	Lines, Locals []string
}

func TestPlaygroundStates(t *testing.T) {
	t.Parallel()
	onlyIfPlayed(t)
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
	for _, p := range playground {
		for _, v := range []variant{{p, true}, {p, false}} {
			g := graphs[v.pkg()]
			v.check(t, g)
			sameAsCommitted(t, v.id+v.suffix(), v.data(t, g, texts[v.pkg()]))
		}
	}
}

// onlyIfPlayed is for what takes long: not in a learner's go test ./...
func onlyIfPlayed(t *testing.T) {
	t.Helper()
	if os.Getenv("TUTORIAL_WRITE") == "" {
		onlyIfAll(t)
	}
}

// check fails unless the wakeup can be lost in the variant that is broken, and
// in the other one each goroutine comes to its end from every state.
func (v variant) check(t *testing.T, g *graph) {
	t.Helper()
	if g.Cut {
		t.Errorf("%s has more than %d states", v.pkg(), maxStates)
	}
	stuck := 0
	for _, n := range g.Nodes {
		if n.Failed != "" || len(n.Next) == 0 && slices.ContainsFunc(n.Threads, func(w where) bool { return w.Status != "finished" }) {
			stuck++
		}
	}
	if v.broken != (stuck > 0) {
		t.Errorf("%s has %d states without a way out, of %d", v.pkg(), stuck, len(g.Nodes))
	}
	t.Logf("%s: %d states, %d without a way out", v.pkg(), len(g.Nodes), stuck)
}

// sameAsCommitted compares what has been recorded with what the page shows, or
// writes it.
func sameAsCommitted(t *testing.T, id string, data []byte) {
	t.Helper()
	path := filepath.Join(playDir, id+".js")
	if len(data) > maxData {
		t.Errorf("%s has %d bytes, want at most %d", path, len(data), maxData)
	}
	if os.Getenv("TUTORIAL_WRITE") != "" {
		writeFile(t, path, string(data))
		return
	}
	text, _ := readIfThere(t, path)
	was, is := lines(text), lines(string(data))
	for i := range is {
		if i >= len(was) || was[i] != is[i] {
			t.Errorf("%s:%d isn't what the code does now:\n%s\nTo record it again: TUTORIAL_WRITE=1 go test -run 'TestPlayground(States|Runs)' ./internal/checks", path, i+1, is[i])
			return
		}
	}
	if text != string(data) {
		t.Errorf("%s has more than what the code does now", path)
	}
}

// A recording is what the page gets.
type recording struct {
	ID        string          `json:"id"`
	Title     string          `json:"title"`
	Chapter   string          `json:"chapter"`
	Page      string          `json:"page"`
	Other     string          `json:"other,omitempty"` // the other variant
	Broken    bool            `json:"broken,omitempty"`
	Intro     string          `json:"intro"`
	Lesson    string          `json:"lesson,omitempty"` // shown at the end
	Same      string          `json:"same,omitempty"`   // shown after the other variant's steps
	Orders    [][3]any        `json:"orders,omitempty"` // to try then: a name, the keys, and after how many of them to stop
	Threads   []string        `json:"threads"`
	Lanes     []string        `json:"lanes,omitempty"` // of a program's run: the arrows are between them
	Variables []shownVariable `json:"variables"`
	Code      []excerpt       `json:"code"`
	Places    []place         `json:"places"`
	Nodes     []node          `json:"nodes"`
}

type excerpt struct {
	File    string   `json:"file"`
	Line    int      `json:"line"` // the first one's number
	Lines   []string `json:"lines"`
	Changed []int    `json:"changed,omitempty"` // these aren't in the other variant
	Untrue  []int    `json:"untrue,omitempty"`  // the comments of these are true in the chapter only

	// Before the lines with these numbers only the other variant locks or unlocks, and
	// no changed line says so.
	Gone map[int]string `json:"gone,omitempty"`
}

// A place is where a goroutine can be.
type place struct {
	Status string   `json:"status"`
	What   string   `json:"what,omitempty"`
	At     []string `json:"at,omitempty"` // file:line, the innermost first
	Locals []string `json:"locals,omitempty"`
}

type node struct {
	Places []int             `json:"p"` // by thread
	Values []string          `json:"v"` // by variable
	Next   map[string]int    `json:"n,omitempty"`
	Found  map[string]string `json:"s,omitempty"` // what the step from here found, by thread
	Arrow  []any             `json:"a,omitempty"` // of the step from here: from, to, label
	Failed string            `json:"f,omitempty"`
}

func (v variant) suffix() string {
	if v.broken {
		return ""
	}
	return "-repaired"
}

func (v variant) data(t *testing.T, g *graph, texts map[string]string) []byte {
	t.Helper()
	r := recording{
		ID: v.id + v.suffix(), Title: v.title, Chapter: v.chapter, Page: v.page, Broken: v.broken,
		Other: v.id + variant{v.played, !v.broken}.suffix(), Intro: v.intro, Lesson: v.lesson,
		Threads: g.Threads, Variables: g.Variables,
	}
	for i, name := range r.Threads {
		if strings.HasPrefix(name, "in ") { // the function with the go statement
			r.Threads[i] = "Close"
		}
	}
	if v.broken {
		r.Title = cmp.Or(v.brokenTitle, v.title)
		r.Intro, r.Lesson = v.brokenIntro, v.brokenLesson
	} else {
		r.Same = v.same
		for _, o := range v.orders {
			keys, stop := g.keys(t, o[1])
			r.Orders = append(r.Orders, [3]any{o[0], keys, stop})
		}
	}
	shown := make(map[string][]int) // lines, by file
	places := make(map[string]int)
	for _, n := range g.Nodes {
		to := node{Values: n.Values, Next: n.Next, Found: make(map[string]string)}
		for thread, found := range n.Found {
			if notes := v.notes(g, n.Threads, g.Nodes[n.Next[thread]].Threads, thread, strings.Split(found, "; ")); len(notes) > 0 {
				to.Found[thread] = strings.Join(notes, "; ")
			}
		}
		to.Failed, _, _ = strings.Cut(n.Failed, "\n")
		for len(n.Threads) < len(g.Threads) {
			n.Threads = append(n.Threads, where{Status: "absent"}) // its go statement is yet to come
		}
		for _, w := range n.Threads {
			p := place{Status: w.Status, What: w.What, Locals: w.Locals}
			for _, at := range w.Lines {
				file, line, _ := strings.Cut(at, ":")
				if texts[file] != "" {
					number, _ := strconv.Atoi(line)
					shown[file] = append(shown[file], number)
					p.At = append(p.At, at)
				}
			}
			key := fmt.Sprint(p)
			if _, is := places[key]; !is {
				places[key] = len(r.Places)
				r.Places = append(r.Places, p)
			}
			to.Places = append(to.Places, places[key])
		}
		r.Nodes = append(r.Nodes, to)
	}
	for _, path := range v.paths() {
		r.Code = append(r.Code, excerpts(t, path, texts[path], shown[path], v.shows)...)
	}
	v.markEdits(r.Code, texts)
	if v.broken {
		v.markUntrue(t, r.Code)
	}
	return r.script(t)
}

// keys returns the keys of an order, which has to lead to an end, and how many of
// them come before the bar.
func (g *graph) keys(t *testing.T, order string) (keys string, stop int) {
	t.Helper()
	n := g.Nodes[0]
	for i, key := range order {
		if key == '|' {
			stop = len(keys)
		}
		if key == '|' || key == '*' {
			continue
		}
		thread, many := strconv.Itoa(int(key-'1')), strings.HasPrefix(order[i+1:], "*")
		to, can := n.Next[thread]
		if !can {
			t.Fatalf("the order %s: after the keys %s, %c can't take a step", order, keys, key)
		}
		for can {
			keys, n = keys+string(key), g.Nodes[to]
			to, can = n.Next[thread]
			can = can && many
		}
	}
	if len(n.Next) > 0 || stop == 0 || stop == len(keys) {
		t.Fatalf("the order %s doesn't lead to an end, or has no bar on its way", order)
	}
	return keys, stop
}

var (
	setLocal   = regexp.MustCompile(`^\w+ = `)
	halfPopped = regexp.MustCompile(`queue: (.*, )?nil\b`) // on the way to another value
)

// notes returns what the page says of a step: what it has found out and changed,
// in the order in which it did so.
func (v variant) notes(g *graph, before, after []where, thread string, found []string) (notes []string) {
	t, _ := strconv.Atoi(thread)
	for _, what := range found {
		isVariable := slices.ContainsFunc(g.Variables, func(s shownVariable) bool { return strings.HasPrefix(what, s.Name+": ") })
		switch {
		case setLocal.MatchString(what): // worth a note while it lives, if it's new
			if slices.Contains(before[t].Locals, what) || !slices.Contains(after[t].Locals, what) {
				continue
			}
		case halfPopped.MatchString(what):
			continue
		case what == "token: none" && before[t].What == "receives":
			what = g.Threads[t] + " takes the token and doesn't sleep"
		case isVariable:
		case what == "the channel takes it":
			for i := range min(len(before), len(after)) {
				if before[i].Status == "asleep" && after[i].Status != "asleep" {
					what = fmt.Sprintf("handed straight to %s, which sleeps on the channel", g.Threads[i])
				}
			}
		case v.chapter == "06-full-runtime" && !decisive06.MatchString(what): // it has many conditions
			continue
		}
		notes = append(notes, what)
	}
	return notes
}

// script is what the page loads: one node a line, so that a change can be read.
func (r recording) script(t *testing.T) []byte {
	t.Helper()
	text := func(v any) string {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if err := e.Encode(v); err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(b.String())
	}
	var b bytes.Buffer
	var all []string
	for _, c := range r.Code {
		all = append(all, text(c))
	}
	code := strings.Join(all, ",\n")
	all = nil
	for _, p := range r.Places {
		all = append(all, text(p))
	}
	places := strings.Join(all, ",\n")
	all = nil
	for _, n := range r.Nodes {
		all = append(all, text(n))
	}
	nodes := strings.Join(all, ",\n")
	r.Code, r.Places, r.Nodes = nil, nil, nil
	head := strings.TrimSuffix(text(r), `,"code":null,"places":null,"nodes":null}`)
	fmt.Fprintf(&b, "// Recorded by internal/checks/play_test.go. Don't edit it.\nplay(%s,\n\"code\":[\n%s],\n\"places\":[\n%s],\n\"nodes\":[\n%s]})\n", head, code, places, nodes)
	return b.Bytes()
}

// excerpts returns the functions that have these lines in them, and what is
// shown besides.
func excerpts(t *testing.T, path, text string, lineNumbers []int, besides []string) (all []excerpt) {
	t.Helper()
	positions := token.NewFileSet()
	file, err := parser.ParseFile(positions, path, text, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, decl := range file.Decls {
		from, to := positions.Position(decl.Pos()).Line, positions.Position(decl.End()).Line
		names := declarations(&ast.File{Decls: []ast.Decl{decl}})
		inIt := slices.ContainsFunc(lineNumbers, func(line int) bool { return from <= line && line <= to })
		if inIt || slices.ContainsFunc(names, func(name string) bool { return slices.Contains(besides, name) }) {
			all = append(all, excerpt{File: path, Line: from, Lines: lines(text)[from-1 : to]})
		}
	}
	return all
}

// markEdits notes which lines aren't in the other variant.
func (v variant) markEdits(code []excerpt, texts map[string]string) {
	for i := 0; i < len(v.edits); i += 2 {
		was, is := v.edits[i], v.edits[i+1]
		if !v.broken {
			was, is = is, was
		}
		for file, text := range texts {
			at := strings.Index(text, is)
			if at < 0 {
				continue
			}
			first, old, isNew := strings.Count(text[:at], "\n")+1, lines(was), false
			for n, line := range lines(strings.TrimSuffix(is, "\n")) {
				found := slices.Index(old, line)
				var gone []string
				if found >= 0 {
					for _, m := range locked.FindAllStringSubmatch(strings.Join(old[:found], "\n"), -1) {
						gone = append(gone, m[1])
					}
					old = old[found+1:]
				}
				said := isNew // by a changed line just before
				isNew = found < 0
				for c := range code {
					e := &code[c]
					if e.File != file || first+n < e.Line || e.Line+len(e.Lines) <= first+n {
						continue
					}
					if isNew {
						e.Changed = append(e.Changed, first+n)
					} else if len(gone) > 0 && !said && !v.broken {
						if e.Gone == nil {
							e.Gone = make(map[int]string)
						}
						e.Gone[first+n] = fmt.Sprintf("no %s here", strings.Join(gone, " and "))
					}
				}
			}
		}
	}
}

// locked finds the calls that are statements of their own.
var locked = regexp.MustCompile(`(?m)^\s*([\w.]+\.(?:Unlock|Lock)\(\))$`)

func (v variant) markUntrue(t *testing.T, code []excerpt) {
	t.Helper()
	for _, comment := range v.untrue {
		found := 0
		for c := range code {
			for i, line := range code[c].Lines {
				if strings.Contains(line, comment) {
					code[c].Untrue = append(code[c].Untrue, code[c].Line+i)
					found++
				}
			}
		}
		if found != 1 {
			t.Errorf("%s: the comment is there %d times, want once: %s", v.pkg(), found, comment)
		}
	}
}
