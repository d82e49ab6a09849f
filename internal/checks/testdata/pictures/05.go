package main

import (
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
}

func seenTask() *Task {
	t, _ := seen["*main.Task"].(*Task)
	return t
}
