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
	{"JoinAll of two letters", joinAllOfLetters},
	{"the latest waker wins", latestWakerWins},
	{"a spawn from inside a task", spawnFromInside},
	{"a wake against the end of Run", wakeAgainstEnd},
	{"a Sleep against a letter", sleepAgainstLetter},
	{"a descriptor is ready while it is registered", readyWhileRegistered},
	{"one direction is delivered while the other registers", otherDirection},
	{"a Wake that registers", wakeThatRegisters},
	{"Close against a wait", closeAgainstWait},
}

func executor(futures ...Future[struct{}]) *Executor {
	e := NewExecutor(nil)
	for _, f := range futures {
		Spawn(e, f)
	}
	return e
}

func wakeAgainstPark(r *sched.R) {
	l := new(letter)
	r.Go("run", executor(l).Run)
	r.Go("post", l.post)
}

func twoWakesOfOneTask(r *sched.R) {
	l, polls := new(letter), 0
	r.Go("run", executor(Counted[struct{}](l, &polls)).Run)
	r.Go("post", l.post)
	r.Go("post", l.post)
	r.After(func() { sched.Equal("at most 2 polls", polls <= 2, true) })
}

func twoTasks(r *sched.R) {
	a, b := new(letter), new(letter)
	r.Go("run", executor(a, b).Run)
	r.Go("post a", a.post)
	r.Go("post b", b.post)
}

func firstWokenFirstPolled(r *sched.R) {
	a, b := new(letter), new(letter)
	var order []string
	second := announce(noted{b, "b", &order})
	r.Go("run", executor(noted{a, "a", &order}, second).Run)
	r.Go("post", func() {
		<-second.polled
		b.post()
		a.post()
	})
	r.After(func() { sched.Equal("order", strings.Join(order, " "), "b a") })
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
		cx.Waker().Wake()
	}
	return struct{}{}, ready
}

func wakesItself(r *sched.R) {
	l := new(letter)
	r.Go("run", executor(eager{l, new(bool)}).Run)
	r.Go("post", l.post)
}

func joinAllOfLetters(r *sched.R) {
	a, b := new(letter), new(letter)
	e := NewExecutor(nil)
	Spawn(e, JoinAll[struct{}](a, b))
	r.Go("run", e.Run)
	r.Go("post a", a.post)
	r.Go("post b", b.post)
}

func latestWakerWins(r *sched.R) {
	l := new(letter)
	l.Poll(&Context{waker: NewParker()})
	r.Go("run", executor(l).Run)
	r.Go("post", l.post)
}

// spawns makes another task in its first poll, and is ready.
type spawns struct {
	e *Executor
	f Future[struct{}]
}

func (s spawns) Poll(*Context) (struct{}, bool) {
	Spawn(s.e, s.f)
	return struct{}{}, true
}

func spawnFromInside(r *sched.R) {
	a, b := new(letter), new(letter)
	e := executor(a)
	Spawn(e, spawns{e, b})
	r.Go("run", e.Run)
	r.Go("post a", a.post)
	r.Go("post b", b.post)
}

func wakeAgainstEnd(r *sched.R) {
	l := new(letter)
	r.Go("run", executor(l).Run)
	r.Go("post", func() {
		l.post()
		l.post()
	})
}

func sleepAgainstLetter(r *sched.R) {
	l := new(letter)
	r.Go("run", executor(Sleep(time.Second), l).Run)
	r.Go("post", l.post)
}

// withReactor runs a scenario that ends with Close.
func withReactor(r *sched.R) *Reactor {
	reactor, err := NewReactor()
	sched.Equal("NewReactor", err, nil)
	r.After(func() { reactor.Close() })
	return reactor
}

func readyWhileRegistered(r *sched.R) {
	fd, e := sched.Open(), NewExecutor(withReactor(r))
	Spawn(e, descriptor{fd, readable})
	r.Go("run", e.Run)
	r.Go("peer", func() { sched.SetReady(fd, int(readable)) })
}

func otherDirection(r *sched.R) {
	fd, e := sched.Open(), NewExecutor(withReactor(r))
	Spawn(e, descriptor{fd, writable})
	Spawn(e, descriptor{fd, readable})
	r.Go("run", e.Run)
	r.Go("peer", func() {
		sched.SetReady(fd, int(writable))
		sched.SetReady(fd, int(readable))
	})
}

// registers is a Waker that waits for another descriptor in its turn.
type registers struct {
	reactor *Reactor
	fd      int
	next    Waker
}

func (w registers) Wake() { w.reactor.Register(w.fd, readable, w.next) }

// relayed is a letter that comes when fd is readable.
type relayed struct {
	descriptor
	to int
}

func (f relayed) Poll(cx *Context) (error, bool) {
	return f.descriptor.Poll(&Context{waker: registers{cx.reactor, f.to, cx.Waker()}, reactor: cx.reactor})
}

func wakeThatRegisters(r *sched.R) {
	first, second, e := sched.Open(), sched.Open(), NewExecutor(withReactor(r))
	Spawn(e, relayed{descriptor{first, readable}, second})
	r.Go("run", e.Run)
	r.Go("peer", func() {
		sched.SetReady(first, int(readable))
		sched.SetReady(second, int(readable))
	})
}

func closeAgainstWait(r *sched.R) {
	reactor, fd := withReactor(r), sched.Open()
	e := NewExecutor(reactor)
	Spawn(e, descriptor{fd, readable})
	r.Go("run", e.Run)
	r.Go("closer", func() { reactor.Close() })
}
