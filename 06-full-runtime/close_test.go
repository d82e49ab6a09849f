package main

import (
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// polled polls f, which is not ready then.
func polled[T any](t *testing.T, rt *Runtime, f Future[T]) any {
	t.Helper()
	if value, ready := f.Poll(taskContext(rt)); ready {
		t.Fatalf("it is ready, with %+v", value)
	}
	return f
}

// pollToItsEnd polls f to its end, as nobody's task.
func pollToItsEnd[T any](t *testing.T, rt *Runtime, f Future[T]) (value T) {
	t.Helper()
	eventually(t, "it is ready", func() (ready bool) {
		value, ready = f.Poll(taskContext(rt))
		deliver(t, rt)
		return ready
	})
	return value
}

// pollFetch polls f until it is in the state.
func pollFetch(t *testing.T, rt *Runtime, f *Fetch, state string, reached func() bool) any {
	t.Helper()
	eventually(t, "the fetch is "+state, func() bool {
		polled(t, rt, f)
		deliver(t, rt)
		return reached()
	})
	return f
}

// abandoned are futures that have got as far as their name says.
var abandoned = []struct {
	name string
	make func(t *testing.T, rt *Runtime) any
}{
	{"Sleep, new", func(*testing.T, *Runtime) any { return NewSleep(time.Hour) }},
	{"Sleep, waiting", func(t *testing.T, rt *Runtime) any { return polled(t, rt, NewSleep(time.Hour)) }},
	{"Sleep, finished", func(t *testing.T, rt *Runtime) any {
		s := NewSleep(time.Microsecond)
		blockOn(t, rt, s)
		return s
	}},
	{"Timeout, new", func(*testing.T, *Runtime) any { return Timeout(NewSleep(time.Hour), time.Minute) }},
	{"Timeout, waiting", func(t *testing.T, rt *Runtime) any {
		return polled(t, rt, Timeout(NewSleep(time.Hour), time.Minute))
	}},
	{"Timeout, too late", func(t *testing.T, rt *Runtime) any {
		f := Timeout(NewSleep(time.Hour), 0)
		f.Poll(taskContext(rt))
		return f
	}},
	{"Race, waiting", func(t *testing.T, rt *Runtime) any {
		return polled(t, rt, Race(NewSleep(time.Hour), NewSleep(time.Minute)))
	}},
	{"Race, finished", func(t *testing.T, rt *Runtime) any {
		f := Race(NewSleep(time.Hour), ready(1))
		f.Poll(taskContext(rt))
		return f
	}},
	{"JoinAll, some finished", func(t *testing.T, rt *Runtime) any {
		return polled(t, rt, JoinAll(ready(struct{}{}), NewSleep(time.Hour), NewSleep(time.Minute)))
	}},
	{"Async, new", func(*testing.T, *Runtime) any { return Async(func(co *Co) int { return 1 }) }},
	{"Async, suspended", func(t *testing.T, rt *Runtime) any {
		return polled(t, rt, Async(func(co *Co) int { Await(co, NewSleep(time.Hour)); return 1 }))
	}},
	{"Async, finished", func(t *testing.T, rt *Runtime) any {
		f := Async(func(co *Co) int { return 1 })
		f.Poll(taskContext(rt))
		return f
	}},
	{"Blocking, under way", func(t *testing.T, rt *Runtime) any {
		over := make(chan struct{})
		t.Cleanup(func() {
			close(over)
			eventually(t, "the call has returned", func() bool { return rt.Report().Blocking == 0 })
		})
		return polled(t, rt, Blocking(func() int { <-over; return 1 }))
	}},
	{"JoinHandle, waiting", func(t *testing.T, rt *Runtime) any { return polled(t, rt, Spawn(rt, NewSleep(time.Hour))) }},
	{"Acquire, waiting", func(t *testing.T, rt *Runtime) any {
		s := NewSemaphore(0)
		t.Cleanup(func() { nobodyWaits(t, s, 0) })
		return polled(t, rt, s.Acquire())
	}},
	{"Acquire, granted", func(t *testing.T, rt *Runtime) any {
		s := NewSemaphore(0)
		f := polled(t, rt, s.Acquire())
		s.Release()
		t.Cleanup(func() { nobodyWaits(t, s, 1) })
		return f
	}},
	{"Send, waiting", func(t *testing.T, rt *Runtime) any {
		c := NewChannel[int](1)
		c.Send(1).Poll(taskContext(rt))
		t.Cleanup(func() { nobodyWaits(t, c.places, 0) })
		return polled(t, rt, c.Send(2))
	}},
	{"Receive, waiting", func(t *testing.T, rt *Runtime) any {
		c := NewChannel[int](1)
		t.Cleanup(func() { nobodyWaits(t, c.filled, 0) })
		return polled(t, rt, c.Receive())
	}},
	{"Accept, waiting", func(t *testing.T, rt *Runtime) any { return polled(t, rt, openListener(t, rt).Accept()) }},
	{"Accept, in a pause", func(t *testing.T, rt *Runtime) any {
		l := openListener(t, rt)
		dialAll(t, l.Addr(), 1)
		a := l.Accept()
		eventually(t, "it makes a pause", func() bool {
			rt.reactor.queue = &fullQueue{rt.reactor.queue, 1}
			polled(t, rt, a)
			deliver(t, rt)
			return a.pause != nil
		})
		return a
	}},
	{"Read, waiting", func(t *testing.T, rt *Runtime) any {
		s, _ := openStream(t, rt)
		return polled(t, rt, s.Read(make([]byte, 1)))
	}},
	{"Write, a part written", func(t *testing.T, rt *Runtime) any {
		s, _ := openStream(t, rt)
		return polled(t, rt, s.Write(make([]byte, 8<<20)))
	}},
	{"Dial, new", func(t *testing.T, rt *Runtime) any { return Dial(fullBacklog(t)) }},
	{"Dial, connecting", func(t *testing.T, rt *Runtime) any { return polled(t, rt, Dial(fullBacklog(t))) }},
	{"Dial, finished", func(t *testing.T, rt *Runtime) any {
		d := Dial(address(listen(t)))
		s := pollToItsEnd(t, rt, d).Value
		t.Cleanup(func() { s.Close() })
		return d
	}},
	{"Fetch, new", func(t *testing.T, rt *Runtime) any { return newFetch("/", fullBacklog(t)) }},
	{"Fetch, connecting", func(t *testing.T, rt *Runtime) any { return polled(t, rt, newFetch("/", fullBacklog(t))) }},
	{"Fetch, sending", func(t *testing.T, rt *Runtime) any {
		f := newFetch("/"+strings.Repeat("x", 8<<20), address(listen(t)))
		return pollFetch(t, rt, f, "sending", func() bool { return f.sent > 0 })
	}},
	{"Fetch, receiving", func(t *testing.T, rt *Runtime) any {
		f := newFetch("/", startPeer(t, func(c *net.TCPConn) {
			answer(hello)(c)
			untilClosed(c)
		}))
		return pollFetch(t, rt, f, "receiving", func() bool { return len(f.reply) > 0 })
	}},
	{"Fetch, finished", func(t *testing.T, rt *Runtime) any {
		f := newFetch("/", startPeer(t, answer(hello)))
		pollToItsEnd(t, rt, f)
		return f
	}},
	{"Echo, reading", func(t *testing.T, rt *Runtime) any {
		s, _ := openStream(t, rt)
		return polled(t, rt, &Echo{stream: s, buffer: new(buffer)})
	}},
	{"Echo, writing", func(t *testing.T, rt *Runtime) any {
		s, peer := openStream(t, rt)
		send(t, peer)
		fill(t, s.fd)
		return polled(t, rt, &Echo{stream: s, buffer: new(buffer)})
	}},
	{"EchoServer, accepting", func(t *testing.T, rt *Runtime) any { return polled(t, rt, NewEchoServer(openListener(t, rt))) }},
	{"Interrupt, waiting", func(t *testing.T, rt *Runtime) any { return polled(t, rt, newInterrupt()) }},
	{"Interrupt, arrived", func(t *testing.T, rt *Runtime) any {
		i := newInterrupt()
		unix.Kill(unix.Getpid(), unix.SIGTERM)
		pollToItsEnd(t, rt, i)
		return i
	}},
}

func nobodyWaits(t *testing.T, s *Semaphore, free int) {
	t.Helper()
	if s.waiters.Len() > 0 || s.free != free {
		t.Errorf("%v: %d permits are free, want %d", s, s.free, free)
	}
}

// Properties 11, 31 and 36.
func TestCloseInAnyStateLeavesNothing(t *testing.T) {
	newInterrupt().Close() // package signal has a goroutine from now on
	for _, a := range abandoned {
		t.Run(a.name, func(t *testing.T) {
			noLeaks(t)
			rt := openRuntime(t) // says what is left when it is closed
			f := a.make(t, rt)
			Close(f)
			next, _ := bound(t) // may get the number of what was closed
			Close(f)
			if _, err := unix.Getsockname(next); err != nil {
				t.Errorf("the second Close has closed another socket: %v", err)
			}
			if rt.reactor.waiting != 0 {
				t.Errorf("%d wakers are left", rt.reactor.waiting)
			}
		})
	}
}
