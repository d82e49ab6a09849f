package main

import (
	"fmt"
	"os"
	"strings"
)

var scenarios = map[string]func(){
	// The reactor waits before anything else happens.
	"README.md": func() {
		waits := make(chan struct{})
		begin(map[string][]func(){"R->>K: wait": {func() { close(waits) }}})
		r := must(NewReactor())
		display("run queue", "queue", func() string {
			var all []string
			if t := seenTask(); t != nil {
				for range t.executor.runQueue {
					all = append(all, "task 1")
				}
			}
			return strings.Join(all, ", ")
		})
		display("r.waiting", "queue", func() string {
			for fd := range r.waiting {
				if fd != r.quit[0] {
					return "socket: read → task 1"
				}
			}
			return ""
		})
		display("epoll set", "queue", func() string {
			names := make(map[int]string)
			for fd := range 100 {
				if fd != r.quit[0] {
					names[fd] = "socket"
				}
			}
			return epollSet(r.poller.fd, names)
		})
		display("token", "token", func() string {
			if t := seenTask(); t != nil {
				return []string{"0", "1"}[len(t.executor.parker.token)]
			}
			return "0"
		})
		<-waits
		os.Stdout.Close() // narrate tells a story
		narrate(r)
	},
	"states": states,
	"queue":  queue,
}

func seenTask() *Task {
	t, _ := seen["*main.Task"].(*Task)
	return t
}

// scripted is a future that does something in each of its polls, and is ready in
// the last one.
type scripted []func(cx *Context)

func (s *scripted) Poll(cx *Context) (struct{}, bool) {
	do := (*s)[0]
	*s = (*s)[1:]
	do(cx)
	return struct{}{}, len(*s) == 0
}

func nothing(*Context) {}

func wake(cx *Context) { cx.waker.Wake() }

// states writes through which states tasks go, as a state diagram has them.
func states() {
	e, now := NewExecutor(nil), make(map[*Task]string)
	change := func(t *Task, to, how string) {
		from := now[t]
		if from == "" {
			from = "[*]"
		}
		fmt.Fprintf(os.Stderr, "%s --> %s: %s\n", from, to, how)
		now[t] = to
	}
	e.Trace = func(step string, t *Task) {
		switch {
		case step == "poll" && !t.queued:
			change(t, "polled", "pop")
		case step == "pending" && t.queued:
			change(t, "queued", "Wake, then false")
		case step == "pending":
			change(t, "idle", "false")
		case step == "ready":
			change(t, "finished", "true")
			fmt.Fprintln(os.Stderr, "finished --> [*]")
		case step == "park":
			for t, state := range now {
				if state == "idle" {
					t.Wake()
				}
			}
		case step == "woken" && now[t] == "idle":
			change(t, "queued", "Wake")
		}
	}
	for _, f := range []*scripted{{nothing}, {nothing, nothing}, {wake, nothing}, {nothing, wake, nothing}} {
		Spawn(e, f)
		change(e.runQueue[len(e.runQueue)-1], "queued", "Spawn")
	}
	e.Run()
}

// queue writes what the run queue of three tasks holds, as rows of a table.
func queue() {
	e, numbers := NewExecutor(nil), make(map[*Task]int)
	row := func(format string, args ...any) {
		var all []string
		for _, t := range e.runQueue {
			all = append(all, fmt.Sprint(numbers[t]))
		}
		if all == nil {
			all = []string{"empty"}
		}
		fmt.Fprintf(os.Stderr, "| %s | %s |\n", fmt.Sprintf(format, args...), strings.Join(all, ", "))
	}
	wakeAndSay := func(cx *Context) {
		row("`pop` 3")
		cx.waker.Wake()
		row("`Wake` of 3 during its `Poll`")
	}
	for i, f := range []*scripted{{nothing, nothing}, {nothing}, {nothing, wakeAndSay, nothing}} {
		Spawn(e, f)
		numbers[e.runQueue[i]] = i + 1
	}
	tasks := append([]*Task(nil), e.runQueue...)
	polls := make(map[*Task]int)
	row("`Spawn`, three times")
	e.Trace = func(step string, t *Task) {
		switch step {
		case "pending", "ready":
			if polls[t]++; numbers[t] == 3 && polls[t] == 2 {
				row("that `Poll`: `%t`", step == "ready")
			} else {
				row("`pop` %d, `Poll`: `%t`", numbers[t], step == "ready")
			}
		case "park":
			row("`park`")
			tasks[2].Wake()
			row("`Wake` of 3")
			tasks[0].Wake()
			row("`Wake` of 1")
			tasks[2].Wake()
			row("`Wake` of 3 again")
		}
	}
	e.Run()
}
