package main

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

var scenarios = map[string]func(){
	// The peer writes while the runtime is in the kernel.
	"README.md": func() {
		rt := must(NewRuntime())
		s, peer := pairedStream(rt)
		begin(map[string][]func(){"E->>K: wait": {func() { must(unix.Write(peer, []byte("hello"))) }}})
		must(BlockOn(rt, s.Read(make([]byte, 8))))
	},
	// A goroutine wakes the task while the runtime is in the kernel.
	"1-one-thread.md": func() {
		f := &readThenHear{}
		f.waits = func() { begin(map[string][]func(){"E->>K: wait": {func() { go f.waker.Wake() }}}) }
		must(BlockOn(must(NewRuntime()), f))
	},
	"heap": heapOfFive,
	"3-straight-lines.md": func() {
		begin(nil)
		must(BlockOn(must(NewRuntime()), Async(func(co *Co) struct{} {
			return Await(co, Sleep(time.Millisecond))
		})))
	},
	"stack": stackOfARelay,
	"4-giving-up.md": func() {
		rt := must(NewRuntime())
		s, _ := pairedStream(rt)
		begin(nil)
		must(BlockOn(rt, Timeout(s.Read(make([]byte, 8)), 10*time.Millisecond)))
	},
	"ready bit": readyBit,
	// Of two clients, the second is accepted when the first has left.
	"6-a-server.md": func() {
		rt := must(NewRuntime())
		l := must(Listen(rt, netip.MustParseAddrPort("127.0.0.1:0")))
		first := must(net.Dial("tcp", l.Addr().String()))
		must(net.Dial("tcp", l.Addr().String()))
		begin(nil)
		must(BlockOn(rt, Async(func(co *Co) struct{} {
			o := defaultOptions
			o.Connections = 1
			newServer(co.cx, l, o)
			places := func(n int) Future[struct{}] {
				return Blocking(func() (none struct{}) { waitFor("A->>P: Send", n); return none })
			}
			Await(co, places(2))
			first.Close()
			return Await(co, places(3))
		})))
	},
}

// pairedStream returns a stream, and the other end of it. That it's writable,
// which the kernel reports first, isn't drawn.
func pairedStream(rt *Runtime) (s *Stream, peer int) {
	pair := must(unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0))
	must(0, unix.SetNonblock(pair[0], true))
	s = &Stream{source: source{fd: pair[0], ready: directions{true, true}}}
	wasOn := pause(true)
	must(0, rt.reactor.addSource(&s.source))
	must(BlockOn(rt, Yield()))
	pause(!wasOn)
	return s, pair[1]
}

// readThenHear is ready when read is, if there's one, and then another goroutine
// has called the waker.
type readThenHear struct {
	read  Future[Result[int]]
	waits func() // is called when it begins to wait for that
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
	f.waits()
	return struct{}{}, false
}

// heapOfFive writes a table of what the heap holds after each step, and the tree
// of the five timers.
func heapOfFive() {
	ts, edges := &timers{}, ""
	row := func(step string, args ...any) {
		var all []string
		for _, e := range ts.heap {
			all = append(all, fmt.Sprint(int64(e.deadline)))
		}
		fmt.Fprintf(os.Stderr, "| %s | %s |\n", fmt.Sprintf(step, args...), strings.Join(all, ", "))
	}
	for _, deadline := range []time.Duration{50, 20, 40, 10, 30} {
		ts.add(new(timer), deadline, new(Task))
		row("`add` %d", deadline)
	}
	for i, e := range ts.heap[1:] {
		edges += fmt.Sprintf("    n0((%d)) --> n%d((%d))\n", ts.heap[0].deadline, i+1, e.deadline)
	}
	for range 2 {
		first := ts.heap[0]
		ts.remove(first.timer)
		row("%d is due: `remove`", first.deadline)
	}
	fmt.Fprint(os.Stderr, edges)
}

// stackOfARelay writes the names of this chapter's functions that are on the stack
// of a coroutine that waits, the innermost first.
func stackOfARelay() {
	must(BlockOn(must(NewRuntime()), Async(func(co *Co) error {
		f := RelayAwait(NewChannel[int](1), nil)
		defer Close(f)
		if _, ready := f.Poll(co.cx); ready {
			return nil
		}
		stacks := make([]byte, 1<<16)
		for _, stack := range strings.Split(string(stacks[:runtime.Stack(stacks, true)]), "\n\n") {
			if strings.Contains(stack, "suspend") {
				fmt.Fprintln(os.Stderr, stack)
			}
		}
		return nil
	})))
}

// readyBit writes what becomes of the bits of two streams, and why.
func readyBit() {
	rt := must(NewRuntime())
	l := must(Listen(rt, netip.MustParseAddrPort("127.0.0.1:0")))
	must(BlockOn(rt, Async(func(co *Co) struct{} {
		step := func(before any, s *Stream, why string) {
			fmt.Fprintf(os.Stderr, "%v --> %t: %s\n", before, s.ready[readable], why)
		}
		d := Dial(l.Addr()).(*dial)
		d.Poll(co.cx)
		step("[*]", d.stream, "dialed")
		peer := Await(co, Future[Result[*Stream]](d)).Value
		s := Await(co, l.Accept()).Value
		step("[*]", s, "accepted")
		read := func(size int, why string) {
			before := s.ready[readable]
			s.PollRead(co.cx, make([]byte, size))
			step(before, s, why)
		}
		read(1, "EAGAIN")
		Await(co, peer.Write([]byte("abc")))
		for !s.ready[readable] {
			Await(co, Sleep(time.Millisecond))
		}
		step(false, s, "event")
		read(2, "a full buffer")
		read(2, "less than asked for")
		return struct{}{}
	})))
}
