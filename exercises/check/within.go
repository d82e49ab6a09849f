// Package check is for the tests of the exercises: whatever a solution does,
// what its author sees is a sentence.
package check

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Within runs f and fails the test if it does not return in time, with the
// sentence, or if it panics, with the line. The t that f gets is good for as
// long as the test: an f that comes back too late says nothing more. One that
// hangs is enough: the tests after it are skipped.
//
// Do not use it in a bubble of testing/synctest: an f that hangs there ends in
// a list of goroutines. Bubble has the bubble inside.
func Within(t testing.TB, d time.Duration, sentence string, f func(t testing.TB)) {
	t.Helper()
	if first := hung.Load(); first != nil && *first != t.Name() {
		t.Skipf("not tried: %s hangs", *first)
	}
	inner := &guarded{TB: t}
	over := make(chan string, 1) // why f has ended
	go func() {
		why := "left by Goexit" // t.Fatal in f
		defer func() { over <- why }()
		defer func() {
			if v := recover(); v != nil {
				why = fmt.Sprintf("%s panics: %v", Culprit(), v)
			}
		}()
		f(inner)
		why = ""
	}()
	select {
	case why := <-over:
		switch {
		case strings.Contains(why, " panics: "):
			t.Fatal(why)
		case why != "" && !t.Failed() && !t.Skipped():
			t.Fatal("runtime.Goexit was called: nothing here asks for that")
		case why != "":
			runtime.Goexit() // as t.Fatal and t.Skip would have done here
		}
	case <-time.After(d):
		inner.abandon()
		Hangs(t, d, sentence)
	}
}

// Hangs fails the test as Within does when f does not return in time. It is for
// a test that waits for something by itself.
func Hangs(t testing.TB, d time.Duration, sentence string) {
	t.Helper()
	name := t.Name()
	hung.CompareAndSwap(nil, &name)
	t.Fatalf("still waiting after %v: %s (The tests after this one are skipped.)", d, sentence)
}

// hung is the name of the first test that hangs. With -count it is tried again.
var hung atomic.Pointer[string]

// Culprit, in a deferred function that has recovered, names the line that
// panicked: the innermost one outside Go's own packages, whose paths do not
// start with a domain.
func Culprit() string {
	callers := make([]uintptr, 64)
	frames := runtime.CallersFrames(callers[:runtime.Callers(2, callers)])
	for {
		frame, more := frames.Next()
		domain, _, _ := strings.Cut(frame.Function, "/")
		ours := strings.Contains(domain, ".") && domain != frame.Function
		if file := filepath.Base(frame.File); ours && file != "within.go" && file != "bubble.go" {
			return fmt.Sprintf("%s:%d", file, frame.Line)
		}
		if !more {
			return "something"
		}
	}
}

// guarded is a testing.TB that falls silent when it is abandoned.
type guarded struct {
	testing.TB
	mu        sync.Mutex
	abandoned bool // guarded by mu
}

func (g *guarded) abandon() {
	g.mu.Lock()
	g.abandoned = true
	g.mu.Unlock()
}

// alive returns with g.mu locked, or not at all.
func (g *guarded) alive() {
	g.mu.Lock()
	if g.abandoned {
		g.mu.Unlock()
		runtime.Goexit()
	}
}

func (g *guarded) Log(args ...any) {
	g.TB.Helper()
	g.alive()
	defer g.mu.Unlock()
	g.TB.Log(args...)
}

func (g *guarded) Logf(format string, args ...any) {
	g.TB.Helper()
	g.Log(fmt.Sprintf(format, args...))
}

func (g *guarded) Error(args ...any) {
	g.TB.Helper()
	g.alive()
	defer g.mu.Unlock()
	g.TB.Error(args...)
}

func (g *guarded) Errorf(format string, args ...any) {
	g.TB.Helper()
	g.Error(fmt.Sprintf(format, args...))
}

func (g *guarded) Fatal(args ...any) {
	g.TB.Helper()
	g.alive()
	defer g.mu.Unlock()
	g.TB.Fatal(args...)
}

func (g *guarded) Fatalf(format string, args ...any) {
	g.TB.Helper()
	g.Fatal(fmt.Sprintf(format, args...))
}
