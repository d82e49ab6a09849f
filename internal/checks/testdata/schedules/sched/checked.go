//go:build !race

package sched

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A thread is a goroutine of the scenario. It runs from one step to the next,
// and only when it is released: so at most one of them runs, which is current.
type thread struct {
	name    string
	own     bool // of the scenario itself: has to come to its end
	release chan struct{}
	stopped bool // at step; if not, and it is not current, it is blocked in a channel
	step    step
	ended   bool
	fired   bool      // it has been released: a timer can no longer be stopped
	stack   []uintptr // where it is, when the recorder has looked
}

// A step is what a thread is about to do.
type step struct {
	what     string
	callers  [5]uintptr
	ready    func() bool // nil: it can be done now
	deadline time.Time   // from then on it can be done in any case, unless zero
	minor    bool        // shares nothing: no choice is made here
}

func (s *step) canRun() bool { return s.ready == nil || s.ready() }

type phase int

const (
	preparing phase = iota // one goroutine; its steps are not stopped at
	exploring
	finishing // one order only
)

var ( // of one schedule
	phaseNow    phase
	threads     []*thread
	current     *thread
	trace       []event
	preemptions int
	explored    struct {
		threads, steps int
		cut            bool // by the bound
	}
)

// An event is a step that was taken.
type event struct {
	thread string
	step   step
}

var ( // of one scenario
	bound  int      // preemptions that a schedule may have
	path   []choice // from the first to the latest of this schedule
	depth  int      // choices made so far in this schedule
	number int      // of this schedule
)

// A choice is one of several ways to go on.
type choice struct{ taken, of int }

const maxSteps = 5000 // a schedule with more does not end

// Step stops before something that others can see.
func Step(what string) { stop(step{what: what}) }

// Await stops until ready, or the deadline if there is one. ready is called
// often, and may change nothing.
func Await(what string, deadline time.Time, ready func() bool) {
	stop(step{what: what, ready: ready, deadline: deadline})
}

// Change runs f, which changes what ready functions look at.
func Change(f func()) { f() }

func stop(s step) {
	if phaseNow == preparing {
		return
	}
	runtime.Callers(3, s.callers[:])
	current.stop(s)
}

func (t *thread) stop(s step) {
	t.step, t.stopped = s, true
	if recording != nil {
		recording.noteStack(t)
	}
	<-t.release
}

// At is a Step in the middle of an expression.
func At[T any](what string, v T) T {
	Step(what)
	return v
}

// Go is the go statement.
func Go(name string, f func()) { newThread(name, step{what: "starts", minor: true}, f) }

func newThread(name string, first step, f func()) *thread {
	t := &thread{name: fmt.Sprintf("%d %s", len(threads)+1, name), release: make(chan struct{}), stopped: true, step: first}
	threads = append(threads, t)
	go func() {
		<-t.release
		if t.ended { // a timer that was stopped
			return
		}
		defer func() {
			if v := recover(); v != nil {
				Failf("panic: %v\n%s", v, debug.Stack())
			}
			t.ended = true
		}()
		f()
	}()
	return t
}

// Receive is <-ch. The channel is a real one: if nothing is there, the thread
// blocks in it, and stops once more when it is back, since another one runs.
func Receive[T any](ch <-chan T) T {
	Step("receives")
	t := current
	v := <-ch
	if current != t {
		t.stop(step{minor: true})
	}
	return v
}

func Send[T any](ch chan<- T, v T) {
	Step("sends")
	t := current
	ch <- v
	if current != t {
		t.stop(step{minor: true})
	}
}

func CloseChannel[T any](ch chan<- T) {
	Step("closes the channel")
	close(ch)
}

// Mutex is sync.Mutex. Unlock needs no stop: what it makes possible is tried
// at the next one.
type Mutex struct{ locked bool }

func (m *Mutex) Lock() {
	stop(step{what: "locks", ready: func() bool { return !m.locked }})
	m.locked = true
}

func (m *Mutex) Unlock() {
	if !m.locked {
		Failf("unlock of an unlocked mutex")
	}
	m.locked = false
}

// Once is sync.Once.
type Once struct {
	mu   Mutex
	done bool
}

func (o *Once) Do(f func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.done {
		f()
		o.done = true
	}
}

// Bool is atomic.Bool.
type Bool struct{ v bool }

func (b *Bool) Load() bool {
	Step("loads")
	return b.v
}

func (b *Bool) Store(v bool) {
	Step("stores")
	b.v = v
}

func (b *Bool) Swap(v bool) (old bool) {
	Step("swaps")
	old, b.v = b.v, v
	return old
}

func (b *Bool) CompareAndSwap(old, v bool) bool {
	Step("compares and swaps")
	if b.v != old {
		return false
	}
	b.v = v
	return true
}

// Timer is what AfterFunc returns: a thread that may run from its time on.
type Timer struct{ t *thread }

func AfterFunc(d time.Duration, f func()) *Timer {
	never := func() bool { return false }
	return &Timer{newThread("timer", step{what: "fires", ready: never, deadline: time.Now().Add(d)}, f)}
}

func (t *Timer) Stop() bool {
	Step("stops the timer")
	if t.t.fired || t.t.ended {
		return false
	}
	t.t.ended = true
	close(t.t.release)
	return true
}

// IntN is rand.IntN: every outcome is tried.
func IntN(n int) int {
	if phaseNow != exploring {
		return 0
	}
	return choose(n)
}

// Explore runs a scenario in every order with a bounded number of preemptions,
// which are switches away from a thread that could have gone on: three if the
// scenario is small (at most three threads, or at most 30 steps), or else two,
// and more while that makes few schedules. Those with fewer preemptions come
// first. It stops after limit schedules, unless that is 0.
func Explore(t *testing.T, s Scenario, limit int) (schedules int) {
	const few = 2000
	steps, highest, left := 0, 2, true
	for bound = 0; left && (bound <= highest || schedules < few); bound++ {
		left = false
		for path = path[:0]; ; {
			number = schedules + 1
			synctest.Test(t, func(*testing.T) { once(s) })
			if explored.threads <= 3 || explored.steps <= 30 {
				highest = 3
			}
			steps = max(steps, explored.steps)
			left = left || explored.cut
			if preemptions == bound { // those with fewer have been counted
				schedules++
			}
			if schedules == limit && limit > 0 {
				fmt.Printf("  %-56s %7d schedules, the first ones\n", s.Name, schedules)
				return schedules
			}
			if !nextPath() {
				break
			}
		}
	}
	which := fmt.Sprintf("all with up to %d preemptions", bound-1)
	if !left {
		which = "all"
	}
	fmt.Printf("  %-56s %7d schedules, %s; %d threads, up to %d steps\n", s.Name, schedules, which, explored.threads, steps)
	return schedules
}

// nextPath changes the latest choice that can be changed.
func nextPath() bool {
	for n := len(path); n > 0; n-- {
		if c := &path[n-1]; c.taken+1 < c.of {
			c.taken++
			path = path[:n]
			return true
		}
	}
	return false
}

func choose(n int) int {
	if n == 1 {
		return 0
	}
	if depth == len(path) {
		path = append(path, choice{0, n})
	}
	c := path[depth]
	depth++
	if c.of != n {
		Failf("the scenario does not repeat itself: %d choices, had %d", n, c.of)
	}
	return c.taken
}

// once runs one schedule, the one that path says.
func once(s Scenario) {
	phaseNow, threads, current, trace, preemptions, depth, files = preparing, nil, nil, trace[:0], 0, 0, nil
	explored.cut = false
	r := new(R)
	s.Run(r)
	for _, start := range r.threads {
		Go(start.name, start.f)
		threads[len(threads)-1].own = true
	}
	phaseNow = exploring
	runUntil(func(t *thread) bool { return t.ended || !t.own })
	explored.threads, explored.steps = len(threads), len(trace)
	phaseNow = finishing
	if r.after != nil {
		Go("after", r.after)
	}
	runUntil(func(t *thread) bool { return t.ended })
}

// runUntil releases one thread after the other until all are done.
func runUntil(done func(*thread) bool) {
	for {
		settle()
		if !slices.ContainsFunc(threads, func(t *thread) bool { return !done(t) }) {
			return
		}
		options := options()
		if len(options) == 0 {
			Failf("lost wakeup: no goroutine can run, and at least one waits")
		}
		if len(trace) > maxSteps {
			Failf("no end after %d steps", maxSteps)
		}
		next := options[0]
		if phaseNow == exploring {
			next = options[choose(len(options))]
		}
		if current != nil && next != current && current.stopped && !current.ended && current.step.canRun() {
			preemptions++
		}
		if !next.step.canRun() {
			next.step.what += " (time is up)"
		}
		trace = append(trace, event{next.name, next.step})
		next.run()
	}
}

// settle returns when every thread is at a step, blocked or at its end.
// synctest knows which goroutines are blocked.
func settle() {
	synctest.Wait()
	for i := 0; i < len(threads); i++ { // more may come meanwhile
		for t := threads[i]; t.stopped && t.step.minor; {
			latest := current
			t.run()
			synctest.Wait()
			current = latest
		}
	}
}

func (t *thread) run() {
	if !t.step.canRun() {
		time.Sleep(time.Until(t.step.deadline)) // the clock of synctest's bubble
	}
	current, t.stopped, t.fired = t, false, true
	t.release <- struct{}{}
}

// options are the threads that can be released. The current one comes first,
// and is the only one if it can go on and no preemption is left. Whoever waits
// for the clock may go on at any time, since the others may be slow.
func options() (all []*thread) {
	var late []*thread
	forced := false
	for _, t := range threads {
		switch {
		case !t.stopped || t.ended:
		case !t.step.canRun():
			if !t.step.deadline.IsZero() {
				late = append(late, t)
			}
		case t == current:
			all = slices.Insert(all, 0, t)
			forced = preemptions == bound || phaseNow == finishing
		default:
			all = append(all, t)
		}
	}
	all = append(all, late...)
	if forced {
		explored.cut = explored.cut || phaseNow == exploring && len(all) > 1
		all = all[:1]
	}
	return all
}

// Failf ends the process: what is blocked could not be ended otherwise.
func Failf(format string, args ...any) {
	var b strings.Builder
	fmt.Fprintf(&b, format, args...)
	if recording != nil {
		recording.fail(b.String())
	}
	fmt.Fprintf(&b, "\nin schedule %d, preemptions: %d\n", number, preemptions)
	for i, s := range trace {
		fmt.Fprintf(&b, "%4d  %-16s %-32s %s\n", i+1, s.thread, s.step.what, s.step.where())
	}
	for _, t := range threads {
		switch {
		case t.ended:
		case t.stopped:
			fmt.Fprintf(&b, "   .  %-16s not yet: %-23s %s\n", t.name, t.step.what, t.step.where())
		case phaseNow != preparing:
			fmt.Fprintf(&b, "   .  %-16s in: %-28s %s\n", t.name, t.step.what, t.step.where())
		}
	}
	fmt.Print(b.String())
	os.Exit(1)
}

// where says where the chapter takes the step.
func (s *step) where() string {
	frames := runtime.CallersFrames(s.callers[:])
	for {
		frame, more := frames.Next()
		dir, file := filepath.Split(frame.File)
		if dir = filepath.Base(dir); dir != "sched" && !strings.HasPrefix(file, "queue") || !more {
			return fmt.Sprintf("%s/%s:%d", dir, file, frame.Line)
		}
	}
}
