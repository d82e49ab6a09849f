//go:build !race

package sched

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// The recorder writes down every state that a scenario can be in, and which
// goroutine's next step leads to which other state. Pages under docs/play show
// what it has written.

// A Graph is a scenario's states. Nodes[0] is where it begins.
type Graph struct {
	Threads   []string
	Variables []Variable // their values are in the nodes
	Nodes     []*Node
	Cut       bool // by the limit
}

// A Node is one state.
type Node struct {
	Threads []Where
	Values  []string
	Next    map[int]int    // from a thread that can take a step to a node
	Found   map[int]string // what that step found out and changed, in this order, by thread
	Failed  string         // why the scenario ended here, if it did

	clock time.Duration // since the beginning
	found string        // by the step that led here
}

// Where is the state of one goroutine.
type Where struct {
	Status string   // ready, waits, asleep, finished or failed
	What   string   // it is about to do
	Lines  []string // file:line, the innermost first
	Locals []string // name = value, in the innermost function of a chapter

	all []string // in the other ones, too
}

// A Variable is something whose value is shown.
type Variable struct {
	Name, Kind string
	Value      func() string `json:"-"`
}

type recorder struct {
	began     time.Time
	variables []Variable
	names     map[any]string // of pointers
	locals    map[*thread][]local
	minor     map[string]bool // steps that aren't stopped at
	begin     string          // the first goroutine's step that the recording begins with
	found     []string        // by the step that is being taken, and what it has changed, in this order
	values    []string        // of the variables, when we last looked
	failed    chan string
	never     chan struct{} // is never closed; made outside of the bubble, so that the bubble isn't settled
	finders   []func(value any) (found bool)
}

type local struct{ function, name, value string }

var recording *recorder // nil when nothing is recorded

// Show makes the recorder show a value, from the next step on.
func Show[T any](name, kind string, value func() T) {
	if r := recording; r != nil {
		r.variables = append(r.variables, Variable{name, kind, func() string { return r.text(value()) }})
	}
}

// Call gives something that a pointer points to a name.
func Call(pointer any, name string) {
	if recording != nil {
		recording.names[pointer] = name
	}
}

// Peek loads without a step.
func Peek(b *Bool) bool { return b.v }

// Skip lets goroutines take steps of these kinds without a stop.
func Skip(kinds ...string) {
	for _, what := range kinds {
		if recording != nil {
			recording.minor[what] = true
		}
	}
}

// BeginWith lets the first goroutine go on alone until this is its next step.
func BeginWith(what string) {
	if recording != nil {
		recording.begin = what
	}
}

// Find keeps the first local variable of this type, and names what it points to.
func Find[T comparable](to *T, name string) {
	if r := recording; r != nil {
		r.finders = append(r.finders, func(value any) bool {
			v, is := value.(T)
			if is && *to == *new(T) {
				*to, r.names[v] = v, name
			}
			return is && v == *to
		})
	}
}

// Local is called when a variable of a function has been set.
func Local(name string, value any) {
	if recording == nil || current == nil || phaseNow != exploring {
		return
	}
	for _, find := range recording.finders {
		if find(value) {
			return
		}
	}
	NoteChanges()
	if is, isBool := value.(bool); isBool {
		Found(fmt.Sprint(name, " = ", is))
	}
	pc, _, _, _ := runtime.Caller(1)
	function := runtime.FuncForPC(pc).Name()
	all := slices.DeleteFunc(recording.locals[current], func(l local) bool { return l.function == function && l.name == name })
	if text := recording.text(value); text != "" {
		all = append(all, local{function, name, text})
	}
	recording.locals[current] = all
}

// If is the condition of an if statement. What it's about ends with a question
// mark, or with a verb that the value completes.
func If[B ~bool](about string, is B) B {
	NoteChanges()
	if strings.HasSuffix(about, "?") {
		Found(about + map[bool]string{true: " yes", false: " no"}[bool(is)])
	} else {
		Found(fmt.Sprint(about, " ", is))
	}
	return is
}

// Found notes what a step has found out.
func Found(what string) {
	if r := recording; r != nil && current != nil && phaseNow == exploring && !slices.Contains(r.found, what) {
		r.found = append(r.found, what)
	}
}

// NoteChanges notes which of the variables have changed. It's called after each
// statement, so that a step's notes are in the order of what it did.
func NoteChanges() {
	r := recording
	if r == nil || r.values == nil || current == nil || phaseNow != exploring {
		return
	}
	for i, v := range r.variables {
		if value := v.Value(); value != r.values[i] {
			r.values[i] = value
			r.found = append(r.found, v.Name+": "+v.shown(value))
		}
	}
}

// shown is a value in words, as the page has them.
func (v Variable) shown(value string) string {
	switch {
	case v.Kind == "token" && value == "0", v.Kind == "value" && value == "":
		return "none"
	case v.Kind == "token":
		return "one"
	case value == "":
		return "empty"
	}
	return value
}

// text returns a value as it is shown, or nothing if it has no good form.
func (r *recorder) text(value any) string {
	v := reflect.ValueOf(value)
	switch v.Kind() {
	case reflect.Invalid:
		return "nil"
	case reflect.Bool, reflect.Int, reflect.Int64, reflect.Uint32:
		return fmt.Sprint(value)
	case reflect.String:
		return v.String()
	case reflect.Pointer:
		if v.IsNil() {
			return "nil"
		}
		return r.names[value]
	case reflect.Slice:
		var all []string
		for i := range v.Len() {
			all = append(all, r.text(v.Index(i).Interface()))
		}
		return strings.Join(all, ", ")
	}
	return ""
}

func (r *recorder) noteStack(t *thread) {
	pcs := make([]uintptr, 40)
	t.stack = pcs[:runtime.Callers(3, pcs)]
	t.step.minor = t.step.minor || r.minor[t.step.what]
}

// fail ends a recording. What runs now never goes on.
func (r *recorder) fail(why string) {
	r.failed <- why
	<-r.never
}

var inChapter = regexp.MustCompile(`^\d\d-`)

func (r *recorder) where(t *thread) Where {
	if t.ended {
		return Where{Status: "finished"}
	}
	w := Where{Status: "ready", What: t.step.what}
	switch {
	case !t.stopped:
		w.Status = "asleep"
	case !t.step.canRun() && t.step.what == "locks":
		w.Status = "waits"
	case !t.step.canRun():
		w.Status = "asleep"
	}
	inside, innermost := make(map[string]bool), ""
	frames := runtime.CallersFrames(t.stack)
	for more := len(t.stack) > 0; more; {
		var frame runtime.Frame
		frame, more = frames.Next()
		inside[frame.Function] = true
		dir, file := filepath.Split(frame.File)
		if dir = filepath.Base(dir); inChapter.MatchString(dir) {
			innermost = cmp.Or(innermost, frame.Function)
			w.Lines = append(w.Lines, fmt.Sprintf("%s/%s:%d", dir, file, frame.Line))
		}
	}
	r.locals[t] = slices.DeleteFunc(r.locals[t], func(l local) bool { return !inside[l.function] })
	for _, l := range r.locals[t] {
		w.all = append(w.all, l.name+" = "+l.value)
		if l.function == innermost {
			w.Locals = append(w.Locals, l.name+" = "+l.value)
		}
	}
	return w
}

func (r *recorder) node() *Node {
	NoteChanges()
	n := &Node{Next: make(map[int]int), Found: make(map[int]string), clock: time.Since(r.began), found: strings.Join(r.found, "; ")}
	for _, t := range threads {
		n.Threads = append(n.Threads, r.where(t))
	}
	for _, v := range r.variables {
		n.Values = append(n.Values, v.Value())
	}
	for i, t := range threads {
		if slices.Contains(options(), t) {
			n.Next[i] = -1
		}
	}
	return n
}

func (n *Node) key() string { return fmt.Sprint(n.Threads, n.Values, n.Failed, n.options(), n.clock) }

func (n *Node) options() (all []int) {
	for i := range n.Next {
		all = append(all, i)
	}
	slices.Sort(all)
	return all
}

// follow runs a scenario from its beginning, with the steps of these threads,
// and calls at in each state. Then it runs to its end, if it can: a bubble with
// goroutines that never end is left as it is.
func follow(t *testing.T, s Scenario, g *Graph, choose func(n *Node) (thread int, more bool)) {
	r := &recorder{names: make(map[any]string), locals: make(map[*thread][]local), minor: make(map[string]bool), failed: make(chan string), never: make(chan struct{})}
	recording, bound = r, -1
	stuck, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		synctest.Test(t, func(*testing.T) {
			r.began = time.Now()
			prepare(s)
			g.Variables = r.variables
			for settle(); r.begin != "" && threads[0].step.what != r.begin; settle() {
				threads[0].run()
			}
			for {
				settle()
				for _, t := range threads[min(len(g.Threads), len(threads)):] {
					_, name, _ := strings.Cut(t.name, " ")
					g.Threads = append(g.Threads, name)
				}
				n := r.node()
				i, more := choose(n)
				if !more {
					break
				}
				r.found, r.values = nil, slices.Clone(n.Values)
				threads[i].run()
			}
			for len(options()) > 0 {
				options()[0].run()
				settle()
			}
			if slices.ContainsFunc(threads, func(t *thread) bool { return !t.ended }) {
				close(stuck)
				<-r.never
			}
		})
	}()
	select {
	case <-done:
	case <-stuck:
	case why := <-r.failed:
		NoteChanges()
		failed := &Node{Next: make(map[int]int), Failed: why, found: strings.Join(r.found, "; ")}
		for _, t := range threads {
			w := r.where(t)
			if t == current {
				w.Status = "failed"
			}
			failed.Threads = append(failed.Threads, w)
		}
		for _, v := range r.variables {
			failed.Values = append(failed.Values, v.Value())
		}
		choose(failed)
	}
	recording = nil
}

func prepare(s Scenario) {
	phaseNow, threads, current, trace, preemptions, depth, files = preparing, nil, nil, trace[:0], 0, 0, nil
	r := new(R)
	s.Run(r)
	for _, start := range r.threads {
		Go(start.name, start.f)
		threads[len(threads)-1].own = true
	}
	phaseNow = exploring
}

// Record finds every state, and compares what it has found with random paths.
func Record(t *testing.T, s Scenario, limit, paths int) *Graph {
	g, known := new(Graph), make(map[string]int)
	type task struct {
		path  []int
		from  int
		taken int
	}
	for tasks := []task{{from: -1}}; len(tasks) > 0; tasks = tasks[1:] {
		next := tasks[0]
		path, got := next.path, (*Node)(nil)
		follow(t, s, g, func(n *Node) (int, bool) {
			if len(path) == 0 || n.Failed != "" {
				if got == nil {
					got = n
				}
				return 0, false
			}
			i := path[0]
			path = path[1:]
			return i, true
		})
		at, seen := known[got.key()]
		if !seen {
			at = len(g.Nodes)
			known[got.key()] = at
			g.Nodes = append(g.Nodes, got)
			if g.Cut = len(g.Nodes) > limit; g.Cut {
				return g
			}
			for _, i := range got.options() {
				tasks = append(tasks, task{append(slices.Clone(next.path), i), at, i})
			}
		}
		if next.from >= 0 {
			from := g.Nodes[next.from]
			if from.Next[next.taken] = at; got.found != "" {
				from.Found[next.taken] = got.found
			}
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range paths {
		at, path, found := 0, []int{}, ""
		follow(t, s, new(Graph), func(n *Node) (int, bool) {
			want := g.Nodes[at]
			if n.Failed == "" && len(path) > 0 && n.found != found {
				panic(fmt.Sprintf("%s: the last of the steps %v found %q, the graph has %q", s.Name, path, n.found, found))
			}
			if n.key() != want.key() {
				panic(fmt.Sprintf("%s: after the steps %v the state is\n%s, the graph has\n%s", s.Name, path, n.key(), want.key()))
			}
			all := n.options()
			if len(all) == 0 {
				return 0, false
			}
			i := all[random.IntN(len(all))]
			at, path, found = want.Next[i], append(path, i), want.Found[i]
			return i, true
		})
	}
	return g
}
