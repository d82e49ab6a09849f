package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

var resultLine = regexp.MustCompile(`^RESULT kind=(\w+) n=(\d+) wall_ns=(\d+) cpu_ns=(\d+) wall_per_op=([\d.]+) cpu_per_op=([\d.]+)\n$`)

// checkResult wants exactly one RESULT line, whose figures agree.
func checkResult(t *testing.T, output, kind string, n int) {
	t.Helper()
	m := resultLine.FindStringSubmatch(output)
	if m == nil {
		t.Fatalf("want one line that matches %s, got:\n%s", resultLine, output)
	}
	if m[1] != kind || m[2] != strconv.Itoa(n) {
		t.Errorf("%q: want kind=%s n=%d", output, kind, n)
	}
	for i := range 2 {
		total, _ := strconv.ParseFloat(m[3+i], 64)
		if want := fmt.Sprintf("%.1f", total/float64(n)); m[5+i] != want || total <= 0 {
			t.Errorf("%q: want %s for each, and more than nothing", output, want)
		}
	}
}

func TestSchedPrintsAResult(t *testing.T) {
	t.Parallel()
	for kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			got := runHere(t, "sched", kind, "-n", "2500")
			if got.status != 0 || got.stderr != "" {
				t.Errorf("status %d, %q", got.status, got.stderr)
			}
			checkResult(t, got.stdout, kind, 2500)
		})
	}
}

func TestSleepPrintsAResult(t *testing.T) {
	t.Parallel()
	start := time.Now()
	got := runHere(t, "sleep", "-n", "2500", "-ms", "20")
	if took := time.Since(start); got.status != 0 || got.stderr != "" || took < 20*time.Millisecond {
		t.Errorf("status %d, %q, after %v", got.status, got.stderr, took)
	}
	checkResult(t, got.stdout, "sleep", 2500)
}

// What is measured must happen as often as is said.
func TestKindsDoWhatTheySay(t *testing.T) {
	t.Parallel()
	const n = 2500
	for kind, want := range map[string]struct{ spawns, polls, timers int }{
		"spawn":      {spawns: 1 + n, polls: 1 + 2*n},
		"spawnbatch": {spawns: 1 + n, polls: 1 + n},
		"yield1":     {spawns: 1 + 1, polls: 1 + n},
		"yield1k":    {spawns: 1 + 1000, polls: 1 + n},
		"wake":       {spawns: 1, polls: 1 + n},
		"wakego":     {spawns: 1, polls: 1 + n},
		"timer":      {spawns: 1 + n, polls: 1 + 2*n, timers: n},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			rt, err := NewRuntime()
			if err != nil {
				t.Fatal(err)
			}
			spawns, polls, timers := 0, 0, 0
			rt.Trace = Trace{
				Spawn: func(*Task) { spawns++ },
				Poll:  func(*Task) { polls++ },
				Timer: func() { timers++ },
			}
			if _, err := BlockOn(rt, kinds[kind](n)); err != nil {
				t.Error(err)
			}
			if spawns != want.spawns || polls < want.polls || timers != want.timers {
				t.Errorf("%d spawns, %d polls, %d timers; want %d, at least %d, %d",
					spawns, polls, timers, want.spawns, want.polls, want.timers)
			}
			if left := rt.Close(); left != (Report{}) {
				t.Errorf("left behind: %+v", left)
			}
		})
	}
}

func TestTimersOfSchedAreSpreadOverASecond(t *testing.T) {
	t.Parallel()
	c := kinds["timer"](1000).(*crowd)
	for i, want := range map[int]time.Duration{0: 100, 500: 600, 999: 1099} {
		if got := c.start(&c.group, i).(*sleeper).sleep.d; got != want*time.Millisecond {
			t.Errorf("timer %d of 1000 is due after %v, want %d ms", i, got, want)
		}
	}
}

func TestCPUTimeCounts(t *testing.T) {
	t.Parallel()
	before := cpuTime()
	for cpuTime()-before < time.Millisecond { // ends, or the watchdog of go test does
	}
}

// beside runs a fetch, and a request beside it that must not notice.
func beside(t *testing.T, fetch Future[Fetched], over <-chan struct{}) Fetched {
	t.Helper()
	rt := openRuntime(t)
	h, other := SpawnRemote(rt, fetch), SpawnRemote(rt, neighbor(t, over))
	got := blockOn(t, rt, h)
	checkFault(t, Response{Status: 200, Body: "hello"}, "", blockOn(t, rt, other).Value)
	if got.Err != nil {
		t.Fatal(got.Err)
	}
	return got.Value
}

// inTime is a fetch that is given up, which is an error of it.
func inTime(f *Fetch, d time.Duration) Future[Fetched] {
	return Async(func(co *Co) Fetched {
		got := Await(co, Timeout(f, d))
		if got.Err != nil {
			return Fetched{Err: got.Err}
		}
		return got.Value
	})
}

func closed() <-chan struct{} {
	over := make(chan struct{})
	close(over)
	return over
}

// Properties 10, 11 and 12: as HTTPGet, by what get is made of.
func TestFaultOfOnePeerIsErrorOfOneFetch(t *testing.T) {
	for _, fault := range faults {
		t.Run(fault.name, func(t *testing.T) {
			noLeaks(t)
			over := make(chan struct{})
			got := beside(t, newFetch("/", startPeer(t, func(c *net.TCPConn) {
				defer close(over)
				fault.play(c)
				c.Close()
			})), over)
			if fault.err != "" {
				_, cause, _ := strings.Cut(fault.err, ": ") // before that stands what a state of HTTPGet is called
				checkFault(t, Response{}, cause, Response{Err: got.Err})
			} else if got.Err != nil || got.Status != fault.want.Status || got.Bytes != len(fault.want.Body) {
				t.Errorf("got %+v, want %+v", got, fault.want)
			}
		})
	}
}

// Property 12.
func TestRefusedConnectIsErrorOfOneFetch(t *testing.T) {
	noLeaks(t)
	_, addr := bound(t)
	got := beside(t, newFetch("/", addr), closed())
	checkFault(t, Response{}, `^dial `+addr.String()+`: connection refused$`, Response{Err: got.Err})
}

// Properties 7 and 36.
func TestFetchWhoseConnectHangsIsGivenUp(t *testing.T) {
	noLeaks(t)
	if got := beside(t, inTime(newFetch("/", fullBacklog(t)), 20*time.Millisecond), closed()); got.Err != ErrTimeout {
		t.Errorf("got %+v, want %v", got, ErrTimeout)
	}
}

// Property 36.
func TestFetchFromServerThatNeverAnswersIsGivenUp(t *testing.T) {
	noLeaks(t)
	silent := startPeer(t, func(c *net.TCPConn) { untilClosed(c) })
	if got := beside(t, inTime(newFetch("/", silent), 20*time.Millisecond), closed()); got.Err != ErrTimeout {
		t.Errorf("got %+v, want %v", got, ErrTimeout)
	}
}

// Property 8.
func TestFetchWhosePeerDoesNotReadHoldsUpNobody(t *testing.T) {
	noLeaks(t)
	path := "/" + strings.Repeat("x", 8<<20) // more than both sockets buffer
	otherIsOver := make(chan struct{})
	stubborn := startPeer(t, func(c *net.TCPConn) {
		<-otherIsOver
		if strings.Contains(readRequest(c), path) {
			io.WriteString(c, hello)
		}
	})
	rt := openRuntime(t)
	h := SpawnRemote(rt, newFetch(path, stubborn))
	checkFault(t, Response{Status: 200, Body: "hello"}, "", blockOn(t, rt, neighbor(t, closed())))
	close(otherIsOver)
	if got := blockOn(t, rt, h).Value; got.Err != nil || got.Bytes != len("hello") {
		t.Errorf("got %+v, want 5 bytes", got)
	}
}

// fetchScripted is what a Fetch makes of a script. It is polled when it has
// been woken, and only then. The request is longer than it need be.
func fetchScripted(t *testing.T, s *script, longer, maxReply int) Fetched {
	t.Helper()
	rt := scriptedRuntime(t, func(time.Duration) (more bool) { return s.run() })
	f := newFetch("/" + strings.Repeat("x", longer))
	f.target.maxReply, f.stream = maxReply, streamOf(t, rt, s.tested)
	s.request = string(f.target.request)
	return blockOn(t, rt, f)
}

func sameAsFetched(want Response, got Fetched) bool {
	if want.Err != nil {
		return got.Err != nil
	}
	return got.Err == nil && got.Status == want.Status && got.Bytes == len(want.Body)
}

// Properties 8, 9, 10 and 15: see FuzzReply.
func FuzzFetch(f *testing.F) {
	for _, reply := range replies {
		f.Add(reply.wire, "", uint16(0))
		f.Add(reply.wire, strings.Repeat("st", len(reply.wire)), uint16(0))
	}
	f.Add("HTTP/1.0 200 OK\r\n\r\n"+strings.Repeat("more than a buffer", 5000), "StStttSt", uint16(20000))
	f.Fuzz(func(t *testing.T, wire, steps string, longer uint16) {
		mustEnd(t)
		const maxReply = 100_000
		s := newScript(t, wire, steps)
		got, want := fetchScripted(t, s, int(longer), maxReply), Response{Err: errors.New("longer than is allowed")}
		if len(s.said) <= maxReply {
			want = s.response(t)
		}
		if !sameAsFetched(want, got) {
			t.Errorf("of %.200q, then %v, is made %+v, want %.200q, %v", s.said, s.end, got, want.Body, want.Err)
		}
	})
}

// Property 8.
func TestFetchedReplySplitAtAnyByteIsTheSame(t *testing.T) {
	for _, reply := range replies {
		for cut := range len(reply.wire) {
			s := newScript(t, reply.wire, "t"+strings.Repeat("s", cut)+"t")
			if got := fetchScripted(t, s, 0, 1000); !sameAsFetched(reply.want, got) {
				t.Errorf("%s, cut after %q: got %+v, want %+v", reply.name, reply.wire[:cut], got, reply.want)
			}
		}
	}
}

// Property 10.
func TestFetchedReplyAtItsLimits(t *testing.T) {
	for _, limit := range limits {
		t.Run(limit.name, func(t *testing.T) {
			got := fetchScripted(t, newScript(t, limit.wire, ""), 0, 1<<22)
			if limit.err != "" {
				checkFault(t, Response{}, limit.err, Response{Err: got.Err})
			} else if !sameAsFetched(limit.want, got) {
				t.Errorf("got %+v, want %+v", got, limit.want)
			}
		})
	}
}

func TestFetchedReplyIsNotLongerThanMaxReply(t *testing.T) {
	for _, steps := range []string{"", strings.Repeat("st", len(hello))} {
		got := fetchScripted(t, newScript(t, hello, steps), 0, len(hello))
		if !sameAsFetched(Response{Status: 200, Body: "hello"}, got) {
			t.Errorf("got %+v", got)
		}
		got = fetchScripted(t, newScript(t, hello, steps), 0, len(hello)-1)
		checkFault(t, Response{}, fmt.Sprintf(`more than %d bytes$`, len(hello)-1), Response{Err: got.Err})
	}
}

// wantDeadlock runs f, which must end with the report.
func wantDeadlock[T any](t *testing.T, rt *Runtime, f Future[T], want ...string) {
	t.Helper()
	_, err := BlockOn(rt, f)
	var deadlock *DeadlockError
	if !errors.As(err, &deadlock) {
		t.Fatalf("BlockOn ends with %v, want a *DeadlockError", err)
	}
	if diff := cmp.Diff(want, deadlock.Tasks); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Property 33.
func TestTasksThatWaitForEachOtherAreReported(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		s, c := NewSemaphore(0), NewChannel[int](1)
		var a, b *JoinHandle[int]
		a = SpawnRemote(rt, Async(func(co *Co) int { return Await(co, b).Value }))
		b = SpawnRemote(rt, Async(func(co *Co) int { return Await(co, a).Value }))
		SpawnRemote(rt, s.Acquire())
		SpawnRemote(rt, c.Receive())
		SpawnRemote(rt, Async(func(co *Co) int {
			Await(co, c.Send(1))
			Await(co, c.Receive())
			Await(co, JoinAll[Result[int]](a, SpawnRemote(rt, ready(1))))
			return 1
		}))
		SpawnRemote(rt, until(func(*Context) bool { return false }))
		wantDeadlock(t, rt, a,
			"task 1 waits for task 2",
			"task 2 waits for task 1",
			"task 3 waits for a permit of a Semaphore (1 wait)",
			"task 5 waits for a value from a Channel (1 wait)",
			"task 6 is pending, but has asked nobody to wake it",
			"task 7 waits for task 1",
		)
	})
}

// Property 33.
func TestDeadlockInsideAJoinAllIsReported(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		wantDeadlock(t, rt, JoinAll[struct{}](NewSemaphore(0).Acquire(), Sleep(time.Second)),
			"task 1 waits for 1 of 2 in a JoinAll, one of them for a permit of a Semaphore (1 wait)")
	})
}

// Property 33: a task that waits for itself.
func TestTaskThatWaitsForItselfIsReported(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		var h *JoinHandle[int]
		h = SpawnRemote(rt, Async(func(co *Co) int { return Await(co, h).Value }))
		wantDeadlock(t, rt, h, "task 1 waits for task 1", "task 2 waits for task 1")
	})
}

// Property 33: from the next BlockOn they may go on.
func TestRuntimeGoesOnAfterADeadlock(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		s := NewSemaphore(0)
		wantDeadlock(t, rt, s.Acquire(), "task 1 waits for a permit of a Semaphore (1 wait)")
		s.Release()
		blockOn(t, rt, Sleep(time.Second))
		if n := rt.Report().Tasks; n != 0 {
			t.Errorf("%d tasks are left, want none: the permit is there", n)
		}
	})
}

// Property 33.
func TestWhoCanBeWokenFromOutsideIsNotStuck(t *testing.T) {
	later := func(cx *Context) bool {
		time.AfterFunc(time.Hour, cx.Waker().Wake)
		return false
	}
	for name, f := range map[string]func() Future[struct{}]{
		"timer":    func() Future[struct{}] { return Sleep(time.Hour) },
		"Blocking": func() Future[struct{}] { return Blocking(func() struct{} { time.Sleep(time.Hour); return struct{}{} }) },
		"waker": func() Future[struct{}] {
			polls := 0
			return until(func(cx *Context) bool { polls++; return polls == 2 || later(cx) })
		},
		"waker in a JoinAll whose other child goes on": func() Future[struct{}] {
			polls := 0
			return discard(JoinAll(
				until(func(cx *Context) bool { polls++; return polls == 2 || later(cx) }),
				discard(Async(func(co *Co) int {
					for range 10 {
						Await(co, Yield())
					}
					return 1
				})),
			))
		},
		"waker in a Race in a body": func() Future[struct{}] {
			polls := 0
			return discard(Async(func(co *Co) int {
				Await(co, Race(NewSemaphore(0).Acquire(), until(func(cx *Context) bool { polls++; return polls == 2 || later(cx) })))
				return 1
			}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, rt *Runtime) {
				start := time.Now()
				SpawnRemote(rt, Async(func(co *Co) int { Await(co, NewSemaphore(0).Acquire()); return 1 }))
				blockOn(t, rt, Async(func(co *Co) int { Await(co, SpawnRemote(rt, f())); return 1 }))
				if got := time.Since(start); got > time.Hour {
					t.Errorf("it took %v, want at most 1h", got)
				}
			})
		})
	}
}

// Property 33: who else would know of the goroutine?
func TestRuntimeWaitsForTheGoroutineThatATaskWaitsFor(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		c, sent := NewChannel[int](1), make(chan struct{})
		time.AfterFunc(time.Hour, func() {
			SpawnRemote(rt, c.Send(7))
			close(sent)
		})
		got := blockOn(t, rt, Async(func(co *Co) int {
			goroutine := SpawnRemote(rt, Blocking(func() struct{} { <-sent; return struct{}{} }))
			value := Await(co, c.Receive()).Value
			Await(co, goroutine)
			return value
		}))
		if got != 7 {
			t.Errorf("got %d, want the 7 that the goroutine had sent", got)
		}
	})
}

// Property 33: its waker was used up, and the child is ready.
func TestJoinAllWhoseOutsideChildHasEndedIsStuck(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		polls := 0
		_, err := BlockOn(rt, JoinAll(NewSemaphore(0).Acquire(), until(func(cx *Context) bool {
			if polls++; polls == 1 {
				time.AfterFunc(time.Hour, cx.Waker().Wake)
			}
			return polls == 2
		})))
		if err == nil || !strings.Contains(err.Error(), "deadlock") {
			t.Errorf("BlockOn ends with %v, want a deadlock", err)
		}
	})
}

// Property 33: an abandoned Read is no reason to hope.
func TestAbandonedReadAndAcceptDoNotHideADeadlock(t *testing.T) {
	rt := openRuntime(t)
	s, _ := openStream(t, rt)
	l, err := Listen(rt, netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	wantDeadlock(t, rt, Async(func(co *Co) int {
		Await(co, Timeout(s.Read(make([]byte, 1)), time.Millisecond))
		Await(co, Timeout(l.Accept(), time.Millisecond))
		Await(co, NewSemaphore(0).Acquire())
		return 1
	}), "task 1 waits for a permit of a Semaphore (1 wait)")
}

// Property 33: a descriptor.
func TestWhoWaitsForADescriptorIsNotStuck(t *testing.T) {
	rt := openRuntime(t)
	s, peer := openStream(t, rt)
	h := SpawnRemote(rt, s.Read(make([]byte, 1)))
	time.AfterFunc(10*time.Millisecond, func() { ignoringEINTR(unix.Write, peer, []byte("x")) })
	if got := blockOn(t, rt, h); got.Value.Value != 1 {
		t.Errorf("got %+v, want one byte", got)
	}
}

// Property 33: it is marked as queued, and not yet in the queue.
func TestTaskThatIsBeingWokenIsNotStuck(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		h := SpawnRemote(rt, until(func(*Context) bool { return false }))
		polls := 0
		blockOn(t, rt, until(func(cx *Context) bool {
			if polls++; polls == 1 {
				h.task.queued.Store(true) // what Cancel does first
				h.task.cancel.Store(true)
				time.AfterFunc(time.Hour, func() {
					rt.wakeRemote(&h.task)
					cx.task.Wake()
				})
			}
			return polls == 2
		}))
	})
}
