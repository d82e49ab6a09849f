package main

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestChaos nests whatever this chapter has, at random, and has some of it panic
// or call runtime.Goexit: in Poll, in bodies, in deferred calls and in Close. At
// the end nothing may be left, each future must have been closed exactly once
// unless it has yielded its value, and each value must have had exactly one owner.
// internal/checks/chaos_test.go adds this file to the chapter and says how to run it.
var (
	chaosFor  = flag.Duration("chaos.for", time.Second, "how long to go on")
	chaosSeed = flag.Uint64("chaos.seed", 0, "of the one round to run, again and again")
	chaosSkip = flag.String("chaos.skip", "", "what not to use, such as race,blocking, to find out what it takes")
	chaosLate = flag.Duration("chaos.late", 20*time.Second, "after how long a round is said to hang; longer on a busy machine")
	chaosDeep = flag.Int("chaos.depth", 4, "of the nesting")
)

func TestChaos(t *testing.T) {
	noLeaks(t)
	rounds := 0
	for start := time.Now(); time.Since(start) < *chaosFor && !t.Failed(); rounds++ {
		seed := *chaosSeed
		if seed == 0 {
			seed = rand.Uint64()
		}
		chaosRound(t, seed)
	}
	t.Logf("%d rounds", rounds)
}

func chaosRound(t *testing.T, seed uint64) {
	c := &chaos{seed: seed}
	late := time.AfterFunc(*chaosLate, func() {
		stacks := make([]byte, 1<<20)
		fmt.Printf("seed %d hangs\n%s", seed, stacks[:runtime.Stack(stacks, true)])
		os.Exit(1)
	})
	defer late.Stop()
	c.run()
	if failed := c.failures(); len(failed) > 0 {
		t.Errorf("seed %d:\n\t%s\nRepeat it with -chaos.seed=%[1]d", seed, strings.Join(failed, "\n\t"))
	}
}

// chaos is one round.
type chaos struct {
	seed     uint64
	rt       *Runtime
	channels []*Channel[any]
	listener *Listener
	outside  sync.WaitGroup // goroutines that aren't the runtime's

	mu      sync.Mutex
	futures []*tracked
	values  []*token
	cancels []func()
	said    []string // guarded by mu: what is wrong
}

func (c *chaos) wrong(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.said = append(c.said, fmt.Sprintf(format, args...))
}

// run builds a tree of futures and lets it run for a few milliseconds.
func (c *chaos) run() {
	r := rand.New(rand.NewPCG(c.seed, 1))
	rt, err := NewRuntime()
	if err != nil {
		c.wrong("%v", err)
		return
	}
	c.rt = rt
	rt.Trace.Error = c.checkError
	rt.reactor.poller = &moody{rt.reactor.poller, split(r)}
	read, write, dice := rt.reactor.read, rt.reactor.write, split(r)
	rt.reactor.read = moodily(dice, read)
	rt.reactor.write = moodily(dice, write)
	for range 3 {
		c.channels = append(c.channels, NewChannel[any](1+r.IntN(3)))
	}
	for c.listener == nil {
		if c.listener, err = Listen(rt, netip.MustParseAddrPort("127.0.0.1:0")); err != nil && !errors.Is(err, unix.ENOMEM) {
			c.wrong("%v", err)
			return
		}
	}
	for i := range r.IntN(3) {
		SpawnRemote[error](rt, &received{c, c.child(r, fmt.Sprintf("task %d", i), 1), false})
	}
	for range 1 + r.IntN(2) {
		root := Timeout(c.child(r, "root", 0), time.Duration(r.IntN(3000))*time.Microsecond)
		result, err := BlockOn[Result[any]](rt, root)
		if errors.As(err, new(*DeadlockError)) {
			c.wrong("a deadlock although the root has a timer: %v", err)
		}
		c.checkError(err)
		c.consume(result.Value)
	}
	c.listener.Close()
	rt.Close()
	c.outside.Wait()
	for start := time.Now(); rt.Report() != (Report{}) && time.Since(start) < 5*time.Second; {
		time.Sleep(10 * time.Microsecond) // until the last Blocking call has returned
	}
	if left := rt.Report(); left != (Report{}) {
		c.wrong("this is left: %+v", left)
	}
	for i, ch := range c.channels {
		for value, ok := ch.TryReceive(); ok; value, ok = ch.TryReceive() {
			c.consume(value)
		}
		if len(ch.values) > 0 || ch.senders.turns+ch.senders.waiting.Len()+ch.receivers.turns+ch.receivers.waiting.Len() > 0 {
			c.wrong("channel %d isn't empty: %d values, %d and %d turns, %d and %d waiting", i, len(ch.values),
				ch.senders.turns, ch.receivers.turns, ch.senders.waiting.Len(), ch.receivers.waiting.Len())
		}
	}
}

// moody is a poller that refuses a descriptor now and then.
type moody struct {
	poller
	r *rand.Rand
}

func (m *moody) add(fd int) error {
	if m.r.IntN(10) == 0 {
		return unix.ENOMEM
	}
	return m.poller.add(fd)
}

// moodily is a read or write that a signal interrupts or a reset ends, now and then.
func moodily(r *rand.Rand, call func(int, []byte) (int, error)) func(int, []byte) (int, error) {
	return func(fd int, p []byte) (int, error) {
		switch r.IntN(100) {
		case 0:
			return -1, unix.EINTR
		case 1:
			return -1, unix.ECONNRESET
		}
		return call(fd, p)
	}
}

// failures looks at all futures and values that there were.
func (c *chaos) failures() []string {
	for start := time.Now(); c.unclosed() && time.Since(start) < time.Second; {
		time.Sleep(100 * time.Microsecond) // a Blocking call closes its value after it has stopped counting
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range c.futures {
		if yielded, closes := f.yielded.Load(), f.closes.Load(); yielded == (closes > 0) || closes > 1 {
			c.said = append(c.said, fmt.Sprintf("%s: yielded its value: %t, closed %d times", f.name, yielded, closes))
		}
	}
	for _, v := range c.values {
		if received, closes := v.received.Load(), v.closes.Load(); received+closes != 1 {
			c.said = append(c.said, fmt.Sprintf("value of %s: received %d times, closed %d times", v.name, received, closes))
		}
	}
	return c.said
}

func (c *chaos) unclosed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.ContainsFunc(c.values, func(v *token) bool { return v.received.Load()+v.closes.Load() == 0 })
}

// boom is the only value that a future of these panics with.
type boom struct{}

func (c *chaos) checkError(err error) {
	var p *PanicError
	if errors.As(err, &p) && p.Value != (boom{}) && p.Value != "runtime.Goexit was called" {
		c.wrong("%v\n%s", p, p.Stack)
	}
}

// fail panics or calls Goexit, now and then.
func fail(r *rand.Rand, oneOf int) {
	switch r.IntN(2 * oneOf) {
	case 0:
		panic(boom{})
	case 1:
		runtime.Goexit()
	}
}

// token is a value. It must be received or closed, once.
type token struct {
	name             string
	received, closes atomic.Int32
}

func (v *token) Close() error { v.closes.Add(1); return nil }

func (c *chaos) token(name string) *token {
	v := &token{name: name}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.values = append(c.values, v)
	return v
}

// value is a new value, wrapped or not.
func (c *chaos) value(r *rand.Rand, name string) any {
	v := any(c.token(name))
	switch r.IntN(6) {
	case 0:
		return []any{nil, v}
	case 1:
		return Result[any]{Value: v}
	case 2:
		return map[string]Received[any]{"": {v, true}}
	}
	return v
}

// consume receives whatever tokens are in a value.
func (c *chaos) consume(value any) {
	switch v := value.(type) {
	case *token:
		v.received.Add(1)
	case *Stream:
		if v != nil {
			v.Close()
		}
	case []any:
		for _, element := range v {
			c.consume(element)
		}
	case map[string]Received[any]:
		c.consume(v[""].Value)
	case Result[any]:
		c.checkError(v.Err)
		c.consume(v.Value)
	case Result[*Stream]:
		c.consume(v.Value)
	case Either[any, any]:
		c.consume([]any{v.A, v.B})
	case Received[any]:
		c.consume(v.Value)
	case error:
		c.checkError(v)
	}
}

// tracked is a future, and what has been done with it.
type tracked struct {
	c         *chaos
	name      string
	future    Future[any]
	yielded   atomic.Bool
	closes    atomic.Int32
	failClose int // 1 panics, 2 calls Goexit
}

func (c *chaos) track(r *rand.Rand, name string, f Future[any]) Future[any] {
	tr := &tracked{c: c, name: name, future: f, failClose: r.IntN(60)}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.futures = append(c.futures, tr)
	return tr
}

func (tr *tracked) Poll(cx *Context) (value any, ready bool) {
	if tr.yielded.Load() || tr.closes.Load() > 0 {
		tr.c.wrong("%s is polled after its end", tr.name)
	}
	value, ready = tr.future.Poll(cx)
	if ready {
		tr.yielded.Store(true)
	}
	return value, ready
}

func (tr *tracked) Close() error {
	tr.closes.Add(1)
	Close(tr.future)
	switch tr.failClose {
	case 1:
		panic(boom{})
	case 2:
		runtime.Goexit()
	}
	return nil
}

// anyOf makes a Future[any] of a future.
type anyOf[T any] struct{ Future[T] }

func (a anyOf[T]) Poll(cx *Context) (any, bool) { return a.Future.Poll(cx) }
func (a anyOf[T]) Close() error                 { return Close(a.Future) }

// received is a future that receives the value of its future itself, and may fail.
type received struct {
	c      *chaos
	future Future[any]
	fails  bool
}

func (f *received) Poll(cx *Context) (error, bool) {
	value, ready := f.future.Poll(cx)
	if !ready {
		return nil, false
	}
	f.future = nil
	f.c.consume(value)
	if f.fails {
		return ErrTimeout, true
	}
	return nil, true
}

func (f *received) Close() error { return Close(f.future) }
