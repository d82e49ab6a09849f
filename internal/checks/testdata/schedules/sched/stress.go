//go:build race

package sched

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var seed = flag.Uint64("seed", uint64(time.Now().UnixNano()), "of the yields")

// state is used without a lock or an atomic operation, unseen by the race
// detector: either would order the goroutines, and hide a race between them.
var state uint64

// yield lets others run, now and then. A sleep takes no time in a synctest
// bubble, but ends only when all others are blocked.
//
//go:norace
func yield() {
	state = state*6364136223846793005 + 1442695040888963407
	switch n := state >> 58; {
	case n < 16:
		runtime.Gosched()
	case n < 20:
		time.Sleep(time.Duration(n))
	}
}

func Step(string) { yield() }

func At[T any](_ string, v T) T {
	yield()
	return v
}

func Go(_ string, f func()) {
	go func() {
		yield()
		f()
	}()
}

func Receive[T any](ch <-chan T) T {
	yield()
	return <-ch
}

func Send[T any](ch chan<- T, v T) {
	yield()
	ch <- v
}

func CloseChannel[T any](ch chan<- T) {
	yield()
	close(ch)
}

// Mutex is a channel, since synctest does not count a goroutine that waits for
// a sync.Mutex as blocked.
type Mutex struct {
	made  sync.Once
	token chan struct{}
}

func (m *Mutex) Lock() {
	m.made.Do(func() { m.token = make(chan struct{}, 1) })
	yield()
	m.token <- struct{}{}
	yield()
}

func (m *Mutex) Unlock() {
	<-m.token
	yield()
}

type Once struct {
	mu   Mutex
	done bool
}

func (o *Once) Do(f func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.done {
		f()
		o.done = true
	}
}

type Bool struct{ v atomic.Bool }

func (b *Bool) Load() bool {
	yield()
	return b.v.Load()
}

func (b *Bool) Store(v bool) {
	yield()
	b.v.Store(v)
}

func (b *Bool) Swap(v bool) bool {
	yield()
	return b.v.Swap(v)
}

func (b *Bool) CompareAndSwap(old, v bool) bool {
	yield()
	return b.v.CompareAndSwap(old, v)
}

type Timer = time.Timer

func AfterFunc(d time.Duration, f func()) *Timer { return time.AfterFunc(d, f) }

func IntN(n int) int { return rand.IntN(n) }

// world guards what the stand-ins for the kernel know.
var world = sync.NewCond(new(sync.Mutex))

func Change(f func()) {
	world.L.Lock()
	defer world.L.Unlock()
	f()
	world.Broadcast()
}

func Await(_ string, deadline time.Time, ready func() bool) {
	yield()
	if !deadline.IsZero() {
		defer time.AfterFunc(time.Until(deadline), func() { Change(func() {}) }).Stop()
	}
	world.L.Lock()
	defer world.L.Unlock()
	for !ready() && (deadline.IsZero() || time.Now().Before(deadline)) {
		world.Wait()
	}
}

// Explore runs a scenario so many times. If nobody can run and somebody waits,
// synctest says so.
func Explore(t *testing.T, s Scenario, runs int) (schedules int) {
	state = *seed
	fmt.Printf("  %-56s %7d schedules at random, -seed=%d\n", s.Name, runs, *seed)
	for range runs {
		synctest.Test(t, func(*testing.T) { once(s) })
	}
	return runs
}

func once(s Scenario) {
	r := new(R)
	Change(func() { files = nil })
	s.Run(r)
	var all sync.WaitGroup
	for _, start := range r.threads {
		all.Go(func() {
			yield()
			start.f()
		})
	}
	all.Wait()
	if r.after != nil {
		r.after()
	}
	time.Sleep(time.Hour) // of the bubble's time: who yields comes to the end
}

// Failf ends the process.
func Failf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
