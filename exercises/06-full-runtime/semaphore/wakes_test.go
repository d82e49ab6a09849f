package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

// Woken tasks do more: they ask for others, and close others.
func TestWokenTaskActsOnOthers(t *testing.T) {
	testTry(t, 2, func(s *testScene) {
		a := s.acquire(2)
		a.poll(true, "2 are free")
		b, c := s.acquire(1), s.acquire(1)
		b.poll(false, "none is free")
		b.then = func() {
			s.note("and inside its Wake")
			c.poll(true, "one of two is granted to B, the other one is free, and nothing waits")
		}
		s.release(2)
		s.want(0, "B has been granted one, and C has taken one inside B's Wake", b)
		b.poll(true, "it was granted")
	})
	testTry(t, 1, func(s *testScene) {
		a := s.acquire(1)
		a.poll(true, "1 is free")
		b, c, d, e := s.acquire(1), s.acquire(1), s.acquire(1), s.acquire(1)
		for _, w := range []*testTask{b, c, d} {
			w.poll(false, "none is free")
		}
		b.then = func() {
			s.note("and inside its Wake")
			c.close()
			e.poll(false, "none is free")
		}
		s.release(1)
		s.want(0, "it's B's", b)
		b.poll(true, "it was granted")
		s.release(1)
		s.want(0, "B has closed C inside its Wake, so D is next", d)
		d.poll(true, "it was granted")
		s.release(1)
		s.want(0, "E came to the end of the queue inside B's Wake, so now it's next", e)
		e.poll(true, "it was granted")
	})
	testTry(t, 3, func(s *testScene) {
		a := s.acquire(3)
		a.poll(true, "3 are free")
		b, big, c := s.acquire(1), s.acquire(3), s.acquire(1)
		for _, w := range []*testTask{b, big, c} {
			w.poll(false, "none is free")
		}
		b.then = func() {
			s.note("and inside its Wake")
			big.close()
		}
		s.release(2)
		s.want(0, "one is B's. Inside its Wake, B has closed C, which wanted three, so the other one is D's", b, c)
		b.poll(true, "it was granted")
		c.poll(true, "it was granted")
	})
}

// Many wait, and one Release is enough for all of them, or for all but one.
func TestAllAreGrantedHoweverMany(t *testing.T) {
	for _, n := range []int{63, 64, 65, 255, 256, 257, 1000} {
		testTry(t, n, func(s *testScene) {
			a := s.acquire(n)
			a.poll(true, "all are free")
			var all []*testTask
			for i := range n + 1 {
				all = append(all, s.acquire(1))
				all[i].poll(false, "none is free")
			}
			s.note("%d wait for one each", n+1)
			s.release(n)
			s.want(0, fmt.Sprintf("%d permits are enough for all but the last", n), all[:n]...)
			for _, w := range all[:n] {
				w.poll(true, "it was granted")
			}
			all[n].close()
			s.release(n)
			s.want(n, "nothing waits")
		})
	}
}

// testChaos is a semaphore whose tasks do anything inside Wake. It doesn't know
// what's right at each moment, but it knows what has to be true in the end.
type testChaos struct {
	*testScene
	r       *rand.Rand
	held    []int       // what was taken, each as it was asked for
	queue   []*testTask // polled, and not ready yet, in order of their first polls
	granted map[*testTask]bool
}

func (s *testChaos) act() {
	switch s.r.IntN(4) {
	case 0, 1:
		if len(s.queue) > 7 {
			return
		}
		w := s.acquire(1 + s.r.IntN(4))
		w.then = func() {
			if !slices.Contains(s.queue, w) {
				return // closed just now
			}
			s.note("%s is woken, and inside its Wake", w.name)
			for s.granted[w] = true; s.r.IntN(2) == 0; {
				s.act()
			}
			s.note("(end of the Wake of %s)", w.name)
		}
		s.queue = append(s.queue, w)
		s.note("%s (wants %d) is polled", w.name, w.k)
		if _, ready := w.f.Poll(&Context{waker: w}); ready {
			s.held = append(s.held, w.k)
			s.leave(w)
		}
	case 2:
		if len(s.held) > 0 {
			i := s.r.IntN(len(s.held))
			k := s.held[i]
			s.held = slices.Delete(s.held, i, i+1)
			s.release(k)
		}
	case 3:
		if len(s.queue) == 0 {
			return
		}
		w := s.queue[s.r.IntN(len(s.queue))]
		if s.granted[w] && s.r.IntN(2) == 0 {
			s.leave(w)
			w.poll(true, "it was woken, so it's granted")
			s.held = append(s.held, w.k)
		} else {
			s.leave(w)
			w.close()
		}
	}
}

func (s *testChaos) leave(w *testTask) {
	delete(s.granted, w)
	s.queue = slices.DeleteFunc(s.queue, func(other *testTask) bool { return w == other })
}

func TestWokenTasksDoAnything(t *testing.T) {
	r := check.Random(t)
	for range 40 {
		testTry(t, 5, func(scene *testScene) {
			s := &testChaos{testScene: scene, r: r, granted: make(map[*testTask]bool)}
			for range 60 {
				s.act()
				free, first := 5, true
				for _, k := range s.held {
					free -= k
				}
				for _, w := range s.queue {
					if s.granted[w] {
						free -= w.k
					}
				}
				if n := s.Semaphore.Free(); n != free {
					s.Fatalf("%s: Free returned %d, want %d, which is 5 without those that were taken, and those that were granted to woken tasks: what becomes of your queue while you're in a Wake?", s.story(), n, free)
				}
				for _, w := range s.queue {
					if s.granted[w] && !first {
						s.Fatalf("%s: %s was granted, and one that came before it still waits", s.story(), w.name)
					}
					if !s.granted[w] && first && w.k <= free {
						s.Fatalf("%s: %s is in front, wants %d, and %d are free, but it wasn't woken: what becomes of your queue while you're in a Wake?", s.story(), w.name, w.k, free)
					}
					first = first && s.granted[w]
				}
			}
		})
		if t.Failed() {
			return
		}
	}
}
