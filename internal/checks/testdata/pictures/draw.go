package main

import (
	"fmt"
	"os"
	"sync"
)

// This is compiled into a copy of a chapter: see pictures_test.go.

var drawing struct {
	picture string // the one that is drawn

	mu    sync.Mutex
	on    bool                // guarded by mu
	drawn map[string]bool     // guarded by mu
	then  map[string][]func() // guarded by mu
}

func init() {
	drawing.picture = os.Getenv("PICTURE")
	scenario := scenarios[drawing.picture]
	if scenario == nil {
		fmt.Fprintf(os.Stderr, "there is no scenario for %q\n", drawing.picture)
		os.Exit(2)
	}
	scenario()
	os.Exit(0)
}

// begin starts to draw. When an arrow is drawn for the first time, the first
// function in then[arrow] is called, for the second time the second.
func begin(then map[string][]func()) {
	drawing.drawn, drawing.then, drawing.on = make(map[string]bool), then, true
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
	var then func()
	if drawing.on && !(once && drawing.drawn[arrow]) {
		drawing.drawn[arrow] = true
		fmt.Fprintln(os.Stderr, arrow)
		if all := drawing.then[arrow]; len(all) > 0 {
			then, drawing.then[arrow] = all[0], all[1:]
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
