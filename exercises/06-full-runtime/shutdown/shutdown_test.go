package main

import (
	_ "embed"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

//go:embed shutdown.go
var testSource string

const (
	testAwaits = "a task waits in Await, or by a Poll that is false, and in no other way: does something block the one goroutine, or turn in circles?"
	testGrace  = 10 * time.Minute
)

// A testWorld is a runtime, a listener, and the connections that were made.
type testWorld struct {
	t       testing.TB
	runtime *Runtime
	server  *Server
	cut     int           // what Drain says
	took    time.Duration // from the first poll of Drain to its last
	drain   Future[int]   // if the script has called Drain
	conns   []*testConn
	waiting []*testConn // not yet accepted
	accepts Waker       // the task that waits for the next one
	closed  int         // times that the listener was
}

// testWithin runs a test in a world with a server.
func testWithin(t *testing.T, f func(w *testWorld)) {
	t.Helper()
	if t.Failed() {
		return // once is enough
	}
	if check.IsStub(testSource) && t.Name() != "TestNothingIsConnected" {
		t.Skip("not tried: shutdown.go is not started")
	}
	check.Instant(t, testAwaits, func(t testing.TB) {
		check.Started(t, "shutdown.go", testSource)
		w := &testWorld{t: t, runtime: new(Runtime)}
		w.server = NewServer(w.runtime, w)
		f(w)
	})
}

// The methods of a Listener.

func (w *testWorld) Accept() Future[Conn] { return &testAccepting{w: w} }

func (w *testWorld) Close() {
	w.closed++
	w.waiting = nil
	wakeLocal(w.accepts)
}

type testAccepting struct{ w *testWorld }

func (a *testAccepting) Poll(cx *Context) (Conn, bool) {
	w := a.w
	if len(w.waiting) == 0 || w.closed > 0 {
		w.accepts = cx.waker
		return nil, w.closed > 0
	}
	c := w.waiting[0]
	c.accepted, w.waiting = true, w.waiting[1:]
	return c, true
}

func (a *testAccepting) Close() error {
	a.w.accepts = nil
	return nil
}

// connect makes a client that sends a request, if it is not "". To answer one
// takes it so long.
func (w *testWorld) connect(name, request string, takes time.Duration) *testConn {
	c := &testConn{w: w, name: name, takes: takes, refused: w.closed > 0}
	w.conns = append(w.conns, c)
	if request != "" {
		c.requests = append(c.requests, request)
	}
	if !c.refused {
		w.waiting = append(w.waiting, c)
		wakeLocal(w.accepts)
	}
	return c
}

// A testConn has one client at its other end.
type testConn struct {
	w        *testWorld
	name     string
	takes    time.Duration
	panics   bool // to answer ends in a panic
	refused  bool
	accepted bool
	requests []string // not yet read
	left     bool
	broken   bool  // to read from it ends in a panic
	reads    Waker // the task that waits for the next request
	nexts    []*testReading
	answered []string
	cut      []string // what Answer was closed over
	closed   int
}

// send is the client's. Without an event nothing tells of it, but it's there.
func (c *testConn) send(request string, event bool) {
	c.requests = append(c.requests, request)
	if event {
		wakeLocal(c.reads)
	}
}

func (c *testConn) leave() {
	c.left = true
	wakeLocal(c.reads)
}

func (c *testConn) Next() Future[string] {
	r := &testReading{c: c}
	c.nexts = append(c.nexts, r)
	return r
}

func (c *testConn) Close() { c.closed++ }

type testReading struct {
	c     *testConn
	waits bool // it has been polled, isn't ready, and isn't closed
}

func (r *testReading) Poll(cx *Context) (string, bool) {
	c := r.c
	if c.closed > 0 {
		c.w.t.Errorf("%s: a request is read after the connection was closed", c.name)
		return "", true
	}
	if c.broken {
		r.waits = false
		panic(testPanic)
	}
	if len(c.requests) == 0 {
		c.reads = cx.waker
		r.waits = !c.left
		return "", c.left
	}
	r.waits = false
	request := c.requests[0]
	c.requests = c.requests[1:]
	return request, true
}

func (r *testReading) Close() error {
	r.c.reads, r.waits = nil, false
	return nil
}

func (c *testConn) Answer(request string) Future[struct{}] {
	return &testAnswering{c: c, request: request, work: Sleep(c.takes)}
}

type testAnswering struct {
	c       *testConn
	request string
	work    Future[struct{}]
	done    bool
}

func (a *testAnswering) Poll(cx *Context) (struct{}, bool) {
	if _, a.done = a.work.Poll(cx); a.done {
		if a.c.panics {
			panic(testPanic)
		}
		if a.c.closed > 0 {
			a.c.w.t.Errorf("%s: the reply is sent after the connection was closed", a.c.name)
		}
		a.c.answered = append(a.c.answered, a.request)
	}
	return struct{}{}, a.done
}

func (a *testAnswering) Close() error {
	if !a.done {
		a.done = true
		a.c.cut = append(a.c.cut, a.request)
		return Close(a.work)
	}
	return nil
}

const testPanic = "a Next or an Answer panics"

// testUserLine is a line of a stack that is in shutdown.go.
var testUserLine = regexp.MustCompile(`shutdown\.go:\d+`)

// run runs the script, and then Drain.
func (w *testWorld) run(script func(co *Co)) {
	w.t.Helper()
	var err error
	w.cut, err = BlockOn(w.runtime, Async(func(co *Co) int {
		script(co)
		began := w.runtime.now
		if w.drain == nil {
			w.drain = w.server.Drain(testGrace)
		}
		cut := Await(co, w.drain)
		w.took = w.runtime.now - began
		return cut
	}))
	for _, fault := range w.runtime.faults {
		if fault.Value == testPanic {
			continue
		}
		w.t.Fatalf("%s panics: %v", testUserLine.Find(fault.Stack), fault.Value)
	}
	switch {
	case err == errDeadlock:
		w.t.Fatalf("Drain isn't ready, no task can be woken, and there's no timer (tasks left: %d): what was to wake the one that waits?", len(w.runtime.tasks))
	case err != nil:
		w.t.Fatalf("Drain is never ready: %v", err)
	case w.closed == 0:
		w.t.Fatal("Drain is ready, and the listener is still open")
	}
}

// wantDrained wants Drain to have cut off so many, after so much time, and to
// have left nothing.
func (w *testWorld) wantDrained(cut int, took time.Duration) {
	w.t.Helper()
	for _, c := range w.conns {
		switch {
		case c.accepted && c.closed == 0:
			w.t.Fatalf("Drain is ready, and the connection of %s is still open: a task that's told to end hasn't ended yet", c.name)
		case c.closed > 1:
			w.t.Fatalf("the connection of %s was closed %d times, want once", c.name, c.closed)
		case slices.ContainsFunc(c.nexts, func(r *testReading) bool { return r.waits }):
			w.t.Fatalf("the connection of %s is closed, and the Next that waited for its next request was given up and not closed: does your future close the one inside it?", c.name)
		}
	}
	if w.took != took {
		w.t.Fatalf("Drain was ready after %v, want %v: it waits for the requests under way, and no longer than for the last of them, or for the grace period", w.took, took)
	}
	if w.cut != cut {
		w.t.Fatalf("Drain yields that it has cut off %d connections, want %d", w.cut, cut)
	}
	if left := w.runtime.Report(); left != (Report{}) {
		w.t.Fatalf("Drain is ready, and the runtime reports %d tasks and %d timers that are left, want 0 and 0: a task that's told to end hasn't ended yet", left.Tasks, left.Timers)
	}
}

// wantAnswered wants c to have got these replies, and nothing cut off.
func (w *testWorld) wantAnswered(c *testConn, look string, replies ...string) {
	w.t.Helper()
	if len(c.cut) > 0 {
		w.t.Fatalf("the reply %s to %s was cut off: %s", strings.Join(c.cut, ", "), c.name, look)
	}
	if !slices.Equal(c.answered, replies) {
		w.t.Fatalf("%s has got the replies %q, want %q: %s", c.name, c.answered, replies, look)
	}
}

func testPause(co *Co, d time.Duration) { Await(co, Sleep(d)) }

func TestNothingIsConnected(t *testing.T) {
	testWithin(t, func(w *testWorld) {
		w.run(func(*Co) {})
		w.wantDrained(0, 0)
	})
}

func TestServesUntilThen(t *testing.T) {
	testWithin(t, func(w *testWorld) {
		var ann, bob *testConn
		w.run(func(co *Co) {
			ann = w.connect("Ann", "one", time.Minute)
			testPause(co, 2*time.Minute)
			ann.send("two", true)
			bob = w.connect("Bob", "three", time.Minute)
			testPause(co, 2*time.Minute)
			ann.leave()
			bob.leave()
			testPause(co, time.Minute)
			for _, c := range w.conns {
				if c.closed == 0 {
					w.t.Errorf("%s has left, and a minute later the connection is still open", c.name)
				}
			}
		})
		w.wantAnswered(ann, "Drain wasn't called yet", "one", "two")
		w.wantAnswered(bob, "Drain wasn't called yet", "three")
		w.wantDrained(0, 0)
	})
}

// A future does nothing before its first poll.
func TestServesUntilDrainIsPolled(t *testing.T) {
	testWithin(t, func(w *testWorld) {
		var ann *testConn
		w.run(func(co *Co) {
			w.drain = w.server.Drain(testGrace)
			if w.closed > 0 {
				w.t.Error("Drain was called, and nothing has polled it: the listener is closed already, and the server was to serve as before until the first poll")
			}
			ann = w.connect("Ann", "hello", time.Minute)
			testPause(co, 2*time.Minute)
		})
		w.wantAnswered(ann, "Drain was called, and nothing had polled it", "hello")
		w.wantDrained(0, 0)
	})
}

func TestRequestUnderWayIsFinished(t *testing.T) {
	testWithin(t, func(w *testWorld) {
		var ann *testConn
		w.run(func(co *Co) {
			ann = w.connect("Ann", "hello", 4*time.Minute+1)
			testPause(co, time.Minute)
		})
		w.wantAnswered(ann, "the request was under way, and it took less than the grace period", "hello")
		w.wantDrained(0, 3*time.Minute+1)
	})
}

func TestIdleConnectionsAreClosedAtOnce(t *testing.T) {
	testWithin(t, func(w *testWorld) {
		w.run(func(co *Co) {
			w.connect("Ann, who has got her reply,", "hello", time.Minute)
			w.connect("Bob, who has never sent anything,", "", 0)
			testPause(co, 2*time.Minute)
		})
		w.wantDrained(0, 0)
	})
}

func TestNothingIsAcceptedAnymore(t *testing.T) {
	testWithin(t, func(w *testWorld) {
		var bob *testConn
		w.run(func(co *Co) {
			w.connect("Ann", "hello", 4*time.Minute)
			testPause(co, time.Minute)
			Spawn(co.cx, Async(func(co *Co) struct{} {
				testPause(co, time.Minute)
				bob = w.connect("Bob", "hello", time.Minute)
				return struct{}{}
			}))
		})
		if bob == nil {
			w.t.Fatal("a minute after Drain, with a request under way, another task was to go on, and had no turn: does Drain block the one goroutine?")
		}
		if !bob.refused {
			w.t.Fatal("a minute after Drain, with a request under way, Bob connects, and isn't refused: the kernel lets him wait for a server that will never accept the connection; close the listener first, not last")
		}
		w.wantDrained(0, 3*time.Minute)
	})
}

// A task that has its turn right after the first poll of Drain.
func TestListenerIsClosedAtOnce(t *testing.T) {
	testWithin(t, func(w *testWorld) {
		var bob *testConn
		w.run(func(co *Co) {
			w.connect("Ann", "hello", 4*time.Minute)
			testPause(co, time.Minute)
			Spawn(co.cx, Async(func(co *Co) struct{} {
				bob = w.connect("Bob", "hello", time.Minute)
				return struct{}{}
			}))
		})
		if bob == nil || !bob.refused {
			w.t.Fatal("Drain is polled for the first time, and in the next task's turn Bob connects, and isn't refused: what does Drain do before it closes the listener?")
		}
		w.wantDrained(0, 3*time.Minute)
	})
}

// A random choice is caught, because these are repeated.
const testDraws = 20

// Between the kernel's event and the poll of the task there is time for Drain.
func TestRequestThatHasJustArrived(t *testing.T) {
	for draw := range 2 * testDraws {
		event := draw%2 == 0
		testWithin(t, func(w *testWorld) {
			var ann *testConn
			w.run(func(co *Co) {
				ann = w.connect("Ann", "one", time.Minute)
				testPause(co, 2*time.Minute)
				ann.send("two", event)
			})
			told := "her task was woken, and hasn't been polled since"
			if !event {
				told = "no event has told of it yet"
			}
			w.wantAnswered(ann, "the connection was idle, and the second request arrived just before Drain ("+told+"); what's there is under way: what do you look at last, before you close an idle connection?", "one", "two")
			w.wantDrained(0, time.Minute)
		})
	}
}

// Its task has not been polled yet, or has it?
func TestConnectionThatHasJustBeenAccepted(t *testing.T) {
	for draw := range 4 * testDraws {
		polls := draw % 4
		testWithin(t, func(w *testWorld) {
			var ann, bob *testConn
			w.run(func(co *Co) {
				testPause(co, time.Minute)
				ann = w.connect("Ann, whose request came with her connection,", "hello", 0)
				bob = w.connect("Bob, who has not sent anything yet,", "", 0)
				for range polls { // the others have their turn
					wakeLocal(co.cx.waker)
					co.suspend()
				}
			})
			if ann.accepted {
				w.wantAnswered(ann, "the connection was accepted, and the request had arrived, before Drain", "hello")
			}
			if polls == 3 && !bob.accepted {
				w.t.Fatal("Bob has connected, and isn't accepted")
			}
			w.wantDrained(0, 0)
		})
	}
}

func TestRestIsCutOffAfterTheGracePeriod(t *testing.T) {
	testWithin(t, func(w *testWorld) {
		var ann, bob, cem *testConn
		w.run(func(co *Co) {
			ann = w.connect("Ann", "short", 4*time.Minute)
			bob = w.connect("Bob", "long", 30*time.Minute)
			cem = w.connect("Cem", "longer", time.Hour)
			w.connect("Dora, who is idle,", "", 0)
			testPause(co, time.Minute)
		})
		w.wantAnswered(ann, "it took less than the grace period", "short")
		w.wantDrained(2, testGrace)
		for _, c := range []*testConn{bob, cem} {
			if len(c.cut) != 1 || len(c.answered) > 0 {
				w.t.Errorf("the request of %s takes longer than the grace period; its replies are %q, and cut off were %q", c.name, c.answered, c.cut)
			}
		}
	})
}

// A task that ends by itself isn't cut off, however it ends.
func TestAnswerThatPanics(t *testing.T) {
	for _, long := range []time.Duration{3 * time.Minute, time.Hour} {
		testWithin(t, func(w *testWorld) {
			w.run(func(co *Co) {
				w.connect("Ann, whose Answer panics before Drain,", "one", time.Minute).panics = true
				w.connect("Bob, whose Answer panics after Drain,", "two", 4*time.Minute).panics = true
				w.connect("Cem", "three", long)
				w.connect("Dora, whose Answer panics after Drain,", "four", 5*time.Minute).panics = true
				testPause(co, 2*time.Minute)
			})
			if long < testGrace {
				w.wantDrained(0, 3*time.Minute)
			} else {
				w.wantDrained(1, testGrace)
			}
		})
	}
}
