package main

import (
	"sync"
	"sync/atomic"
	"time"

	"schedules/sched"
)

var Scenarios = []sched.Scenario{
	{"a wake against a park", wakeAgainstPark},
	{"two wakes against a park", twoWakesAgainstPark},
	{"a wake during the poll", wakeDuringPoll},
	{"JoinAll of two letters", joinAllOfLetters},
	{"the latest waker wins", latestWakerWins},
	{"a descriptor is ready while it is registered", readyWhileRegistered},
	{"a descriptor is registered again while it is delivered", registeredAgain},
	{"a descriptor is forgotten while it is delivered", forgottenWhileDelivered},
	{"one direction is delivered while the other registers", otherDirection},
	{"one direction registers while the other is armed again", registersWhileArmed},
	{"a Wake that registers", wakeThatRegisters},
	{"Close against a wait", closeAgainstWait},
	{"Close against an event", closeAgainstEvent},
	{"Close twice", closeTwice},
	{"a Sleep against a letter", sleepAgainstLetter},
	{"a Sleep is closed while its timer fires", sleepClosed},
}

func wakeAgainstPark(r *sched.R) {
	p := NewParker()
	var woken atomic.Bool
	r.Go("waker", func() {
		woken.Store(true)
		p.Wake()
	})
	r.Go("parker", func() {
		for !woken.Load() {
			p.Park()
		}
	})
}

func twoWakesAgainstPark(r *sched.R) {
	p := NewParker()
	var mu sync.Mutex
	done := 0
	for range 2 {
		r.Go("waker", func() {
			mu.Lock()
			done++
			mu.Unlock()
			p.Wake()
		})
	}
	r.Go("parker", func() {
		for {
			mu.Lock()
			n := done
			mu.Unlock()
			if n == 2 {
				return
			}
			p.Park()
		}
	})
}

func wakeDuringPoll(r *sched.R) {
	l := new(letter)
	r.Go("main", func() { BlockOn(nil, l) })
	r.Go("post", l.post)
}

func joinAllOfLetters(r *sched.R) {
	a, b := new(letter), new(letter)
	r.Go("main", func() { BlockOn(nil, JoinAll[struct{}](a, b)) })
	r.Go("post a", a.post)
	r.Go("post b", b.post)
}

func latestWakerWins(r *sched.R) {
	l := new(letter)
	l.Poll(&Context{waker: NewParker()})
	r.Go("main", func() { BlockOn(nil, l) })
	r.Go("post", l.post)
}

// withReactor runs a scenario that ends with Close.
func withReactor(r *sched.R) *Reactor {
	reactor, err := NewReactor()
	sched.Equal("NewReactor", err, nil)
	r.After(func() { reactor.Close() })
	return reactor
}

func (r *Reactor) blockOn(fd int, dir direction, want error) func() {
	return func() { sched.Equal("descriptor", BlockOn(r, descriptor{fd, dir}), want) }
}

func ready(fd int, dir direction) func() { return func() { sched.SetReady(fd, int(dir)) } }

func readyWhileRegistered(r *sched.R) {
	reactor, fd := withReactor(r), sched.Open()
	r.Go("reader", reactor.blockOn(fd, readable, nil))
	r.Go("peer", ready(fd, readable))
}

func registeredAgain(r *sched.R) {
	reactor, fd := withReactor(r), sched.Open()
	reactor.Register(fd, readable, NewParker()) // nothing parks there anymore
	r.Go("reader", reactor.blockOn(fd, readable, nil))
	r.Go("peer", ready(fd, readable))
}

func forgottenWhileDelivered(r *sched.R) {
	reactor, fd := withReactor(r), sched.Open()
	reactor.Register(fd, writable, NewParker())
	r.Go("reader", func() {
		reactor.Deregister(fd)
		reactor.blockOn(fd, readable, nil)()
	})
	r.Go("peer", func() {
		sched.SetReady(fd, int(writable))
		sched.SetReady(fd, int(readable))
	})
}

func otherDirection(r *sched.R) {
	reactor, fd := withReactor(r), sched.Open()
	sched.SetReady(fd, int(writable))
	reactor.Register(fd, writable, NewParker())
	r.Go("reader", reactor.blockOn(fd, readable, nil))
	r.Go("peer", ready(fd, readable))
}

func registersWhileArmed(r *sched.R) {
	reactor, fd, p := withReactor(r), sched.Open(), NewParker()
	reactor.Register(fd, writable, NewParker()) // will not happen
	sched.SetReady(fd, int(readable))
	r.Go("reader", func() {
		for range 2 {
			reactor.Register(fd, readable, p)
			p.Park()
		}
	})
}

// registers is a Waker that waits for another descriptor in its turn.
type registers struct {
	reactor *Reactor
	fd      int
	next    Waker
}

func (w registers) Wake() { w.reactor.Register(w.fd, readable, w.next) }

func wakeThatRegisters(r *sched.R) {
	reactor, first, second := withReactor(r), sched.Open(), sched.Open()
	p := NewParker()
	reactor.Register(first, readable, registers{reactor, second, p})
	r.Go("parker", p.Park)
	r.Go("peer", func() {
		sched.SetReady(first, int(readable))
		sched.SetReady(second, int(readable))
	})
}

func closeAgainstWait(r *sched.R) {
	reactor, fd := withReactor(r), sched.Open()
	r.Go("reader", func() {
		if BlockOn(reactor, descriptor{fd, readable}) == nil {
			sched.Failf("a descriptor that is never ready was ready")
		}
	})
	r.Go("closer", func() { reactor.Close() })
}

func closeAgainstEvent(r *sched.R) {
	reactor, fd := withReactor(r), sched.Open()
	r.Go("reader", func() { BlockOn(reactor, descriptor{fd, readable}) })
	r.Go("peer", ready(fd, readable))
	r.Go("closer", func() { reactor.Close() })
}

func closeTwice(r *sched.R) {
	reactor := withReactor(r)
	r.Go("closer", func() { reactor.Close() })
	r.Go("closer", func() { reactor.Close() })
}

func sleepAgainstLetter(r *sched.R) {
	l := new(letter)
	r.Go("main", func() { BlockOn(nil, JoinAll[struct{}](Sleep(time.Second), l)) })
	r.Go("post", l.post)
}

func sleepClosed(r *sched.R) {
	l, s, p := new(letter), Sleep(time.Second), NewParker()
	s.Poll(&Context{waker: p})
	r.Go("main", func() {
		Close(s)
		for cx := (&Context{waker: p}); ; p.Park() {
			if _, ready := l.Poll(cx); ready {
				return
			}
		}
	})
	r.Go("post", l.post)
}
