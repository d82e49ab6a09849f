package main

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// kinds are what a tree consists of. Those with children come first.
var kinds []kind

type kind struct {
	name string
	make func(c *chaos, r *rand.Rand, name string, depth int) Future[any]
}

func init() { // because kinds have kinds in them
	kinds = []kind{
		{"joinall", func(c *chaos, r *rand.Rand, name string, depth int) Future[any] {
			return anyOf[[]any]{JoinAll(c.children(r, name, depth, r.IntN(4))...)}
		}},
		{"race", func(c *chaos, r *rand.Rand, name string, depth int) Future[any] {
			two := c.children(r, name, depth, 2)
			return anyOf[Either[any, any]]{Race(two[0], two[1])}
		}},
		{"timeout", func(c *chaos, r *rand.Rand, name string, depth int) Future[any] {
			return anyOf[Result[any]]{Timeout(c.child(r, name, depth), micros(r))}
		}},
		{"owning", func(c *chaos, r *rand.Rand, name string, depth int) Future[any] {
			resource, f := c.token(name+", resource"), c.child(r, name, depth)
			return Owning(resource, Future[any](&afterwards{f, func() { resource.received.Add(1) }}))
		}},
		{"body", (*chaos).body},
		{"group", (*chaos).group},
		{"spawn", (*chaos).spawned},
		{"remote", (*chaos).remote},

		{"sleep", func(c *chaos, r *rand.Rand, name string, depth int) Future[any] {
			return anyOf[struct{}]{Sleep(micros(r))}
		}},
		{"long", func(c *chaos, r *rand.Rand, name string, depth int) Future[any] {
			return anyOf[struct{}]{Sleep(time.Hour)}
		}},
		{"yield", func(c *chaos, r *rand.Rand, name string, depth int) Future[any] { return anyOf[struct{}]{Yield()} }},
		{"blocking", func(c *chaos, r *rand.Rand, name string, depth int) Future[any] {
			return Blocking(func() any {
				time.Sleep(micros(r))
				fail(r, 6)
				return c.value(r, name)
			})
		}},
		{"leaf", func(c *chaos, r *rand.Rand, name string, depth int) Future[any] {
			return &chaosLeaf{c: c, r: r, name: name, polls: r.IntN(4)}
		}},
		{"send", func(c *chaos, r *rand.Rand, name string, depth int) Future[any] {
			return anyOf[error]{c.channel(r).Send(c.value(r, name))}
		}},
		{"receive", func(c *chaos, r *rand.Rand, name string, depth int) Future[any] {
			return anyOf[Received[any]]{c.channel(r).Receive()}
		}},
		{"close", func(c *chaos, r *rand.Rand, name string, depth int) Future[any] {
			return c.now(func(*Context) {
				if r.IntN(4) == 0 {
					c.channel(r).Close()
				} else if value, ok := c.channel(r).TryReceive(); ok {
					c.consume(value)
				}
			})
		}},
		{"cancel", func(c *chaos, r *rand.Rand, name string, depth int) Future[any] {
			return c.now(func(*Context) { c.cancelOne(r) })
		}},
		{"streams", (*chaos).streams},
		{"dial", func(c *chaos, r *rand.Rand, name string, depth int) Future[any] {
			addr := c.listener.Addr()
			if r.IntN(4) == 0 {
				addr = netip.MustParseAddrPort("127.0.0.1:1")
			}
			return anyOf[Result[*Stream]]{Dial(addr)}
		}},
		{"accept", func(c *chaos, r *rand.Rand, name string, depth int) Future[any] {
			return anyOf[Result[*Stream]]{c.listener.Accept()}
		}},
	}
}

const nested = 8 // kinds with children

func micros(r *rand.Rand) time.Duration { return time.Duration(r.IntN(400)) * time.Microsecond }

// split gives a future dice of its own, so that a seed makes the same tree
// whatever comes first when it runs.
func split(r *rand.Rand) *rand.Rand { return rand.New(rand.NewPCG(r.Uint64(), r.Uint64())) }

func (c *chaos) child(r *rand.Rand, name string, depth int) Future[any] {
	r = split(r)
	skipped := strings.Split(*chaosSkip, ",")
	for {
		i := r.IntN(len(kinds))
		if depth < 2 {
			i = r.IntN(nested)
		}
		k := kinds[i]
		if depth >= *chaosDeep && i < nested || slices.Contains(skipped, k.name) {
			continue
		}
		name := name + " > " + k.name
		return c.track(r, name, k.make(c, r, name, depth+1))
	}
}

func (c *chaos) children(r *rand.Rand, name string, depth, n int) (all []Future[any]) {
	for i := range n {
		all = append(all, c.child(r, fmt.Sprintf("%s %d", name, i), depth))
	}
	return all
}

func (c *chaos) channel(r *rand.Rand) *Channel[any] { return c.channels[r.IntN(len(c.channels))] }

// now is a future that does something at its first poll.
func (c *chaos) now(do func(cx *Context)) Future[any] {
	return pollFunc[any](func(cx *Context) (any, bool) { do(cx); return nil, true })
}

// afterwards does something when f is ready.
type afterwards struct {
	Future[any]
	do func()
}

func (a *afterwards) Poll(cx *Context) (value any, ready bool) {
	if value, ready = a.Future.Poll(cx); ready {
		a.do()
	}
	return value, ready
}

func (a *afterwards) Close() error { return Close(a.Future) }

func (c *chaos) cancelOne(r *rand.Rand) {
	c.mu.Lock()
	var cancel func()
	if len(c.cancels) > 0 {
		cancel = c.cancels[r.IntN(len(c.cancels))]
	}
	c.mu.Unlock()
	if cancel != nil {
		cancel()
	}
}

func (c *chaos) mayBeCancelled(cancel func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cancels = append(c.cancels, cancel)
}

// chaosLeaf is ready after some polls, or fails.
type chaosLeaf struct {
	c     *chaos
	r     *rand.Rand
	name  string
	polls int
}

func (l *chaosLeaf) Poll(cx *Context) (any, bool) {
	fail(l.r, 10)
	for l.r.IntN(8) == 0 && cx.takeBudget() {
		for range l.r.IntN(transfersPerPoll) {
			cx.takeBudget()
		}
	}
	if l.polls--; l.polls < 0 {
		return l.c.value(l.r, l.name), true
	}
	switch l.r.IntN(3) {
	case 0:
		cx.wake()
	case 1:
		cx.Waker().Wake()
	case 2:
		w, d := cx.Waker(), micros(l.r)
		l.c.outside.Go(func() {
			if d > 100*time.Microsecond {
				time.Sleep(d)
			}
			w.Wake()
		})
	}
	return nil, false
}

// body awaits some children, one after the other.
func (c *chaos) body(r *rand.Rand, name string, depth int) Future[any] {
	return Async(func(co *Co) any {
		c.awaitSome(co, r, name, depth)
		return c.value(r, name)
	})
}

func (c *chaos) awaitSome(co *Co, r *rand.Rand, name string, depth int) {
	if r.IntN(6) == 0 {
		defer func() { recover() }()
	}
	if r.IntN(3) == 0 {
		defer func() {
			fail(r, 8)
			f := c.child(r, name+" deferred", depth+1)
			if r.IntN(2) == 0 {
				c.consume(Await(co, f))
			} else {
				Spawn[error](co.cx, &received{c, f, false}).Close()
			}
		}()
	}
	for i := range r.IntN(4) {
		c.consume(Await(co, c.child(r, fmt.Sprintf("%s %d", name, i), depth)))
		fail(r, 10)
	}
}

// group awaits a group, or leaves it to Close.
func (c *chaos) group(r *rand.Rand, name string, depth int) Future[any] {
	return Async(func(co *Co) any {
		g := NewGroup(co.cx)
		defer g.Close()
		for i := range r.IntN(4) {
			g.Go(&received{c, c.child(r, fmt.Sprintf("%s %d", name, i), depth), r.IntN(4) == 0})
			if r.IntN(8) == 0 {
				g.Close()
			} else if r.IntN(8) == 0 {
				g.Go(&received{c, c.now(func(*Context) { g.Close() }), false})
			}
		}
		if r.IntN(3) > 0 {
			c.checkError(Await(co, g.Wait()))
		} else {
			c.checkError(Await(co, Timeout(g.Wait(), micros(r))).Value)
		}
		fail(r, 10)
		return nil
	})
}

// spawned makes a task of its child, and awaits it or not.
func (c *chaos) spawned(r *rand.Rand, name string, depth int) Future[any] {
	f := c.child(r, name, depth)
	return &spawning{c: c, r: r, future: f}
}

// spawning spawns its future at the first poll.
type spawning struct {
	c      *chaos
	r      *rand.Rand
	future Future[any]
	handle *JoinHandle[any]
}

func (s *spawning) Poll(cx *Context) (any, bool) {
	if s.handle == nil {
		f := s.future
		s.future = nil
		s.handle = Spawn(cx, f)
		s.c.mayBeCancelled(s.handle.Cancel)
		switch s.r.IntN(6) {
		case 0: // detached
			s.handle.Close()
			return nil, true
		case 1:
			s.handle.Cancel()
		case 2:
			s.handle.Close() // and polled again
		}
	}
	result, ready := s.handle.Poll(cx)
	return result, ready
}

func (s *spawning) Close() error {
	if s.handle == nil {
		return Close(s.future)
	}
	if s.r.IntN(2) == 0 {
		s.handle.Cancel()
	}
	return s.handle.Close()
}

// remote has another goroutine spawn its child, perhaps after the runtime is closed.
func (c *chaos) remote(r *rand.Rand, name string, depth int) Future[any] {
	return c.now(func(*Context) {
		f, cancelled, d := &received{c, c.child(r, name, depth), false}, r.IntN(3) == 0, micros(r)
		c.outside.Go(func() {
			defer func() { recover() }() // of a Close here, after the end of the runtime
			time.Sleep(d)
			h := SpawnRemote[error](c.rt, f)
			if cancelled {
				h.Cancel()
			} else {
				c.mayBeCancelled(h.Cancel)
			}
		})
	})
}

// streams sends some bytes from one end of a connection to the other.
func (c *chaos) streams(r *rand.Rand, name string, depth int) Future[any] {
	return &lazy{c: c, make: func() Future[any] { return c.openStreams(r, name) }}
}

// lazy makes its future at the first poll. Other goroutines mustn't open or close
// what belongs to the runtime.
type lazy struct {
	c      *chaos
	make   func() Future[any]
	future Future[any]
}

func (l *lazy) Poll(cx *Context) (any, bool) {
	if l.future == nil {
		l.future = l.make()
	}
	return l.future.Poll(cx)
}

func (l *lazy) Close() error { return Close(l.future) }

func (c *chaos) openStreams(r *rand.Rand, name string) Future[any] {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		c.wrong("%v", err)
		return c.now(func(*Context) {})
	}
	var ends [2]*Stream
	for i, fd := range pair {
		ends[i] = &Stream{source: source{fd: fd, ready: directions{true, true}}}
		for c.rt.reactor.addSource(&ends[i].source) != nil {
		}
	}
	out, in, size, limit := ends[0], ends[1], r.IntN(300_000), micros(r)
	write := c.converse(split(r), out, func(r *rand.Rand, co *Co, conn *Conn) {
		switch r.IntN(3) {
		case 0:
			Await(co, out.Write(make([]byte, size)))
			out.CloseWrite()
		case 1:
			Await(co, Timeout(out.Write(make([]byte, size)), limit))
		case 2:
			conn.SetTimeout(limit)
			fail(r, 10)
			conn.Write(make([]byte, size))
		}
	})
	read := c.converse(split(r), in, func(r *rand.Rand, co *Co, conn *Conn) {
		buffer, got := make([]byte, 1+r.IntN(5000)), 0
		conn.SetTimeout(limit * time.Duration(r.IntN(3)))
		for range r.IntN(500) {
			n, err := conn.Read(buffer)
			if got += n; err != nil {
				break
			}
			fail(r, 500)
		}
		if r.IntN(3) == 0 {
			Await(co, Timeout(in.Read(buffer), limit))
		}
		if got > size {
			c.wrong("%s: %d bytes were sent, %d have come", name, size, got)
		}
	})
	closing := c.now(func(*Context) { // while the others may wait
		if r.IntN(4) == 0 {
			ends[r.IntN(2)].Close()
		}
	})
	all := []Future[any]{c.track(r, name+" write", write), c.track(r, name+" read", read), c.track(r, name+" close", closing)}
	return anyOf[[]any]{JoinAll(all...)}
}

// converse is a body that was given a stream.
func (c *chaos) converse(r *rand.Rand, s *Stream, talk func(*rand.Rand, *Co, *Conn)) Future[any] {
	return Owning[any](s, Async(func(co *Co) any {
		conn := co.Conn(s)
		defer conn.Close()
		talk(r, co, conn)
		return nil
	}))
}
