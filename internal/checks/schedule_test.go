package checks

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The code of chapters 04 to 06 in every order, within a bound, in which its
// goroutines can take their steps: locks, atomics, channels, wakes, timers, the
// kernel's queue. The bound is on preemptions, two or three and sometimes more:
// see Explore.
//
// Copies of the chapters are rewritten so that each goroutine stops before each
// such step. Package sched, in internal/checks/testdata/schedules, releases them one at a time,
// in one order after the other. If none can run and one still waits, a wakeup
// was lost, and the steps that led there are printed. That this can happen is
// proved by mistakes that are planted in the copies.
//
// It hides data races, as only one runs at a time, and each sees at once what
// another has written; so the same scenarios also run at random, with the race
// detector, on several processors.
//
//	TUTORIAL_CHECK=ci go test -run TestSchedules -v .
//
// TUTORIAL_SEED is where the random ones begin. What the processors do besides
// differs from run to run.

const (
	scheduleDir = "internal/checks/testdata/schedules"
	checkTest   = scheduleDir + "/check/check_test.go"
	randomOnes  = 200_000 // in all
)

// checked are the chapters, and the file that replaces the kernel's poller.
var checked = []struct{ dir, poller string }{
	{"04-waker", "poller04.go"},
	{"05-executor", "poller04.go"},
	{"06-full-runtime", "poller06.go"},
}

// A mistake is easily made, and found by a scenario of its chapter: a report
// that matches want.
type mistake struct {
	name, dir string
	edits     []string // old, new, old, new ...; each old is there once
	scenario  string
	want      string
}

const (
	lost = "^lost wakeup"
	race = "DATA RACE" // found at random only
)

var mistakes = []mistake{
	{"a signal instead of a token", "04-waker", []string{
		"make(chan struct{}, 1)", "make(chan struct{})",
	}, "a wake against a park", lost},
	{"the poller is armed without the lock, and then the waker is stored", "04-waker", []string{
		"err := r.poller.arm(fd, all.directions())", "r.mu.Unlock(); err := r.poller.arm(fd, all.directions()); r.mu.Lock()",
	}, "a descriptor is ready while it is registered", lost},
	{"only the first waker is kept", "04-waker", []string{
		"all[dir] = w", "if all[dir] == nil { all[dir] = w }",
	}, "a descriptor is registered again while it is delivered", lost},
	{"unlock, wake, arm the other direction again", "04-waker", []string{
		"r.poller.arm(fd, left.directions())", "func() error { r.waiting[fd] = left; r.mu.Unlock(); woken.wake(); defer r.mu.Lock(); return r.poller.arm(fd, left.directions()) }()",
		"\tr.waiting[fd] = left\n\treturn woken\n", "\treturn waiters{}\n",
	}, "one direction registers while the other is armed again", lost},
	{"the other direction is not armed again", "04-waker", []string{
		"r.poller.arm(fd, left.directions()) != nil", "false",
	}, "one direction is delivered while the other registers", lost},
	{"Wake is called with the lock held", "04-waker", []string{
		"\treturn woken\n}", "\twoken.wake()\n\treturn waiters{}\n}",
		"{\n\t\treturn all //", "{\n\t\tall.wake()\n\t\treturn waiters{} //",
	}, "a Wake that registers", lost},
	{"a Register after Close returns no error", "04-waker", []string{
		"r.waiting, r.broken = nil, err", "r.waiting = make(map[int]waiters)",
	}, "Close against a wait", lost},

	{"unpark, then push", "05-executor", []string{
		"if e.push(t) {", "e.parker.Wake()\n\tif e.push(t) && false {",
	}, "a wake against a park", lost},
	{"queued is cleared after the poll", "05-executor", []string{
		"\tt.queued = false // before", "\t// before",
		"if t.poll() {", "if ready := t.poll(); func() bool { e.mu.Lock(); defer e.mu.Unlock(); t.queued = false; return ready }() {",
	}, "a wake against a park", lost},
	{"the task is taken out of the queue after the poll", "05-executor", []string{
		"\te.runQueue[0] = nil // or the array would keep the task\n\te.runQueue = e.runQueue[1:]\n", "",
		"\tt.queued = false // before", "\t// before",
		"if t.poll() {", "if ready := t.poll(); func() bool { e.mu.Lock(); defer e.mu.Unlock(); t.queued, e.runQueue = false, e.runQueue[1:]; return ready }() {",
	}, "a wake against a park", lost},

	{"push does not lock", "05-executor", []string{
		"push(t *Task) bool {\n\te.mu.Lock()\n\tdefer e.mu.Unlock()", "push(t *Task) bool {",
	}, "two tasks, woken by two goroutines", race},

	{"parked is announced after the look at the queue", "06-full-runtime", []string{
		"rt.parked.Store(timeout != 0)", "rt.mu.Unlock()\n\trt.mu.Lock()\n\trt.parked.Store(timeout != 0)",
	}, "a wake against a park", lost},
	{"the bell is rung without the lock", "06-full-runtime", []string{
		"rt.reactor.poller.notify()", "rt.mu.Unlock()\n\t\trt.reactor.poller.notify()\n\t\trt.mu.Lock()",
	}, "Close against a wake", "^notify on a poller that is closed"},
	{"queued is cleared after the poll", "06-full-runtime", []string{
		"\tt.queued.Swap(false)", "\t",
		"ready := t.work.poll(&t.cx)", "ready := t.work.poll(&t.cx)\n\tt.queued.Swap(false)",
	}, "a wake against a park", lost},
	{"Cancel wakes, then marks", "06-full-runtime", []string{
		"h.task.cancelled.Store(true)\n\th.task.Wake()", "h.task.Wake()\n\th.task.cancelled.Store(true)",
	}, "cancel from another goroutine", lost},
	{"Blocking stores the waker after the look at done", "06-full-runtime", []string{
		"b.waker = cx.Waker()", "w := cx.Waker()",
		"\t\t\tgo b.run()\n\t\t}\n", "\t\t\tgo b.run()\n\t\t}\n\t\tb.mu.Unlock()\n\t\tb.mu.Lock()\n\t\tb.waker = w\n",
	}, "Blocking returns against a park", "nil pointer dereference"},
	{"SpawnRemote looks at closed too early", "06-full-runtime", []string{
		"\tif rt.closed {\n\t\treturn false\n\t}", "\tif rt.closed {\n\t\treturn false\n\t}\n\trt.mu.Unlock()\n\trt.mu.Lock()",
	}, "Close against a spawn", "^what is left: "},
	{"a place that was handed over is lost with its future", "06-full-runtime", []string{
		"l.passTurn() // or", "// or",
	}, "a place in a channel is handed over", "^BlockOn: deadlock: "},
	{"a task that is being woken counts as stuck", "06-full-runtime", []string{
		"t.outside || t.queued.Load()", "t.outside",
	}, "a timer is cancelled in flight", "^BlockOn: deadlock: "},
}

func (m mistake) pkg(i int) string { return fmt.Sprintf("m%02d", i) }

func TestSchedules(t *testing.T) {
	onlyInCI(t)
	t.Parallel()
	copies := rewrittenChapters(t)
	exhaustive, random := copies.build(t, "exhaustive"), copies.build(t, "random", "-race")
	for i, m := range mistakes {
		t.Run(m.dir+", mistake: "+m.name, func(t *testing.T) {
			program, limit := exhaustive, "-limit=0"
			if m.want == race {
				program, limit = random, "-limit=1000"
			}
			got := run(t, time.Minute, ".", nil, program, "-of="+m.pkg(i), "-scenario="+m.scenario, limit)
			if said := got.stdout + got.stderr; got.exit == 0 || !regexp.MustCompile("(?m)"+m.want).MatchString(said) {
				t.Fatalf("want a report that matches %q, got:\n%s", m.want, said)
			}
			t.Log("found " + regexp.MustCompile("in schedule .*|at random").FindString(got.stdout))
		})
	}
	for _, c := range checked {
		t.Run(c.dir, func(t *testing.T) {
			t.Parallel()
			check(t, exhaustive, c.dir, "", 0)
		})
		for _, processors := range []int{1, 2, 8} {
			t.Run(fmt.Sprintf("%s, at random, GOMAXPROCS=%d", c.dir, processors), func(t *testing.T) {
				t.Parallel()
				check(t, random, c.dir, fmt.Sprintf("GOMAXPROCS=%d", processors), randomOnes/3/scenarios(t)+1)
			})
		}
	}
}

// check runs the scenarios of a chapter.
func check(t *testing.T, program, chapter, env string, limit int) {
	t.Helper()
	args := []string{"-of=c" + chapter[:2], "-limit=" + strconv.Itoa(limit), "-test.timeout=0"}
	if seed := os.Getenv("TUTORIAL_SEED"); seed != "" && env != "" {
		args = append(args, "-seed="+seed)
	}
	got := run(t, 10*time.Minute, ".", strings.Fields(env), program, args...)
	t.Log("\n" + got.stdout)
	if got.exit != 0 {
		t.Error(got.stderr)
	}
}

// scenarios says how many there are.
func scenarios(t *testing.T) (n int) {
	t.Helper()
	for _, c := range checked {
		text, _ := readIfThere(t, filepath.Join(scheduleDir, "scenarios", c.dir[:2]+".go"))
		n += strings.Count(text, "\n\t{\"")
	}
	return n
}

// An overlay is files that are not there: see go help build. Unlike a module in
// a temporary folder, it is compiled again only where it has changed.
type overlaid struct {
	dir     string            // has the contents
	Replace map[string]string // paths to contents
}

func (o *overlaid) add(t *testing.T, path, text string) {
	t.Helper()
	content := filepath.Join(o.dir, strconv.Itoa(len(o.Replace)))
	writeFile(t, content, strings.ReplaceAll(text, `"schedules/`, `"`+modulePath(t)+"/"+scheduleDir+"/"))
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	o.Replace[path] = content
}

// rewrittenChapters makes a package of each chapter, and of each mistake, and a
// test that imports them all.
func rewrittenChapters(t *testing.T) *overlaid {
	t.Helper()
	o := &overlaid{t.TempDir(), make(map[string]string)}
	imports, entries := "", ""
	add := func(dir, poller, pkg string, m mistake) {
		o.addRewritten(t, dir, poller, pkg, m)
		imports += fmt.Sprintf("\t\"schedules/%s\"\n", pkg)
		entries += fmt.Sprintf("\t%q: %s.Scenarios,\n", pkg, pkg)
	}
	for _, c := range checked {
		add(c.dir, c.poller, "c"+c.dir[:2], mistake{})
		for i, m := range mistakes {
			if m.dir == c.dir {
				add(c.dir, c.poller, m.pkg(i), m)
			}
		}
	}
	text, _ := readIfThere(t, checkTest)
	o.add(t, checkTest, text)
	o.add(t, filepath.Join(filepath.Dir(checkTest), "scenarios_test.go"), "package check\n\nimport (\n\t\"schedules/sched\"\n"+
		imports+")\n\nvar scenarios = map[string][]sched.Scenario{\n"+entries+"}\n")
	return o
}

// addRewritten makes a package of what the scenarios of a chapter need of it,
// with a mistake in it, if any.
func (o *overlaid) addRewritten(t *testing.T, chapter, poller, pkg string, m mistake) {
	t.Helper()
	scenarios := filepath.Join(scheduleDir, "scenarios")
	paths := []string{filepath.Join(scenarios, chapter[:2]+".go"), filepath.Join(scenarios, "futures.go"), filepath.Join(scenarios, poller)}
	paths = append(paths, neededFiles(t, chapter, paths)...)
	found, edited := make(map[string]int), make([]int, len(m.edits))
	for _, path := range paths {
		text, _ := readIfThere(t, path)
		for i := 0; i < len(m.edits); i += 2 {
			edited[i] += strings.Count(text, m.edits[i])
		}
		text, err := rewrite(path, strings.NewReplacer(m.edits...).Replace(text), pkg, found)
		if err != nil {
			t.Fatal(err)
		}
		o.add(t, filepath.Join(scheduleDir, pkg, filepath.Base(path)), text)
	}
	for i := 0; i < len(m.edits); i += 2 {
		if edited[i] != 1 {
			t.Fatalf("the mistake %q cannot be planted in %s: this is there %d times, want once:\n%s", m.name, chapter, edited[i], m.edits[i])
		}
	}
	for _, what := range []string{"sched.Mutex", "sched.Go", "sched.At", "sched.Receive"} {
		if found[what] == 0 {
			t.Fatalf("%s has nothing that %s stands in for: is it still checked?", chapter, what)
		}
	}
}

func (o *overlaid) build(t *testing.T, program string, flags ...string) (path string) {
	t.Helper()
	path = filepath.Join(o.dir, program)
	args := append([]string{"test", "-c", "-vet=off", "-overlay", o.write(t), "-o", path}, flags...)
	if got := run(t, 5*time.Minute, ".", []string{compiles}, "go", append(args, "./"+filepath.Dir(checkTest))...); got.exit != 0 {
		t.Fatalf("the rewritten chapters do not build:\n%s", got.stderr)
	}
	return path
}

// write writes the list that go build -overlay wants.
func (o *overlaid) write(t *testing.T) (path string) {
	t.Helper()
	list, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(o.dir, "overlay.json")
	writeFile(t, path, string(list))
	return path
}

func modulePath(t *testing.T) string {
	t.Helper()
	text, _ := readIfThere(t, "go.mod")
	return strings.TrimPrefix(lines(text)[0], "module ")
}
