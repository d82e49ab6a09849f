// Package order runs a learner's code in every order in which its goroutines
// can take their steps. A rule about locks can't be tested otherwise: its breach
// shows once in a million runs, and the race detector finds it only if it shows.
//
// The learner's file is rewritten: see rewrite.go. Then each goroutine stops
// before each statement, and All releases them one at a time, in one order after
// the other. If one of them sleeps forever, or a check fails, the steps that led
// there are printed. Each use of a variable is noted, with the locks that are
// held, so that a use without the lock is found even if it does no harm today.
package order

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

// A Scenario is what some goroutines do at the same time.
type Scenario struct {
	Story string            // what happens, as the beginning of a sentence
	Run   func(s *Schedule) // makes what they share, and calls s.Go for each
	Bound int               // how often a goroutine is interrupted; 0 means 2
}

// Schedule is one order.
type Schedule struct {
	scenario Scenario
	lines    []string // of the learner's file
	file     string

	mu        sync.Mutex // two run at once for a moment if one has woken the other in a channel
	threads   []*thread
	byID      map[uint64]*thread
	touched   map[unsafe.Pointer][]touch
	trace     []string
	last      string // whose step is the last of trace
	finally   []func()
	path      []choice
	depth     int
	used      int  // preemptions
	coarse    bool // a goroutine that has a lock isn't interrupted
	running   *thread
	exploring atomic.Bool
}

type thread struct {
	name    string
	release chan struct{}
	stopped bool        // it waits for its release
	ready   func() bool // nil: it can be released at any time
	why     string      // what it waits for, if it isn't ready
	line    int         // where it is
	held    []any       // the locks that it has
	ended   bool
	extra   bool // it may sleep in the end
	steps   int
	hidden  bool // this stop is no step of its own
}

// A touch is a use of a variable.
type touch struct {
	by    *thread
	line  int
	write bool
	held  []any
}

type choice struct{ taken, of int }

const (
	maxSteps     = 400    // in one order
	maxSchedules = 60_000 // of one scenario
)

var now atomic.Pointer[Schedule] // the schedule that is being tried

func goid() uint64 {
	var buf [40]byte
	text := string(buf[:runtime.Stack(buf[:], false)])
	id, _ := strconv.ParseUint(strings.Fields(text)[1], 10, 64)
	return id
}

// me returns the thread that calls it; nil if it's none of the scenario's.
func me() (*Schedule, *thread) {
	s := now.Load()
	if s == nil || !s.exploring.Load() {
		return nil, nil
	}
	id := goid()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s, s.byID[id]
}

// Go adds a goroutine to the scenario.
func (s *Schedule) Go(name string, f func()) {
	t := &thread{name: name, release: make(chan struct{}), stopped: true, hidden: true}
	s.mu.Lock()
	s.threads = append(s.threads, t)
	s.mu.Unlock()
	go func() {
		s.mu.Lock()
		s.byID[goid()] = t
		s.mu.Unlock()
		<-t.release
		defer func() {
			if v := recover(); v != nil {
				s.Fatalf("%s panics: %v", check.Culprit(), v)
			}
			s.mu.Lock()
			t.ended = true
			s.mu.Unlock()
		}()
		f()
		if len(t.held) > 0 {
			s.Fatalf("%s is done, and never gives back a lock that it has taken", t.name)
		}
	}()
}

// Held reports whether the goroutine that calls it has a lock.
func Held() bool {
	_, t := me()
	return t != nil && len(t.held) > 0
}

// MaySleep says that it's all right if this goroutine sleeps in the end.
func (s *Schedule) MaySleep(name string) {
	for _, t := range s.threads {
		t.extra = t.extra || t.name == name
	}
}

// Finally is called when all goroutines have ended, or sleep.
func (s *Schedule) Finally(f func()) { s.finally = append(s.finally, f) }

// Sleeps reports whether the goroutine of this name hasn't ended.
func (s *Schedule) Sleeps(name string) bool {
	return slices.ContainsFunc(s.threads, func(t *thread) bool { return t.name == name && !t.ended })
}

// Asleep is for a Wait's ready: it reports whether this goroutine sleeps in
// something other than a lock.
func (s *Schedule) Asleep(name string) bool {
	return slices.ContainsFunc(s.threads, func(t *thread) bool { return t.name == name && !t.stopped && !t.ended })
}

// Steps returns how many steps this goroutine has taken.
func (s *Schedule) Steps(name string) (n int) {
	for _, t := range s.threads {
		if t.name == name {
			n += t.steps
		}
	}
	return n
}

// Step is a step that the test takes: text says what it does.
func (s *Schedule) Step(text string) { s.Wait(text, "", nil) }

// Wait is a step that can be taken once ready returns true. Until then the
// goroutine sleeps, and why completes the sentence "it waits ...".
func (s *Schedule) Wait(text, why string, ready func() bool) {
	if now, t := me(); now == s && t != nil {
		s.stop(t, ready, why)
		s.log(t, text)
	}
}

func (s *Schedule) stop(t *thread, ready func() bool, why string) {
	s.mu.Lock()
	t.ready, t.why, t.stopped, t.hidden = ready, why, true, false
	s.mu.Unlock()
	<-t.release
}

func (s *Schedule) log(t *thread, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := t.name
	if s.last == name {
		name = ""
	}
	s.last = t.name
	t.steps++
	s.trace = append(s.trace, fmt.Sprintf("%-*s  %s", s.width(), name, text))
	if len(s.trace) > maxSteps {
		s.fail(fmt.Sprintf("it's not over after %d steps: does something go round and round?", maxSteps), 40)
	}
}

func (s *Schedule) width() (n int) {
	for _, t := range s.threads {
		n = max(n, len(t.name))
	}
	return n
}

// Step is called before each statement of the rewritten file.
func Step(line int) {
	if s, t := me(); t != nil {
		t.line = line
		if !s.coarse || len(t.held) == 0 {
			s.stop(t, nil, "")
		}
		s.log(t, fmt.Sprintf("%s:%-3d %s", s.file, line, s.statement(line)))
	}
}

// Read and Write are called for each use of a variable that may be shared.
func Read[T any](p *T, line int) *T {
	note(unsafe.Pointer(p), unsafe.Sizeof(*p), line, false)
	return p
}

func Write[T any](p *T, line int) *T {
	note(unsafe.Pointer(p), unsafe.Sizeof(*p), line, true)
	return p
}

func note(p unsafe.Pointer, size uintptr, line int, write bool) {
	s, t := me()
	if t == nil || size == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	mine := touch{t, line, write, slices.Clone(t.held)}
	known := false
	for _, other := range s.touched[p] {
		known = known || other.by == t && other.line == line && other.write == write && slices.Equal(other.held, mine.held)
		if other.by == t || !write && !other.write || slices.ContainsFunc(other.held, func(lock any) bool { return slices.Contains(mine.held, lock) }) {
			continue
		}
		s.fail(fmt.Sprintf("%s uses what %s uses as well, one of the two changes it, and there's no lock that both hold:\n    %s\n    %s\nThe steps until then",
			t.name, other.by.name, s.told(mine), s.told(other)), 40)
	}
	if !known {
		s.touched[p] = append(s.touched[p], mine)
	}
}

func (s *Schedule) told(u touch) string {
	locks := map[bool]string{true: "without a lock", false: "with a lock"}[len(u.held) == 0]
	return fmt.Sprintf("%-*s  %s:%-3d %s   ← %s", s.width(), u.by.name, s.file, u.line, s.statement(u.line), locks)
}

// statement is a line without its comment.
func (s *Schedule) statement(line int) string {
	text, _, _ := strings.Cut(s.lines[line-1], " // ")
	return strings.TrimSpace(text)
}

// Fatalf ends everything: this order is one in which the code is wrong.
func (s *Schedule) Fatalf(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail(fmt.Sprintf(format, args...)+". The steps", maxSteps)
}

// fail prints what is wrong, and ends the process. Its caller holds mu.
func (s *Schedule) fail(text string, most int) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s. In this order of steps it goes wrong: %s:\n", s.scenario.Story, text)
	if cut := len(s.trace) - most; cut > 0 {
		s.trace = append([]string{fmt.Sprintf("(%d steps before)", cut)}, s.trace[cut:]...)
	}
	for i, line := range s.trace {
		fmt.Fprintf(&b, "  %2d  %s\n", i+1, strings.TrimRight(line, " "))
	}
	fmt.Print(opening, b.String(), closing)
	os.Exit(failed)
}

const (
	opening, closing = "<<<order\n", "order>>>\n"
	failed           = 3
)

func newSchedule(file string, lines []string, sc Scenario) *Schedule {
	return &Schedule{scenario: sc, file: file, lines: lines, byID: make(map[uint64]*thread), touched: make(map[unsafe.Pointer][]touch)}
}

// run tries one order: the choices in path, then the first one each time.
func (s *Schedule) run() {
	now.Store(s)
	s.scenario.Run(s)
	synctest.Wait()
	s.exploring.Store(true)
	for {
		t := s.choose()
		if t == nil {
			time.Sleep(time.Hour) // timers may wake some
			synctest.Wait()
			if t = s.choose(); t == nil {
				break
			}
		}
		s.release(t)
	}
	s.exploring.Store(false)
	for _, t := range s.threads {
		if !t.ended && !t.extra {
			s.Fatalf("%s", s.sleeps(t))
		}
	}
	for _, f := range s.finally {
		f()
	}
	for _, t := range s.threads {
		if !t.ended { // it may sleep, so let it go
			close(t.release)
		}
	}
	now.Store(nil)
}

// release lets t take its step.
func (s *Schedule) release(t *thread) {
	s.mu.Lock()
	t.stopped, s.running = false, t
	s.mu.Unlock()
	t.release <- struct{}{}
	synctest.Wait()
}

func (s *Schedule) sleeps(t *thread) string {
	switch {
	case t.stopped && t.why != "":
		return fmt.Sprintf("%s waits %s, and nothing is left to do that", t.name, t.why)
	case t.line > 0:
		return fmt.Sprintf("%s sleeps in %s:%d, and nothing is left to wake it", t.name, s.file, t.line)
	}
	return t.name + " sleeps, and nothing is left to wake it"
}

// choose picks the thread that goes on. To interrupt the one that runs is a
// preemption, and those are counted.
func (s *Schedule) choose() *thread {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ready []*thread
	for _, t := range s.threads {
		if t.stopped && !t.ended && (t.ready == nil || t.ready()) {
			ready = append(ready, t)
		}
	}
	if i := slices.Index(ready, s.running); i >= 0 {
		ready[0], ready[i] = ready[i], ready[0]
		if s.used >= s.scenario.Bound {
			ready = ready[:1]
		}
	}
	if len(ready) == 0 {
		return nil
	}
	if len(ready) == 1 {
		return ready[0]
	}
	if s.depth == len(s.path) {
		s.path = append(s.path, choice{0, len(ready)})
	}
	t := ready[min(s.path[s.depth].taken, len(ready)-1)]
	if ready[0] == s.running && t != s.running {
		s.used++
	}
	s.depth++
	return t
}

// explore tries every order with at most so many preemptions. Those with few come
// first, because what they find is told in fewer steps. From the second preemption
// on, a goroutine that has a lock isn't interrupted. What would be found by that is
// a goroutine that does without the lock, and that's noted anyway, or found with
// one preemption.
func explore(t *testing.T, file string, lines []string, sc Scenario, deadline time.Time) (schedules int) {
	var path []choice
	for {
		s := newSchedule(file, lines, sc)
		s.path, s.coarse = path, sc.Bound > 1
		synctest.Test(t, func(*testing.T) { s.run() })
		if schedules++; schedules == maxSchedules || time.Now().After(deadline) {
			return schedules
		}
		path = s.path[:s.depth]
		for len(path) > 0 && path[len(path)-1].taken+1 == path[len(path)-1].of {
			path = path[:len(path)-1]
		}
		if len(path) == 0 {
			return schedules
		}
		path[len(path)-1].taken++
	}
}

// pause is a stop that's no step of its own.
func (s *Schedule) pause(t *thread) {
	s.mu.Lock()
	t.ready, t.stopped, t.hidden = nil, true, true
	s.mu.Unlock()
	<-t.release
}
