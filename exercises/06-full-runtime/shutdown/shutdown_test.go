package main

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

const (
	awaits = "a task waits in Await, or by a Poll that is false, and in no other way: does something block the one thread, or turn in circles?"
	grace  = 10 * time.Minute
)

// A world is a runtime in a bubble, whose clock jumps to the next timer when all
// sleep, a listener, and the connections that were made.
type world struct {
	t       testing.TB
	runtime *Runtime
	server  *Server
	cut     int           // what Drain says
	took    time.Duration // from the first poll of Drain to its last
	conns   []*conn
	waiting []*conn // not yet accepted
	accepts Waker   // who waits for the next one
	closed  int     // times that the listener was
	faults  []string
}

// within runs a test in a world with a server.
func within(t *testing.T, f func(w *world)) {
	t.Helper()
	if t.Failed() {
		return // once is enough
	}
	check.Bubble(t, 2*time.Second, awaits, func(t testing.TB) {
		w := &world{t: t}
		w.runtime = newRuntime(w)
		w.runtime.Trace.End = w.ended
		w.server = NewServer(w.runtime, w)
		f(w)
	})
}

// ended notes the panics of tasks, which otherwise only their handles tell.
func (w *world) ended(t *Task) {
	result := reflect.ValueOf(t.work).MethodByName("Poll").Call([]reflect.Value{reflect.ValueOf(new(Context))})
	if fault, ok := result[0].FieldByName("Err").Interface().(*PanicError); ok {
		line := regexp.MustCompile(`shutdown\.go:\d+`).Find(fault.Stack)
		w.faults = append(w.faults, fmt.Sprintf("%s panics: %v", line, fault.Value))
	}
}

// The methods of the kernel's queue, in which nothing happens but that time
// passes.

func (w *world) wait(timeout time.Duration) ([]event, error) {
	if timeout < 0 {
		return nil, unix.EBADF // for ever, with nobody there to ring
	}
	time.Sleep(timeout)
	return nil, nil
}

func (*world) add(int, uint32) error   { return nil }
func (*world) again(int, uint32) error { return nil }
func (*world) remove(int)              {}
func (*world) ring() error             { return nil }
func (*world) close()                  {}

// The methods of a Listener.

func (w *world) Accept() Future[Conn] { return &accepting{w: w} }

func (w *world) Close() {
	w.closed++
	w.waiting = nil
	wakeHere(w.accepts)
}

type accepting struct{ w *world }

func (a *accepting) Poll(cx *Context) (Conn, bool) {
	w := a.w
	if len(w.waiting) == 0 || w.closed > 0 {
		w.accepts, cx.task.waits = cx.waker, what("a connection")
		return nil, w.closed > 0
	}
	c := w.waiting[0]
	c.accepted, w.waiting = true, w.waiting[1:]
	return c, true
}

func (a *accepting) Close() error {
	a.w.accepts = nil
	return nil
}

// what is waited for, if the runtime reports a deadlock.
type what string

func (s what) String() string { return string(s) }

// connect makes a client that sends a request, if it is not "". To answer one
// takes it so long.
func (w *world) connect(name, request string, takes time.Duration) *conn {
	c := &conn{w: w, name: name, takes: takes, refused: w.closed > 0}
	w.conns = append(w.conns, c)
	if request != "" {
		c.requests = append(c.requests, request)
	}
	if !c.refused {
		w.waiting = append(w.waiting, c)
		wakeHere(w.accepts)
	}
	return c
}

// A conn has one client at its other end.
type conn struct {
	w        *world
	name     string
	takes    time.Duration
	refused  bool
	accepted bool
	requests []string // not yet read
	left     bool
	reads    Waker // who waits for the next request
	answered []string
	cut      []string // what Answer was closed over
	closed   int
}

// send is the client's. Without an event nobody is told, but it is there.
func (c *conn) send(request string, event bool) {
	c.requests = append(c.requests, request)
	if event {
		wakeHere(c.reads)
	}
}

func (c *conn) leave() {
	c.left = true
	wakeHere(c.reads)
}

func (c *conn) Next() Future[string] { return &reading{c} }

func (c *conn) Close() { c.closed++ }

type reading struct{ c *conn }

func (r *reading) Poll(cx *Context) (string, bool) {
	c := r.c
	if c.closed > 0 {
		c.w.t.Errorf("%s: a request is read after the connection was closed", c.name)
		return "", true
	}
	if len(c.requests) == 0 {
		c.reads, cx.task.waits = cx.waker, what("a request of "+c.name)
		return "", c.left
	}
	request := c.requests[0]
	c.requests = c.requests[1:]
	return request, true
}

func (r *reading) Close() error {
	r.c.reads = nil
	return nil
}

func (c *conn) Answer(request string) Future[struct{}] {
	return &answering{c: c, request: request, work: NewSleep(c.takes)}
}

type answering struct {
	c       *conn
	request string
	work    *Sleep
	done    bool
}

func (a *answering) Poll(cx *Context) (struct{}, bool) {
	if _, a.done = a.work.Poll(cx); a.done {
		if a.c.closed > 0 {
			a.c.w.t.Errorf("%s: the reply is sent after the connection was closed", a.c.name)
		}
		a.c.answered = append(a.c.answered, a.request)
	}
	return struct{}{}, a.done
}

func (a *answering) Close() error {
	if !a.done {
		a.done = true
		a.c.cut = append(a.c.cut, a.request)
		return a.work.Close()
	}
	return nil
}

// run runs the script, and then Drain.
func (w *world) run(script func(co *Co)) {
	w.t.Helper()
	var err error
	w.cut, err = BlockOn(w.runtime, Async(func(co *Co) int {
		script(co)
		began := time.Now()
		cut := Await(co, w.server.Drain(grace))
		w.took = time.Since(began)
		return cut
	}))
	for _, fault := range w.faults {
		w.t.Fatal(fault)
	}
	if err == unix.EBADF {
		w.t.Fatal("all sleep, and there is no timer: who is to go on?")
	} else if err != nil {
		w.t.Fatalf("Drain is never ready: %v", err)
	}
	if w.closed == 0 {
		w.t.Fatal("shutdown.go is not started: Drain is ready, and the listener is still open")
	}
}

// wantDrained wants Drain to have cut off so many, after so much time, and to
// have left nothing.
func (w *world) wantDrained(cut int, took time.Duration) {
	w.t.Helper()
	for _, c := range w.conns {
		switch {
		case c.accepted && c.closed == 0:
			w.t.Fatalf("Drain is ready, and the connection of %s is still open: who is told to end has not yet ended", c.name)
		case c.closed > 1:
			w.t.Fatalf("the connection of %s was closed %d times, want once", c.name, c.closed)
		}
	}
	if w.took != took {
		w.t.Fatalf("Drain was ready after %v, want %v: it waits for the requests under way, and no longer than for the last of them, or for the grace period of %v", w.took, took, grace)
	}
	if w.cut != cut {
		w.t.Fatalf("Drain says that it has cut off %d connections, want %d", w.cut, cut)
	}
	if left := w.runtime.Report(); left != (Report{}) {
		w.t.Fatalf("Drain is ready, and the runtime reports %d tasks and %d timers that are left, want 0 and 0: who is told to end has not yet ended", left.Tasks, left.Timers)
	}
}

// wantAnswered wants c to have got these replies, and nothing cut off.
func (w *world) wantAnswered(c *conn, look string, replies ...string) {
	w.t.Helper()
	if len(c.cut) > 0 {
		w.t.Fatalf("the reply %s to %s was cut off: %s", strings.Join(c.cut, ", "), c.name, look)
	}
	if !slices.Equal(c.answered, replies) {
		w.t.Fatalf("%s has got the replies %q, want %q: %s", c.name, c.answered, replies, look)
	}
}

func pause(co *Co, d time.Duration) { Await(co, NewSleep(d)) }

func TestNobodyIsConnected(t *testing.T) {
	within(t, func(w *world) {
		w.run(func(*Co) {})
		w.wantDrained(0, 0)
	})
}

func TestServesUntilThen(t *testing.T) {
	within(t, func(w *world) {
		var ann, bob *conn
		w.run(func(co *Co) {
			ann = w.connect("Ann", "one", time.Minute)
			pause(co, 2*time.Minute)
			ann.send("two", true)
			bob = w.connect("Bob", "three", time.Minute)
			pause(co, 2*time.Minute)
			ann.leave()
			bob.leave()
			pause(co, time.Minute)
			for _, c := range w.conns {
				if c.closed == 0 {
					w.t.Errorf("%s has left, and a minute later the connection is still open", c.name)
				}
			}
		})
		w.wantAnswered(ann, "nobody drained anything yet", "one", "two")
		w.wantAnswered(bob, "nobody drained anything yet", "three")
		w.wantDrained(0, 0)
	})
}

func TestRequestUnderWayIsFinished(t *testing.T) {
	within(t, func(w *world) {
		var ann *conn
		w.run(func(co *Co) {
			ann = w.connect("Ann", "hello", 4*time.Minute)
			pause(co, time.Minute)
		})
		w.wantAnswered(ann, "the request was under way, and it took less than the grace period", "hello")
		w.wantDrained(0, 3*time.Minute)
	})
}

func TestIdleConnectionsAreClosedAtOnce(t *testing.T) {
	within(t, func(w *world) {
		w.run(func(co *Co) {
			w.connect("Ann, who has got her reply,", "hello", time.Minute)
			w.connect("Bob, who has never sent anything,", "", 0)
			pause(co, 2*time.Minute)
		})
		w.wantDrained(0, 0)
	})
}

func TestNobodyIsAcceptedAnyMore(t *testing.T) {
	within(t, func(w *world) {
		var bob *conn
		w.run(func(co *Co) {
			w.connect("Ann", "hello", 4*time.Minute)
			pause(co, time.Minute)
			Spawn(w.runtime, Async(func(co *Co) struct{} {
				pause(co, time.Minute)
				bob = w.connect("Bob", "hello", time.Minute)
				return struct{}{}
			}))
		})
		if bob == nil {
			w.t.Fatal("a minute after Drain, with a request under way, another task was to go on, and had no turn: does Drain block the one thread?")
		}
		if !bob.refused {
			w.t.Fatal("a minute after Drain, with a request under way, Bob connects, and is not refused: the kernel lets him wait for a server that will never accept him; close the listener first, not last")
		}
		w.wantDrained(0, 3*time.Minute)
	})
}

// Between the kernel's event and the poll of the task there is time for Drain.
func TestRequestThatHasJustArrived(t *testing.T) {
	for _, event := range []bool{true, false} {
		within(t, func(w *world) {
			var ann *conn
			w.run(func(co *Co) {
				ann = w.connect("Ann", "one", time.Minute)
				pause(co, 2*time.Minute)
				ann.send("two", event)
			})
			told := "her task was woken, and has not been polled since"
			if !event {
				told = "no event has told of it yet"
			}
			w.wantAnswered(ann, "the connection was idle, and the second request arrived just before Drain ("+told+"); what is there is under way: who is asked last, before an idle connection is closed?", "one", "two")
			w.wantDrained(0, time.Minute)
		})
	}
}

// Its task has not been polled yet, or has it?
func TestConnectionThatHasJustBeenAccepted(t *testing.T) {
	for polls := range 4 {
		within(t, func(w *world) {
			var ann, bob *conn
			w.run(func(co *Co) {
				pause(co, time.Minute)
				ann = w.connect("Ann, whose request came with her connection,", "hello", 0)
				bob = w.connect("Bob, who has not sent anything yet,", "", 0)
				for range polls { // the others have their turn
					wakeHere(co.cx.waker)
					co.suspend(nil)
				}
			})
			if ann.accepted {
				w.wantAnswered(ann, "the connection was accepted, and the request had arrived, before Drain", "hello")
			}
			if polls == 3 && !bob.accepted {
				w.t.Fatal("somebody has connected, and is not accepted")
			}
			w.wantDrained(0, 0)
		})
	}
}

func TestRestIsCutOffAfterTheGracePeriod(t *testing.T) {
	within(t, func(w *world) {
		var ann, bob, cem *conn
		w.run(func(co *Co) {
			ann = w.connect("Ann", "short", 4*time.Minute)
			bob = w.connect("Bob", "long", 30*time.Minute)
			cem = w.connect("Cem", "longer", time.Hour)
			w.connect("Dora, who is idle,", "", 0)
			pause(co, time.Minute)
		})
		w.wantAnswered(ann, "it took less than the grace period", "short")
		w.wantDrained(2, grace)
		for _, c := range []*conn{bob, cem} {
			if len(c.cut) != 1 || len(c.answered) > 0 {
				w.t.Errorf("the request of %s takes longer than the grace period; its replies are %q, and cut off were %q", c.name, c.answered, c.cut)
			}
		}
	})
}
