package main

import (
	"fmt"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// Property 5.
func TestJoinAllKeepsValuesInArgumentOrder(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		var futures []Future[int]
		var want []int
		for i := range 10 {
			want = append(want, i)
			futures = append(futures, Async(func(co *Co) int {
				Await(co, Sleep(time.Duration(i*7%10)*time.Second))
				return i
			}))
		}
		if diff := cmp.Diff(want, blockOn(t, rt, JoinAll(futures...))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// Property 5.
func TestJoinAllOfNobodyIsReadyAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		if got, ready := JoinAll[int]().Poll(taskContext(rt)); !ready || len(got) != 0 {
			t.Errorf("got %v, %t, want no values, true", got, ready)
		}
	})
}

// Property 3.
func TestFinishedJoinAllIsNotPolled(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		j, cx := JoinAll(ready(1)), taskContext(rt)
		j.Poll(cx)
		wantPanic(t, "JoinAll polled after it finished", func() { j.Poll(cx) })
	})
}

// Properties 3 and 27, and what this chapter adds to 5.
func TestJoinAllPollsOnlyWokenChildren(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		polls := make([]int, 100)
		var futures []Future[struct{}]
		for i := range polls {
			futures = append(futures, Counted[struct{}]{Sleep(time.Duration(i+1) * time.Second), &polls[i]})
		}
		blockOn(t, rt, JoinAll(futures...))
		for i, n := range polls {
			if n != 2 {
				t.Fatalf("child %d was polled %d times, want 2: to start, and when its own time had passed", i, n)
			}
		}
	})
}

// Properties 23 and 26, of a child.
func TestChildWokenDuringItsPollIsPolledAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		polls := 0
		blockOn(t, rt, JoinAll[struct{}](Sleep(time.Second), until(func(cx *Context) bool {
			polls++
			cx.Waker().Wake()
			return polls == 3
		})))
	})
}

// Property 22: the waker of the latest poll.
func TestJoinAllThatMovesWakesItsNewOwner(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		j, old := JoinAll(JoinAll[struct{}](Sleep(time.Hour))), taskContext(rt)
		j.Poll(old)
		blockOn(t, rt, j)
		if n := wakesOf(old); n != 0 {
			t.Errorf("its former owner was woken %d times", n)
		}
	})
}

// Property 29: a child that always finds more leaves a turn to its siblings.
func TestBusyChildTakesTurns(t *testing.T) {
	rt := openRuntime(t)
	s, peer := openStream(t, rt)
	fill(t, peer)
	reads := 0
	busy := until(func(cx *Context) bool {
		for {
			if _, _, ready := s.PollRead(cx, make([]byte, 1)); !ready {
				return reads >= 3*transfersPerPoll
			}
			reads++
		}
	})
	blockOn(t, rt, JoinAll[struct{}](Sleep(time.Millisecond), busy))
}

func TestClosedJoinAllClosesTheUnfinished(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		a, b := new(never), new(never)
		j := JoinAll[struct{}](a, ready(struct{}{}), b)
		j.Poll(taskContext(rt))
		Close(j)
		Close(j)
		if a.closes != 1 || b.closes != 1 {
			t.Errorf("closed %d and %d times, want once each", a.closes, b.closes)
		}
	})
}

// Property 36: of a loser that was half done, too.
func TestAbandonedJoinAllClosesTheValuesItHas(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		value := new(never)
		j := JoinAll[Result[*never]](ready(Result[*never]{Value: value}), pollFunc[Result[*never]](func(*Context) (r Result[*never], ready bool) {
			return r, false
		}))
		j.Poll(taskContext(rt))
		for range 2 {
			Close(j)
		}
		if value.closes != 1 {
			t.Errorf("closed %d times, want once", value.closes)
		}
	})
}

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
	{"Sleep, new", func(*testing.T, *Runtime) any { return Sleep(time.Hour) }},
	{"Sleep, waiting", func(t *testing.T, rt *Runtime) any { return polled(t, rt, Sleep(time.Hour)) }},
	{"Sleep, finished", func(t *testing.T, rt *Runtime) any {
		s := Sleep(time.Microsecond)
		blockOn(t, rt, s)
		return s
	}},
	{"Timeout, new", func(*testing.T, *Runtime) any { return Timeout(Sleep(time.Hour), time.Minute) }},
	{"Timeout, waiting", func(t *testing.T, rt *Runtime) any {
		return polled(t, rt, Timeout(Sleep(time.Hour), time.Minute))
	}},
	{"Timeout, too late", func(t *testing.T, rt *Runtime) any {
		f := Timeout(Sleep(time.Hour), 0)
		f.Poll(taskContext(rt))
		return f
	}},
	{"Race, waiting", func(t *testing.T, rt *Runtime) any {
		return polled(t, rt, Race(Sleep(time.Hour), Sleep(time.Minute)))
	}},
	{"Race, finished", func(t *testing.T, rt *Runtime) any {
		f := Race(Sleep(time.Hour), ready(1))
		f.Poll(taskContext(rt))
		return f
	}},
	{"JoinAll, some finished", func(t *testing.T, rt *Runtime) any {
		return polled(t, rt, JoinAll(ready(struct{}{}), Sleep(time.Hour), Sleep(time.Minute)))
	}},
	{"Async, new", func(*testing.T, *Runtime) any { return Async(func(co *Co) int { return 1 }) }},
	{"Async, suspended", func(t *testing.T, rt *Runtime) any {
		return polled(t, rt, Async(func(co *Co) int { Await(co, Sleep(time.Hour)); return 1 }))
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
	{"JoinHandle, waiting", func(t *testing.T, rt *Runtime) any { return polled(t, rt, SpawnRemote(rt, Sleep(time.Hour))) }},
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
			rt.reactor.poller = &fullPoller{rt.reactor.poller, 1}
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
		sendByte(t, peer)
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

// Property 31.
func TestCloseCancelsWhatIsLeft(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		n := new(never)
		h := SpawnRemote(rt, n)
		blockOn(t, rt, Yield())
		rt.Close()
		if h.err != ErrCancelled || n.closes != 1 {
			t.Errorf("%v, closed %d times, want %v, once", h.err, n.closes, ErrCancelled)
		}
	})
}

func TestCloseTwiceDoesNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) { // the queue says if it is closed again
		rt.Close()
		rt.Close()
	})
}

// Property 41, of the report.
func TestReportCountsWhatThereIs(t *testing.T) {
	rt := openRuntime(t)
	s, _ := openStream(t, rt)
	over := make(chan struct{})
	call := SpawnRemote(rt, Blocking(func() struct{} { <-over; return struct{}{} }))
	SpawnRemote(rt, Sleep(time.Hour))
	var got []Report
	note := func() { got = append(got, rt.Report()) }
	note()
	blockOn(t, rt, until(func(*Context) bool { note(); return true }))
	close(over)
	blockOn(t, rt, call)
	s.Close()
	note()
	want := []Report{{Tasks: 2, Descriptors: 1}, {Tasks: 3, Timers: 1, Descriptors: 1, Blocking: 1}, {Tasks: 1, Timers: 1}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("before, inside, and at the end (-want +got):\n%s", diff)
	}
}

func TestCloseInsideATaskPanicsAndDoesNoHarm(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		polls := 0
		blockOn(t, rt, until(func(cx *Context) bool {
			if polls++; polls == 1 {
				wantPanic(t, "BlockOn or Close called while the runtime runs", func() { rt.Close() })
				time.AfterFunc(time.Second, cx.Waker().Wake)
			}
			return polls == 2
		}))
	})
}

// Property 32.
func TestFaultInACloseDoesNotKeepOthersOpen(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		var want, got []string
		for i := range 10 {
			want = append(want, fmt.Sprint("unwound ", 9-i))
			SpawnRemote(rt, Async(func(co *Co) struct{} {
				defer func() {
					got = append(got, fmt.Sprint("unwound ", i))
					if i%3 == 1 {
						panic("boom")
					} else if i%3 == 2 {
						runtime.Goexit()
					}
				}()
				Await(co, Sleep(time.Hour))
				return struct{}{}
			}))
		}
		blockOn(t, rt, Sleep(time.Second))
		rt.Close()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestTaskSpawnedWhileUnwindingIsCancelled(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		late := new(never)
		SpawnRemote(rt, Async(func(co *Co) struct{} {
			defer func() { SpawnRemote(rt, late) }()
			Await(co, Sleep(time.Hour))
			return struct{}{}
		}))
		blockOn(t, rt, Sleep(time.Second))
		rt.Close()
		if late.polls != 0 || late.closes != 1 {
			t.Errorf("%d polls, closed %d times, want none, once", late.polls, late.closes)
		}
	})
}

// Property 24.
func TestWakesWhileTheRuntimeClosesAreHarmless(t *testing.T) {
	for range 500 {
		rt := newRuntime(newFakePoller(t)) // which says if it is rung too late
		var wakers []Waker
		for range 8 {
			SpawnRemote(rt, until(func(cx *Context) bool { wakers = append(wakers, cx.Waker()); return false }))
		}
		blockOn(t, rt, Yield())
		var over atomic.Bool
		var waking sync.WaitGroup
		for _, w := range wakers {
			waking.Go(func() {
				for !over.Load() {
					w.Wake()
					runtime.Gosched() // else each turn of the executor waits for eight of these to be interrupted
				}
			})
		}
		BlockOn(rt, Sleep(time.Microsecond))
		rt.Close()
		over.Store(true)
		waking.Wait()
	}
}

// Property 24: the numbers of the queue are another's by now.
func TestStreamClosedAfterTheRuntimeMeetsNobodyElse(t *testing.T) {
	first := openRuntime(t)
	s, _ := openStream(t, first)
	if left := first.Close(); left.Descriptors != 1 {
		t.Errorf("Close reports %+v, want 1 descriptor", left)
	}
	second := openRuntime(t) // likely to have the same numbers
	twin := &source{fd: s.fd}
	if err := second.reactor.addSource(twin); err != nil {
		t.Fatal(err)
	}
	second.reactor.setWaker(twin, writable, new(countedWaker))
	first.reactor.poller.remove(s.fd)
	deliver(t, second)
	if !twin.ready[writable] {
		t.Error("the closed runtime has deregistered a descriptor of the next one")
	}
	second.reactor.remove(twin)
	s.Close()
}
