package main

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

var scenarios = map[string]func(){
	// First the peer writes while the runtime is in the kernel, then a goroutine
	// wakes the task.
	"watch": func() {
		rt := must(NewRuntime())
		pair := must(unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0))
		must(0, unix.SetNonblock(pair[0], true))
		s := &Stream{source: source{fd: pair[0], ready: directions{true, true}}}
		must(0, rt.reactor.addSource(&s.source))
		must(BlockOn(rt, Yield())) // takes the event that says the socket is writable
		f := &readThenHear{read: s.Read(make([]byte, 8))}
		watchRuntime(rt, s)
		begin(map[string][]func(){"E->>K: wait": {
			func() { must(unix.Write(pair[1], []byte("hello"))) },
			func() { go f.waker.Wake() },
		}})
		must(BlockOn(rt, f))
	},
}

func watchRuntime(rt *Runtime, s *Stream) {
	name := func(n int) string { return strings.Join(strings.Fields(strings.Repeat("task ", n)), ", ") }
	display("run queue", "queue", func() string { return name(len(rt.runQueue.incoming) + len(rt.runQueue.outgoing) - rt.runQueue.next) })
	display("injected", "queue", func() string { return name(len(rt.injected)) })
	display("parked", "value", func() string { return fmt.Sprint(rt.parked.Load()) })
	display("socket ready", "value", func() string { return fmt.Sprint(s.ready[readable]) })
	display("socket's waker", "value", func() string {
		if s.wakers[readable] != nil {
			return "task"
		}
		return "nil"
	})
	display("epoll set", "queue", func() string {
		return epollSet(rt.reactor.poller.(*epoll).fd, map[int]string{s.fd: "socket", rt.reactor.poller.(*epoll).bell: "bell"})
	})
}

// readThenHear is ready when read is, and then another goroutine has called the
// waker.
type readThenHear struct {
	read  Future[Result[int]] // nil when it was ready
	waker Waker
}

func (f *readThenHear) Poll(cx *Context) (struct{}, bool) {
	if f.read != nil {
		if _, ready := f.read.Poll(cx); !ready {
			return struct{}{}, false
		}
		f.read = nil
	}
	if f.waker != nil {
		return struct{}{}, true
	}
	f.waker = cx.Waker()
	return struct{}{}, false
}
