package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// polled polls f, which must not be ready.
func polled[T any](t *testing.T, rt *Runtime, f Future[T]) Future[T] {
	t.Helper()
	if value, ready := f.Poll(taskContext(rt)); ready {
		t.Fatalf("it's ready, with %+v", value)
	}
	return f
}

// finished polls f, which must be ready.
func finished[T any](t *testing.T, rt *Runtime, f Future[T]) Future[T] {
	t.Helper()
	pollToItsEnd(t, rt, f)
	return f
}

// pollToItsEnd polls f until it's ready, without a task.
func pollToItsEnd[T any](t *testing.T, rt *Runtime, f Future[T]) (value T) {
	t.Helper()
	eventually(t, "it's ready", func() (ready bool) {
		value, ready = f.Poll(taskContext(rt))
		deliver(t, rt)
		return ready
	})
	return value
}

// abandoned are futures that are as far as their name says.
var abandoned = []struct {
	name string
	make func(t *testing.T, rt *Runtime) any
}{
	{"Sleep, new", func(*testing.T, *Runtime) any { return Sleep(time.Hour) }},
	{"Sleep, waiting", func(t *testing.T, rt *Runtime) any { return polled(t, rt, Sleep(time.Hour)) }},
	{"Sleep, finished", func(t *testing.T, rt *Runtime) any { return finished(t, rt, Sleep(0)) }},
	{"Timeout, new", func(*testing.T, *Runtime) any { return Timeout(Sleep(time.Hour), time.Minute) }},
	{"Timeout, waiting", func(t *testing.T, rt *Runtime) any { return polled(t, rt, Timeout(Sleep(time.Hour), time.Minute)) }},
	{"Timeout, too late", func(t *testing.T, rt *Runtime) any { return finished(t, rt, Timeout(Sleep(time.Hour), 0)) }},
	{"Timeout, in time", func(t *testing.T, rt *Runtime) any { return finished(t, rt, Timeout(Yield(), time.Hour)) }},
	{"Race, waiting", func(t *testing.T, rt *Runtime) any { return polled(t, rt, Race(Sleep(time.Hour), Sleep(time.Minute))) }},
	{"Race, finished", func(t *testing.T, rt *Runtime) any { return finished(t, rt, Race(Sleep(time.Hour), ready(1))) }},
	{"JoinAll, some finished", func(t *testing.T, rt *Runtime) any {
		return polled(t, rt, JoinAll(ready(struct{}{}), Sleep(time.Hour), Sleep(time.Minute)))
	}},
	{"Async, new", func(*testing.T, *Runtime) any { return Async(func(co *Co) int { return 1 }) }},
	{"Async, suspended", func(t *testing.T, rt *Runtime) any {
		return polled(t, rt, Async(func(co *Co) int { Await(co, Sleep(time.Hour)); return 1 }))
	}},
	{"Async, finished", func(t *testing.T, rt *Runtime) any { return finished(t, rt, Async(func(co *Co) int { return 1 })) }},
	{"Owning, new", func(t *testing.T, rt *Runtime) any {
		s, _ := openStream(t, rt)
		return Owning(s, Async(func(co *Co) int { co.Conn(s).Read(make([]byte, 1)); return 1 }))
	}},
	{"Owning, waiting", func(t *testing.T, rt *Runtime) any {
		s, _ := openStream(t, rt)
		return polled(t, rt, Owning(s, Async(func(co *Co) int {
			c := co.Conn(s)
			defer c.Close()
			c.SetTimeout(time.Hour)
			c.Read(make([]byte, 1))
			return 1
		})))
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
	{"Group, waiting", func(t *testing.T, rt *Runtime) any {
		g := NewGroup(taskContext(rt))
		g.Go(failingAfter(time.Hour, nil))
		waiting := polled(t, rt, g.Wait())
		t.Cleanup(func() { Close(waiting) })
		return g
	}},
	{"Send, waiting", func(t *testing.T, rt *Runtime) any {
		c := NewChannel[int](1)
		c.Send(1).Poll(taskContext(rt))
		t.Cleanup(func() { emptyLists(t, c) })
		return polled(t, rt, c.Send(2))
	}},
	{"Send, with a place", func(t *testing.T, rt *Runtime) any {
		c := NewChannel[int](1)
		c.Send(1).Poll(taskContext(rt))
		f := polled(t, rt, c.Send(2))
		c.TryReceive()
		t.Cleanup(func() { emptyLists(t, c) })
		return f
	}},
	{"Receive, waiting", func(t *testing.T, rt *Runtime) any {
		c := NewChannel[int](1)
		t.Cleanup(func() { emptyLists(t, c) })
		return polled(t, rt, c.Receive())
	}},
	{"Accept, waiting", func(t *testing.T, rt *Runtime) any { return polled(t, rt, openListener(t, rt).Accept()) }},
	{"Accept, in a pause", func(t *testing.T, rt *Runtime) any {
		rt.Trace.Error = nil
		reportsOf(rt)
		l := openListener(t, rt)
		dialAll(t, l.Addr(), 1)
		a := l.Accept()
		eventually(t, "it makes a pause", func() bool {
			rt.reactor.poller = &refusingPoller{rt.reactor.poller, 1}
			polled(t, rt, a)
			deliver(t, rt)
			return rt.Report().Timers == 1
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
}

// Properties 11, 31, 36 and 42.
func TestCloseInAnyStateLeavesNothing(t *testing.T) {
	for _, a := range abandoned {
		t.Run(a.name, func(t *testing.T) {
			noLeaks(t)
			rt := openRuntime(t) // says what is left when it's closed
			f := a.make(t, rt)
			Close(f)
			next, _ := bound(t) // may get the number of what was closed
			Close(f)
			if _, err := unix.Getsockname(next); err != nil {
				t.Errorf("the second Close has closed another socket: %v", err)
			}
			if n := waitingFor(rt); n != 0 {
				t.Errorf("%d wakers are left", n)
			}
		})
	}
}

// wrapped are values that have n inside, however deep.
var wrapped = map[string]func(n io.Closer) any{
	"itself":   func(n io.Closer) any { return n },
	"Result":   func(n io.Closer) any { return Result[io.Closer]{Value: n} },
	"Received": func(n io.Closer) any { return Received[io.Closer]{n, true} },
	"Either":   func(n io.Closer) any { return Either[io.Closer, int]{First: true, A: n} },
	"the other side of Either": func(n io.Closer) any {
		return Either[*never, Result[io.Closer]]{B: Result[io.Closer]{Value: n}}
	},
	"slice":           func(n io.Closer) any { return []io.Closer{nil, n} },
	"slice of slices": func(n io.Closer) any { return [][]any{nil, {1, n}} },
	"slice of arrays": func(n io.Closer) any { return [][1]io.Closer{{n}} },
	"array":           func(n io.Closer) any { return [2]Result[io.Closer]{{}, {Value: n}} },
	"map":             func(n io.Closer) any { return map[string][]io.Closer{"a": {n}, "b": nil} },
	"Result of a JoinAll of Results": func(n io.Closer) any {
		return Result[[]Result[Received[io.Closer]]]{Value: []Result[Received[io.Closer]]{{Err: ErrTimeout}, {Value: Received[io.Closer]{n, true}}}}
	},
}

// dropped are ways in which a value loses its receiver. Each of them is given a
// future that is ready at its second poll.
var dropped = map[string]func(co *Co, f Future[any]){
	"a detached task": func(co *Co, f Future[any]) {
		h := Spawn(co.cx, f)
		Close(h)
		Await(co, Sleep(time.Second))
		Close(h)
	},
	"a handle that is closed late": func(co *Co, f Future[any]) {
		h := Spawn(co.cx, f)
		Await(co, Sleep(time.Second))
		Close(h)
		Close(h)
	},
	"an abandoned JoinAll": func(co *Co, f Future[any]) {
		Await(co, Timeout(JoinAll(f, discardAs[any](Sleep(time.Hour))), time.Minute))
	},
	"a JoinAll in a JoinAll": func(co *Co, f Future[any]) {
		Await(co, Timeout(JoinAll(JoinAll(f), JoinAll(discardAs[any](Sleep(time.Hour)))), time.Minute))
	},
	"a JoinAll that fails": func(co *Co, f Future[any]) {
		h := Spawn(co.cx, JoinAll(f, discardAs[any](Async(func(co *Co) int { Await(co, Sleep(time.Second)); explode(); return 1 }))))
		Await(co, h)
	},
	"a detached Race": func(co *Co, f Future[any]) {
		Close(Spawn(co.cx, Race(f, Sleep(time.Hour))))
		Await(co, Sleep(time.Second))
	},
	"a detached Timeout": func(co *Co, f Future[any]) {
		Close(Spawn(co.cx, Timeout(f, time.Hour)))
		Await(co, Sleep(time.Second))
	},
	"a Send that was abandoned": func(co *Co, f Future[any]) {
		c := NewChannel[any](1)
		Await(co, c.Send(nil))
		send := c.Send(Await(co, f))
		Await(co, Timeout(send, time.Second))
		Close(send)
	},
	"a Send on a closed channel": func(co *Co, f Future[any]) {
		c := NewChannel[any](1)
		c.Close()
		Await(co, c.Send(Await(co, f)))
	},
	"a Receive that nothing awaits": func(co *Co, f Future[any]) {
		c := NewChannel[any](1)
		Close(Spawn(co.cx, c.Receive()))
		Await(co, c.Send(Await(co, f)))
		Await(co, Sleep(time.Second))
	},
	"an abandoned Blocking": func(co *Co, f Future[any]) {
		value := Await(co, f)
		Await(co, Timeout(Blocking(func() any { time.Sleep(time.Hour); return value }), time.Minute))
		Await(co, Sleep(2*time.Hour))
		synctest.Wait()
	},
	"a Blocking that is closed late": func(co *Co, f Future[any]) {
		value := Await(co, f)
		b := Blocking(func() any { return value })
		b.Poll(co.cx)
		synctest.Wait()
		Close(b)
		Close(b)
	},
	"a cancelled body": func(co *Co, f Future[any]) {
		h := Spawn(co.cx, Async(func(co *Co) (value any) {
			value = Await(co, f)
			defer func() { recover() }()
			Await(co, Sleep(time.Hour))
			return nil
		}))
		Await(co, Sleep(time.Second))
		h.Cancel()
		Await(co, h)
	},
	"an abandoned future with an owner": func(co *Co, f Future[any]) {
		Close(Spawn(co.cx, Owning(new(never), f)))
		Await(co, Sleep(time.Second))
	},
}

// discardAs is a future whose value is the zero value of T.
func discardAs[T, V any](f Future[V]) Future[T] {
	return Async(func(co *Co) (value T) { Await(co, f); return value })
}

// Property 43, fault 3: closed once, whatever it's wrapped in.
func TestValueWithoutAReceiverIsClosed(t *testing.T) {
	for way, drop := range dropped {
		for shape, wrap := range wrapped {
			t.Run(way+", "+shape, func(t *testing.T) {
				inBubble(t, func(t *testing.T, rt *Runtime) {
					value, polls := new(never), 0
					f := pollFunc[any](func(cx *Context) (any, bool) {
						if polls++; polls == 2 {
							return wrap(value), true
						}
						wakeLocal(cx.waker)
						return nil, false
					})
					blockOn(t, rt, Async(func(co *Co) int { drop(co, f); return 1 }))
					if value.closes != 1 {
						t.Errorf("closed %d times, want once", value.closes)
					}
				})
			})
		}
	}
}

// Property 43: what is closed may belong to the runtime, as a Stream does, so only
// the runtime's goroutine may close it. No other one waits for the call anymore, so
// a panic in that Close is reported.
func TestValueOfAnAbandonedCallIsClosedByTheRuntime(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		reports, stack := reportsOf(rt), ""
		value := closeFunc(func() { stack = string(debug.Stack()); panic("boom") })
		blockOn(t, rt, Timeout(Blocking(func() closeFunc { time.Sleep(time.Hour); return value }), time.Minute))
		blockOn(t, rt, Sleep(2*time.Hour))
		if synctest.Wait(); !strings.Contains(stack, "(*Runtime)") {
			t.Errorf("closed on this goroutine, want the runtime's:\n%s", stack)
		}
		if len(*reports) != 1 || !strings.Contains(fmt.Sprint(*reports), "boom") {
			t.Errorf("reported: %v, want the panic", *reports)
		}
	})
}

// Property 43: a receiver owns its value, and nothing else closes it.
func TestValueThatHasAReceiverIsNotClosed(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		value := new(never)
		c := NewChannel[*never](1)
		blockOn(t, rt, Async(func(co *Co) int {
			h := Spawn(co.cx, ready(value))
			Await(co, h)
			Close(h)
			Await(co, JoinAll(ready(value), ready(value)))
			Await(co, Race(ready(value), new(never)))
			Await(co, Timeout(ready(value), time.Hour))
			Await(co, Owning(value, ready(value)))
			Await(co, Blocking(func() *never { return value }))
			send, receive := c.Send(value), c.Receive()
			Await(co, send)
			Await(co, receive)
			Close(send)
			Close(receive)
			return 1
		}))
		if value.closes != 0 {
			t.Errorf("closed %d times", value.closes)
		}
	})
}

// Property 42, fault 2: a body that never started can't close what it was given.
func TestOwningClosesWhatItsBodyWasGiven(t *testing.T) {
	for _, started := range []bool{false, true} {
		for name, end := range map[string]func(rt *Runtime, h *JoinHandle[int]){
			"cancelled": func(rt *Runtime, h *JoinHandle[int]) { h.Cancel(); blockOn(t, rt, h) },
			"runtime closed": func(rt *Runtime, h *JoinHandle[int]) {
				if left := rt.Close(); left.Descriptors != 0 {
					t.Errorf("Close reports %+v", left)
				}
			},
		} {
			t.Run(fmt.Sprintf("%s, started: %t", name, started), func(t *testing.T) {
				noLeaks(t)
				rt := openRuntime(t)
				s, _ := openStream(t, rt)
				h := SpawnRemote(rt, Owning(s, Async(func(co *Co) int {
					c := co.Conn(s)
					defer c.Close()
					c.Read(make([]byte, 1))
					return 1
				})))
				if started {
					blockOn(t, rt, Yield())
				}
				if end(rt, h); s.reactor != nil {
					t.Error("the stream is open")
				}
			})
		}
	}
}

// Property 42: a future that is ready has its resource no longer.
func TestOwningLeavesTheResourceToAFutureThatFinishes(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		resource := new(never)
		f := Owning(resource, Yield())
		blockOn(t, rt, f)
		if Close(f); resource.closes != 0 {
			t.Errorf("closed %d times", resource.closes)
		}
		abandoned := Owning(resource, Yield())
		if err := closeAll(abandoned, abandoned); err != nil || resource.closes != 1 {
			t.Errorf("an abandoned one is closed %d times, want once", resource.closes)
		}
		wantPanic(t, "Owning polled after it finished", func() { f.Poll(taskContext(rt)) })
	})
}

// winner is ready at once, and counts how often it's closed all the same.
type winner struct{ *never }

func (winner) Poll(*Context) (struct{}, bool) { return struct{}{}, true }

// Property 42: what has returned true isn't closed.
func TestWinnerIsNotClosed(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		w := winner{new(never)}
		for range 10 {
			closeAll(finished(t, rt, Race(w, Sleep(time.Hour))), finished(t, rt, Race(Sleep(time.Hour), w)))
			closeAll(finished(t, rt, Timeout(w, time.Hour)), finished(t, rt, JoinAll(w, w)), finished(t, rt, Owning(new(never), w)))
		}
		blockOn(t, rt, Async(func(co *Co) struct{} { return Await(co, w) }))
		if w.closes != 0 {
			t.Errorf("closed %d times", w.closes)
		}
		unwound := Async(func(co *Co) closeFunc { Await(co, Sleep(time.Hour)); return nil })
		unwound.Poll(taskContext(rt))
		Close(unwound) // has no value: to close nil would panic
	})
}

// Property 31.
func TestCloseCancelsWhatIsLeft(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		n := new(never)
		h := SpawnRemote(rt, n)
		blockOn(t, rt, Yield())
		rt.Close()
		if h.result().Err != ErrCancelled || n.closes != 1 {
			t.Errorf("%v, closed %d times, want %v, once", h.result().Err, n.closes, ErrCancelled)
		}
	})
}

// Properties 32 and 44.
func TestFaultInACloseDoesNotKeepOthersOpen(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		reports, unwound := reportsOf(rt), make(map[int]int)
		want := make(map[int]int)
		for i := range 10 {
			want[i] = 1
			SpawnRemote(rt, Async(func(co *Co) struct{} {
				defer func() {
					unwound[i]++
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
		if diff := cmp.Diff(want, unwound); diff != "" {
			t.Errorf("unwound (-want +got):\n%s", diff)
		}
		if len(*reports) != 6 {
			t.Errorf("reported: %q, want 3 panics and 3 Goexits", *reports)
		}
	})
}

// Property 31: what a task spawns while it's unwound has no runtime anymore.
func TestTaskSpawnedWhileUnwindingIsCancelled(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		late, remote := new(never), new(never)
		SpawnRemote(rt, Async(func(co *Co) struct{} {
			defer func() {
				Spawn(co.cx, late)
				SpawnRemote(rt, remote)
			}()
			Await(co, Sleep(time.Hour))
			return struct{}{}
		}))
		blockOn(t, rt, Sleep(time.Second))
		rt.Close()
		for _, n := range []*never{late, remote} {
			if n.polls != 0 || n.closes != 1 {
				t.Errorf("%d polls, closed %d times, want none, once", n.polls, n.closes)
			}
		}
	})
}

// borrower has no Close, since what it uses isn't its own.
type borrower struct{ Of *never }

func (borrower) Poll(*Context) (struct{}, bool) { return struct{}{}, false }

// Property 43: what a closed future had borrowed stays open.
func TestClosedFutureLeavesOpenWhatItHasBorrowed(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		b := borrower{new(never)}
		blockOn(t, rt, Race(b, Yield()))
		blockOn(t, rt, Timeout(b, time.Second))
		blockOn(t, rt, Timeout(JoinAll(b, b), time.Second))
		blockOn(t, rt, Timeout(Owning(new(never), b), time.Second))
		if b.Of.closes != 0 {
			t.Errorf("closed %d times", b.Of.closes)
		}
	})
}
