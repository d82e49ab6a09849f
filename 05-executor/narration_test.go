package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// output runs f and returns what it prints on standard output and error.
func output(t *testing.T, f func()) (stdout, stderr string) {
	t.Helper()
	files := [2]*os.File{}
	for i := range files {
		file, err := os.CreateTemp(t.TempDir(), "")
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		files[i] = file
	}
	before := [2]*os.File{os.Stdout, os.Stderr}
	os.Stdout, os.Stderr = files[0], files[1]
	defer func() { os.Stdout, os.Stderr = before[0], before[1] }()
	f()
	printed := [2]string{}
	for i, file := range files {
		text, err := os.ReadFile(file.Name())
		if err != nil {
			t.Fatal(err)
		}
		printed[i] = string(text)
	}
	return printed[0], printed[1]
}

var story = []string{
	"executor", // polls task 1
	"task",     // pending
	"executor", // parks
	"peer",     // writes
	"reactor",  // has an event
	"reactor",  // wakes task 1
	"executor", // unparks
	"executor", // polls task 1
	"task",     // is ready
}

func TestNarrationIsAlwaysTheSame(t *testing.T) {
	r := openReactor(t)
	for range 50 {
		told, _ := output(t, func() {
			if err := narrate(r); err != nil {
				t.Error(err)
			}
		})
		var who []string
		for _, line := range strings.Split(strings.TrimSpace(told), "\n") {
			who = append(who, strings.Fields(line)[0])
		}
		if diff := cmp.Diff(story, who); diff != "" {
			t.Fatalf("the narration tells another order (-want +got):\n%s\n%s", diff, told)
		}
	}
}

// Properties 16 and 26: one event, one wake; one wake, one poll.
func TestTraceOfOneTaskIsAlwaysTheSame(t *testing.T) {
	r := openReactor(t)
	want := []string{"poll 1", "pending 1", "park", "woken 1", "unpark", "poll 1", "ready 1"}
	for range 50 {
		fd, peer := openPair(t)
		events := make(chan string, 100)
		note := func(what string) func(*Task) {
			return func(task *Task) { events <- fmt.Sprint(what, " ", task.ID) }
		}
		e := NewExecutor(r)
		e.Trace = Trace{
			Poll: note("poll"), Pending: note("pending"), Ready: note("ready"), Woken: note("woken"),
			Unpark: func() { events <- "unpark" },
			Park: func() {
				events <- "park"
				send(t, peer) // only now: before, the event could come at any time
			},
		}
		Spawn(e, word{fd})
		output(t, e.Run) // word tells its part
		close(events)
		var got []string
		for event := range events {
			got = append(got, event)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("another order of events (-want +got):\n%s", diff)
		}
	}
}
