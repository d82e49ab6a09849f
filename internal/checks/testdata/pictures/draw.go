package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
)

// This is compiled into a copy of a chapter: see pictures_test.go.

var drawing struct {
	picture string // the one that is drawn

	mu    sync.Mutex
	from  string                 // guarded by mu: the arrow that the picture begins with, if it hasn't yet
	hold  string                 // guarded by mu: an arrow that waits until then
	times map[string]int         // guarded by mu: how often an arrow has come, drawn or not
	first map[string]func(n int) // is called before an arrow comes, for the nth time
	again bool                   // draws each time what is drawn only once in the picture
	news  sync.Cond              // of from and times; its L is mu
	on    bool                   // guarded by mu
	drawn map[string]bool        // guarded by mu
	then  map[string][]func()    // guarded by mu
}

func init() {
	drawing.picture, drawing.news.L = os.Getenv("PICTURE"), &drawing.mu
	drawing.times = make(map[string]int)
	scenario := scenarios[drawing.picture]
	if scenario == nil {
		fmt.Fprintf(os.Stderr, "there's no scenario for %q\n", drawing.picture)
		os.Exit(2)
	}
	scenario()
	drawing.mu.Lock() // what comes now is no more of the picture
	if watching {
		fmt.Fprintln(os.Stderr, "end\t\t"+values())
	}
	os.Exit(0)
}

// begin starts to draw. When an arrow is drawn for the first time, the first
// function in then[arrow] is called, for the second time the second.
func begin(then map[string][]func()) {
	drawing.drawn, drawing.then, drawing.on = make(map[string]bool), then, true
}

// beginWith starts to draw when this arrow comes. Until then the goroutine that
// would draw the arrow hold waits.
func beginWith(from, hold string, then map[string][]func()) {
	drawing.mu.Lock()
	defer drawing.mu.Unlock()
	drawing.from, drawing.hold, drawing.drawn, drawing.then, drawing.on = from, hold, make(map[string]bool), then, false
}

// waitFor waits until an arrow has come n times.
func waitFor(arrow string, n int) {
	drawing.mu.Lock()
	defer drawing.mu.Unlock()
	for drawing.times[arrow] < n {
		drawing.news.Wait()
	}
}

// pause stops to draw, or goes on.
func pause(stop bool) (wasOn bool) {
	drawing.mu.Lock()
	defer drawing.mu.Unlock()
	wasOn, drawing.on = drawing.on, !stop
	return wasOn
}

// draw writes an arrow, which ends with value. If it is one of those that are
// drawn once, only the first time.
func draw(picture, arrow string, value any, once bool) {
	if picture != drawing.picture {
		return
	}
	arrow = fmt.Sprint(arrow, value)
	drawing.mu.Lock()
	if first := drawing.first[arrow]; first != nil {
		n := drawing.times[arrow] + 1
		drawing.mu.Unlock()
		first(n)
		drawing.mu.Lock()
	}
	if arrow == drawing.from {
		drawing.from, drawing.on = "", true
	}
	drawing.times[arrow]++
	drawing.news.Broadcast()
	for arrow == drawing.hold && drawing.from != "" {
		drawing.news.Wait()
	}
	var then func()
	if drawing.on && !(once && drawing.drawn[arrow] && !drawing.again) {
		name := arrow
		drawing.drawn[name] = true
		if watching {
			_, file, line, _ := runtime.Caller(1)
			arrow += fmt.Sprintf("\t%s/%s:%d\t%s", filepath.Base(filepath.Dir(file)), filepath.Base(file), line, values())
		}
		fmt.Fprintln(os.Stderr, arrow)
		if all := drawing.then[name]; len(all) > 0 {
			then, drawing.then[name] = all[0], all[1:]
		}
	}
	drawing.mu.Unlock()
	if then != nil {
		then()
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

// watching says that each arrow comes with the line of code, and with the values
// of what the scenario shows.
var watching = os.Getenv("WATCH") != ""

// A watched value is shown on a page of docs/play.
type watched struct {
	Name, Kind string // the kind is value, queue or token
	value      func() string
}

var allWatched []watched

func display(name, kind string, value func() string) {
	allWatched = append(allWatched, watched{name, kind, value})
}

// values returns what is shown. It takes no lock: where it's called, nothing
// changes the values, or else the recording differs from time to time.
func values() string {
	type one struct{ Name, Kind, Value string }
	var all []one
	for _, w := range allWatched {
		all = append(all, one{w.Name, w.Kind, w.value()})
	}
	text, _ := json.Marshal(all)
	return string(text)
}

// seen is what a row of drawnArrows has seen, by its type.
var seen = make(map[string]any)

func see(v any) {
	drawing.mu.Lock()
	defer drawing.mu.Unlock()
	seen[fmt.Sprintf("%T", v)] = v
}
