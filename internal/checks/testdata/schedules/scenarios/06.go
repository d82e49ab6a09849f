package main

import (
	"strings"
	"time"

	"schedules/sched"
)

var Scenarios = []sched.Scenario{
	{"a wake against a park", wakeAgainstPark},
	{"two wakes of one task", twoWakesOfOneTask},
	{"two tasks, woken by two goroutines", twoTasks},
	{"first woken, first polled", firstWokenFirstPolled},
	{"a task that wakes itself does not hide a wake", wakesItself},
	{"a child of JoinAll is woken while it is polled", joinAllOfLetters},
	{"the latest waker wins", latestWakerWins},
	{"a wake between two calls of BlockOn", wakeBetweenRuns},
	{"a spawn from another goroutine", foreignSpawn},
	{"a Wake that spawns", wakeThatSpawns},
	{"join", join},
	{"cancel from another goroutine", cancel},
	{"cancel against a wake", cancelAgainstWake},
	{"a coroutine is cancelled against a wake", cancelCoroutine},
	{"Race of two letters", raceOfLetters},
	{"a timer is added while the runtime is parked", timerAddedWhileParked},
	{"an earlier timer is added while the runtime is parked", earlierTimer},
	{"Timeout against a wake", timeoutAgainstWake},
	{"a timer is cancelled in flight", timerCancelled},
	{"Blocking returns against a park", blockingAgainstPark},
	{"Blocking is abandoned", blockingAbandoned},
	{"a task panics while another one is woken", panicAgainstWake},
	{"a place in a channel is handed over", placeHandedOver},
	{"a value is sent by a task from another goroutine", sendFromElsewhere},
	{"Close against a spawn", closeAgainstSpawn},
	{"Close against a wake", closeAgainstWake},
	{"Close against a cancel", closeAgainstCancel},
	{"a descriptor is ready while it is registered", readyWhileRegistered},
	{"one direction is delivered while the other registers", otherDirection},
	{"an event against the bell", eventAgainstBell},
}

// withRuntime makes a runtime that holds nothing at the end.
func withRuntime(r *sched.R) *Runtime {
	rt, err := NewRuntime()
	sched.Equal("NewRuntime", err, nil)
	r.After(func() { sched.Equal("what is left", rt.Close(), Report{}) })
	return rt
}

// blockOn is what the runtime's goroutine does.
func blockOn[T any](rt *Runtime, f Future[T]) func() {
	return func() {
		_, err := BlockOn(rt, f)
		sched.Equal("BlockOn", err, nil)
	}
}

func wakeAgainstPark(r *sched.R) {
	rt, l := withRuntime(r), new(letter)
	r.Go("main", blockOn[struct{}](rt, l))
	r.Go("post", l.post)
}

func twoWakesOfOneTask(r *sched.R) {
	rt, l, polls := withRuntime(r), new(letter), 0
	r.Go("main", func() {
		blockOn(rt, Counted[struct{}](l, &polls))()
		sched.Equal("at most 2 polls", polls <= 2, true)
	})
	r.Go("post", l.post)
	r.Go("post", l.post)
}

func twoTasks(r *sched.R) {
	rt, a, b := withRuntime(r), new(letter), new(letter)
	h := SpawnRemote[struct{}](rt, a)
	r.Go("main", func() {
		blockOn[struct{}](rt, b)()
		blockOn(rt, h)()
	})
	r.Go("post a", a.post)
	r.Go("post b", b.post)
}

func firstWokenFirstPolled(r *sched.R) {
	rt, a, b := withRuntime(r), new(letter), new(letter)
	var order []string
	first, second := noted{a, "a", &order}, announce(noted{b, "b", &order})
	h := SpawnRemote[struct{}](rt, first)
	r.Go("main", func() {
		blockOn[struct{}](rt, second)()
		blockOn(rt, h)()
		sched.Equal("order", strings.Join(order, " "), "b a")
	})
	r.Go("post", func() {
		<-second.polled
		b.post()
		a.post()
	})
}

// eager wakes itself in its first poll.
type eager struct {
	*letter
	polled *bool
}

func (e eager) Poll(cx *Context) (struct{}, bool) {
	_, ready := e.letter.Poll(cx)
	if !*e.polled {
		*e.polled = true
		wakeLocal(cx.Waker())
	}
	return struct{}{}, ready
}

func wakesItself(r *sched.R) {
	rt, l := withRuntime(r), new(letter)
	r.Go("main", blockOn[struct{}](rt, eager{l, new(bool)}))
	r.Go("post", l.post)
}

func joinAllOfLetters(r *sched.R) {
	rt, a, b := withRuntime(r), new(letter), new(letter)
	r.Go("main", blockOn(rt, JoinAll[struct{}](a, b)))
	r.Go("post a", a.post)
	r.Go("post b", b.post)
}

func latestWakerWins(r *sched.R) {
	rt, l := withRuntime(r), new(letter)
	h := SpawnRemote[struct{}](rt, l) // polls it too, until it is cancelled
	r.Go("main", func() {
		blockOn(rt, Yield())()
		h.Cancel()
		blockOn[struct{}](rt, l)()
	})
	r.Go("post", l.post)
}

func wakeBetweenRuns(r *sched.R) {
	rt, l := withRuntime(r), new(letter)
	h := SpawnRemote[struct{}](rt, l)
	r.Go("main", func() {
		blockOn(rt, Yield())()
		blockOn(rt, h)()
	})
	r.Go("post", l.post)
}

// then is a future that calls f when another one is ready.
type then[T any] struct {
	Future[T]
	f func()
}

func (t then[T]) Poll(cx *Context) (value T, ready bool) {
	if value, ready = t.Future.Poll(cx); ready {
		t.f()
	}
	return value, ready
}

func (t then[T]) Close() error { return Close(t.Future) }

func foreignSpawn(r *sched.R) {
	rt, l := withRuntime(r), new(letter)
	r.Go("main", blockOn[struct{}](rt, l))
	r.Go("spawn", func() { SpawnRemote[struct{}](rt, then[struct{}]{Yield(), l.post}) })
}

// spawner is a Waker that makes a task, which wakes another one.
type spawner struct {
	rt   *Runtime
	next Waker
}

func (s spawner) Wake() { SpawnRemote[struct{}](s.rt, then[struct{}]{Yield(), s.next.Wake}) }

// relayed is a letter whose waker spawns.
type relayed struct {
	*letter
	rt *Runtime
}

func (f relayed) Poll(cx *Context) (struct{}, bool) {
	return f.letter.Poll(&Context{waker: spawner{f.rt, cx.Waker()}, task: cx.task})
}

func wakeThatSpawns(r *sched.R) {
	rt, l := withRuntime(r), new(letter)
	r.Go("main", blockOn[struct{}](rt, relayed{l, rt}))
	r.Go("post", l.post)
}

func join(r *sched.R) {
	rt, l := withRuntime(r), new(letter)
	h := SpawnRemote[struct{}](rt, l)
	r.Go("main", blockOn(rt, h))
	r.Go("post", l.post)
}

func cancel(r *sched.R) {
	rt := withRuntime(r)
	h := SpawnRemote[struct{}](rt, new(letter))
	r.Go("main", func() {
		got, err := BlockOn(rt, h)
		sched.Equal("BlockOn", err, nil)
		sched.Equal("the task's end", got.Err, ErrCancelled)
	})
	r.Go("cancel", h.Cancel)
}

func cancelAgainstWake(r *sched.R) {
	rt, l := withRuntime(r), new(letter)
	h := SpawnRemote[struct{}](rt, l)
	r.Go("main", blockOn(rt, h))
	r.Go("cancel", h.Cancel)
	r.Go("post", l.post)
}

func cancelCoroutine(r *sched.R) {
	rt, l, started, unwound := withRuntime(r), new(letter), false, false
	h := SpawnRemote(rt, Async(func(co *Co) struct{} {
		started = true
		defer func() { unwound = true }()
		return Await[struct{}](co, l)
	}))
	r.Go("main", func() {
		blockOn(rt, Yield())() // meanwhile the body starts, unless it is cancelled
		blockOn(rt, h)()
		sched.Equal("the body has been unwound", unwound, started)
	})
	r.Go("cancel", h.Cancel)
	r.Go("post", l.post)
}

func raceOfLetters(r *sched.R) {
	rt, a, b := withRuntime(r), new(letter), new(letter)
	r.Go("main", blockOn(rt, Race[struct{}, struct{}](a, b)))
	r.Go("post a", a.post)
	r.Go("post b", b.post)
}

func timerAddedWhileParked(r *sched.R) {
	rt, l := withRuntime(r), new(letter)
	r.Go("main", blockOn[struct{}](rt, l))
	r.Go("spawn", func() { SpawnRemote[struct{}](rt, then[struct{}]{Sleep(time.Second), l.post}) })
}

func earlierTimer(r *sched.R) {
	rt, start := withRuntime(r), time.Now()
	r.Go("main", blockOn(rt, Sleep(2*time.Second)))
	r.Go("spawn", func() {
		SpawnRemote[struct{}](rt, then[struct{}]{Sleep(time.Second), func() {
			sched.Equal("it slept", time.Since(start) >= time.Second, true)
		}})
	})
}

func timeoutAgainstWake(r *sched.R) {
	rt, l := withRuntime(r), new(letter)
	r.Go("main", blockOn(rt, Timeout[struct{}](l, time.Second)))
	r.Go("post", l.post)
}

func timerCancelled(r *sched.R) {
	rt := withRuntime(r)
	h := SpawnRemote(rt, Sleep(time.Second))
	r.Go("main", func() {
		blockOn(rt, h)()
		sched.Equal("timers", rt.Report().Timers, 0)
	})
	r.Go("cancel", h.Cancel)
}

func blockingAgainstPark(r *sched.R) {
	rt := withRuntime(r)
	r.Go("main", func() {
		got, err := BlockOn(rt, Blocking(func() int { return 7 }))
		sched.Equal("BlockOn", err, nil)
		sched.Equal("Blocking", got, 7)
	})
}

func blockingAbandoned(r *sched.R) {
	rt, l := withRuntime(r), new(letter)
	h := SpawnRemote(rt, Blocking(func() int { l.post(); return 7 }))
	r.Go("main", func() {
		blockOn[struct{}](rt, l)()
		h.Cancel()
		blockOn(rt, h)()
	})
	r.After(func() {
		left := rt.Close() // the call may be under way
		left.Blocking = 0
		sched.Equal("what is left", left, Report{})
	})
}

// broken panics in its first poll.
type broken struct{}

func (broken) Poll(*Context) (struct{}, bool) { panic("broken") }

func panicAgainstWake(r *sched.R) {
	rt, l := withRuntime(r), new(letter)
	SpawnRemote[struct{}](rt, broken{})
	r.Go("main", blockOn[struct{}](rt, l))
	r.Go("post", l.post)
}

// placeHandedOver: two tasks wait for the only place in a channel. The first of
// them may be cancelled when it has been handed the place.
func placeHandedOver(r *sched.R) {
	rt, l, c := withRuntime(r), new(letter), NewChannel[int](1)
	leave := func() { c.TryReceive() }
	SpawnRemote[error](rt, c.Send(0))
	SpawnRemote[struct{}](rt, then[struct{}]{l, leave})
	first := SpawnRemote[error](rt, then[error]{c.Send(1), leave})
	r.Go("main", blockOn[error](rt, then[error]{c.Send(2), leave}))
	r.Go("post", l.post)
	r.Go("cancel", first.Cancel)
}

func sendFromElsewhere(r *sched.R) {
	rt, c := withRuntime(r), NewChannel[int](1)
	keepAlive := new(letter) // or else main is alone, and that is a deadlock
	SpawnRemote[struct{}](rt, keepAlive)
	r.Go("main", func() {
		got, err := BlockOn(rt, c.Receive())
		sched.Equal("BlockOn", err, nil)
		sched.Equal("received", got, Received[int]{7, true})
	})
	r.Go("spawn", func() { SpawnRemote(rt, c.Send(7)) })
}

func closeAgainstSpawn(r *sched.R) {
	rt, l := withRuntime(r), new(letter)
	var h *JoinHandle[struct{}]
	r.Go("close", func() { rt.Close() })
	r.Go("spawn", func() { h = SpawnRemote[struct{}](rt, l) })
	r.After(func() {
		sched.Equal("what is left", rt.Report(), Report{})
		sched.Equal("the task has ended", h.task.state, ended)
		sched.Equal("the task's end", h.result().Err, ErrCancelled)
	})
}

func closeAgainstWake(r *sched.R) {
	rt, l := withRuntime(r), new(letter)
	SpawnRemote[struct{}](rt, l)
	r.Go("main", func() {
		blockOn(rt, Sleep(time.Second))()
		sched.Equal("what is left", rt.Close(), Report{})
	})
	r.Go("post", l.post)
}

func closeAgainstCancel(r *sched.R) {
	rt := withRuntime(r)
	h := SpawnRemote(rt, Sleep(time.Second))
	r.Go("close", func() { rt.Close() })
	r.Go("cancel", h.Cancel)
}

// edge is a leaf future that is ready when its descriptor is, in one direction.
// It registers the descriptor at its first poll, unless that has been done.
type edge struct {
	*source
	dir  direction
	last bool // deregisters the descriptor when it's ready
}

func open() *source { return &source{fd: sched.Open()} }

func (e edge) Poll(cx *Context) (struct{}, bool) {
	r := cx.reactor()
	if e.fd >= len(r.sources) || r.sources[e.fd] == nil {
		r.addSource(e.source)
	}
	if !e.ready[e.dir] || !sched.Ready(e.fd, int(e.dir)) {
		e.ready[e.dir] = false
		e.setWaker(e.dir, cx)
		return struct{}{}, false
	}
	if e.last {
		r.poller.remove(e.fd)
		r.sources[e.fd] = nil
		r.open--
	}
	return struct{}{}, true
}

func readyWhileRegistered(r *sched.R) {
	rt, s := withRuntime(r), open()
	r.Go("main", blockOn[struct{}](rt, edge{s, readable, true}))
	r.Go("peer", func() { sched.SetReady(s.fd, int(readable)) })
}

func otherDirection(r *sched.R) {
	rt, s := withRuntime(r), open()
	h := SpawnRemote[struct{}](rt, edge{s, writable, false})
	r.Go("main", func() {
		blockOn(rt, h)()
		blockOn[struct{}](rt, edge{s, readable, true})()
	})
	r.Go("peer", func() {
		sched.SetReady(s.fd, int(writable))
		sched.SetReady(s.fd, int(readable))
	})
}

func eventAgainstBell(r *sched.R) {
	rt, l, s := withRuntime(r), new(letter), open()
	h := SpawnRemote[struct{}](rt, edge{s, readable, true})
	r.Go("main", func() {
		blockOn[struct{}](rt, l)()
		blockOn(rt, h)()
	})
	r.Go("post", l.post)
	r.Go("peer", func() { sched.SetReady(s.fd, int(readable)) })
}
