package main

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

//go:embed semaphore.go
var testSource string

const testReturns = "Poll, Close and Release must return at once; does one of them wait, or go round and round?"

// A testScene is a semaphore, and what was done to it.
type testScene struct {
	testing.TB
	*Semaphore
	did   []string
	tasks []*testTask
}

// A testTask is one Acquire. It counts its wakes.
type testTask struct {
	scene *testScene
	name  string
	k     int
	f     Future[struct{}]
	woken int
	then  func() // inside Wake
}

func (t *testTask) Wake() {
	t.woken++
	if t.then != nil {
		t.then()
	}
}

func (s *testScene) note(format string, args ...any) {
	s.did = append(s.did, fmt.Sprintf(format, args...))
}

func (s *testScene) story() string {
	return strings.Join(s.did[max(0, len(s.did)-12):], ", ")
}

func testTry(t *testing.T, n int, f func(s *testScene)) {
	t.Helper()
	if check.IsStub(testSource) && t.Name() != "TestFreePermitsAreTaken" {
		t.Skip("not tried: semaphore.go is not started")
	}
	check.Instant(t, testReturns, func(t testing.TB) {
		check.Started(t, "semaphore.go", testSource)
		s := &testScene{TB: t, Semaphore: NewSemaphore(n)}
		s.note("a semaphore with %d permits", n)
		f(s)
	})
}

func (s *testScene) acquire(k int) *testTask {
	t := &testTask{scene: s, name: string(rune('A' + len(s.tasks))), k: k}
	t.f = s.Semaphore.Acquire(k)
	s.tasks = append(s.tasks, t)
	return t
}

// poll polls, and wants that to be ready or not.
func (t *testTask) poll(ready bool, look string) {
	t.scene.Helper()
	t.scene.note("%s (wants %d) is polled", t.name, t.k)
	if _, got := t.f.Poll(&Context{waker: t}); got != ready {
		t.scene.Fatalf("%s: that Poll returned %t, want %t: %s", t.scene.story(), got, ready, look)
	}
}

func (t *testTask) close() {
	t.scene.note("%s is closed", t.name)
	Close(t.f)
}

func (s *testScene) release(k int) {
	s.note("%d released", k)
	s.Semaphore.Release(k)
}

// want wants these to have been woken since the last look, once each, and so
// many permits to be free.
func (s *testScene) want(free int, look string, woken ...*testTask) {
	s.Helper()
	var got, want []string
	for _, t := range s.tasks {
		for range t.woken {
			got = append(got, t.name)
		}
		if slices.Contains(woken, t) {
			want = append(want, t.name)
		}
		t.woken = 0
	}
	if !slices.Equal(got, want) {
		s.Fatalf("%s: the wakers that were called are those of %v, want %v: %s", s.story(), got, want, look)
	}
	if n := s.Semaphore.Free(); n != free {
		s.Fatalf("%s: Free returned %d, want %d: %s", s.story(), n, free, look)
	}
}

func TestFreePermitsAreTaken(t *testing.T) {
	testTry(t, 3, func(s *testScene) {
		a, b := s.acquire(1), s.acquire(2)
		s.want(3, "nothing was polled yet, so nothing is taken")
		a.poll(true, "3 are free")
		s.want(2, "A has one of three")
		b.poll(true, "2 are free")
		s.want(0, "A has one of three, and B has two")
		c := s.acquire(1)
		c.poll(false, "none is free")
		s.want(0, "C has none")
	})
}

func TestReleaseGrants(t *testing.T) {
	testTry(t, 2, func(s *testScene) {
		a, b := s.acquire(2), s.acquire(1)
		a.poll(true, "2 are free")
		b.poll(false, "none is free")
		s.release(2)
		s.want(1, "one of two permits is granted to B", b)
		b.poll(true, "it was granted")
		s.want(1, "B has its permit")
		s.release(1)
		s.want(2, "all are free again")
	})
}

func TestFirstComeFirstServed(t *testing.T) {
	testTry(t, 1, func(s *testScene) {
		a := s.acquire(1)
		a.poll(true, "1 is free")
		e, d, c, b := s.acquire(1), s.acquire(1), s.acquire(1), s.acquire(1)
		all := []*testTask{b, c, d, e}
		for _, w := range all {
			w.poll(false, "none is free")
		}
		b.poll(false, "none is free: polled again, it keeps its place")
		c.poll(false, "none is free: polled again, it keeps its place")
		for _, w := range all {
			s.release(1)
			s.want(0, "the order of the first polls counts, and not that of Acquire or of later polls", w)
			w.poll(true, "it was granted")
		}
	})
}

func TestNothingOvertakes(t *testing.T) {
	testTry(t, 3, func(s *testScene) {
		a := s.acquire(3)
		a.poll(true, "3 are free")
		big, small := s.acquire(3), s.acquire(1)
		big.poll(false, "none is free")
		small.poll(false, "none is free")
		s.release(2)
		s.want(2, "B wants 3 and 2 are free; C wants only one, but B was first: if small ones may pass, B waits forever")
		late := s.acquire(1)
		late.poll(false, "2 are free, but two wait already")
		s.release(1)
		s.want(0, "now B has its three", big)
		big.poll(true, "it was granted")
		s.release(3)
		s.want(1, "C and D have one each", small, late)
		late.poll(true, "it was granted")
		small.poll(true, "it was granted")
	})
}

func TestManyAreGranted(t *testing.T) {
	testTry(t, 4, func(s *testScene) {
		a := s.acquire(4)
		a.poll(true, "4 are free")
		b, c, d, e := s.acquire(1), s.acquire(2), s.acquire(2), s.acquire(1)
		for _, w := range []*testTask{b, c, d, e} {
			w.poll(false, "none is free")
		}
		s.release(4)
		s.want(1, "four permits are enough for B (1) and C (2). D wants 2 and is next, so E waits as well, and what nothing can be granted isn't woken", b, c)
	})
}

func TestGrantedIsKept(t *testing.T) {
	testTry(t, 1, func(s *testScene) {
		a := s.acquire(1)
		a.poll(true, "1 is free")
		b := s.acquire(1)
		b.poll(false, "none is free")
		s.release(1)
		c := s.acquire(1)
		c.poll(false, "the permit was granted to B, which hasn't been polled since")
		s.want(0, "the permit is B's", b)
		b.poll(true, "the permit was granted to B, whatever has been polled since")
	})
}

func TestLatestWakerIsCalled(t *testing.T) {
	testTry(t, 1, func(s *testScene) {
		a := s.acquire(1)
		a.poll(true, "1 is free")
		b, other := s.acquire(1), new(testTask)
		b.f.Poll(&Context{waker: other})
		b.poll(false, "none is free")
		s.release(1)
		if other.woken > 0 {
			t.Fatal("B was polled twice, with two wakers, and the first one was called: the task that it belongs to has given the future away")
		}
		s.want(0, "B was polled with two wakers, and the latest counts", b)
	})
}

func TestClosedWhileWaiting(t *testing.T) {
	testTry(t, 1, func(s *testScene) {
		a := s.acquire(1)
		a.poll(true, "1 is free")
		b, c, d := s.acquire(1), s.acquire(1), s.acquire(1)
		for _, w := range []*testTask{b, c, d} {
			w.poll(false, "none is free")
		}
		c.close()
		c.close()
		s.release(1)
		s.want(0, "B is first", b)
		b.poll(true, "it was granted")
		s.release(1)
		s.want(0, "C has left the queue, so D is next", d)
	})
}

// The large request in front goes away.
func TestClosedInFront(t *testing.T) {
	testTry(t, 3, func(s *testScene) {
		a := s.acquire(2)
		a.poll(true, "3 are free")
		big, b, c := s.acquire(3), s.acquire(1), s.acquire(1)
		for _, w := range []*testTask{big, b, c} {
			w.poll(false, "one is free, and B wants three")
		}
		big.close()
		s.want(0, "B wanted three, and one is free. B has left, and C wants only one: nothing else will tell it", b)
		b.poll(true, "it was granted")
	})
}

func TestClosedWhenGranted(t *testing.T) {
	testTry(t, 2, func(s *testScene) {
		a := s.acquire(2)
		a.poll(true, "2 are free")
		b, c, d := s.acquire(2), s.acquire(1), s.acquire(1)
		for _, w := range []*testTask{b, c, d} {
			w.poll(false, "none is free")
		}
		s.release(2)
		s.want(0, "both are granted to B", b)
		b.close()
		s.want(0, "B was closed before it was polled, so what it was granted goes on to C and D", c, d)
		b.close()
		s.want(0, "B was closed already")
		c.close()
		d.close()
		s.want(2, "nothing waits anymore")
	})
}

func TestClosedOtherwise(t *testing.T) {
	testTry(t, 1, func(s *testScene) {
		a := s.acquire(1)
		a.close()
		s.want(1, "A was closed before its first poll")
		b := s.acquire(1)
		b.poll(true, "1 is free")
		b.close()
		b.close()
		s.want(0, "B has taken its permit. Closing the future after that doesn't give it back: that's what Release is for")
		s.release(1)
		s.want(1, "and Release gave it back once")
	})
}

// A woken task does something at once, inside Wake.
func TestWokenTaskActsAtOnce(t *testing.T) {
	testTry(t, 2, func(s *testScene) {
		a := s.acquire(2)
		a.poll(true, "2 are free")
		b, c, d := s.acquire(1), s.acquire(1), s.acquire(1)
		for _, w := range []*testTask{b, c, d} {
			w.poll(false, "none is free")
		}
		b.then = func() {
			b.then = nil
			s.note("and inside its Wake")
			b.poll(true, "it was woken, so it's granted already")
			s.release(1)
		}
		s.release(2)
		s.want(0, "B took its permit and gave it back, all inside its Wake: that one is D's, and C has the other", b, c, d)
		c.poll(true, "it was granted")
		d.poll(true, "it was granted")
		s.want(0, "both are taken")
	})
	testTry(t, 1, func(s *testScene) {
		a := s.acquire(1)
		a.poll(true, "1 is free")
		b, c := s.acquire(1), s.acquire(1)
		b.poll(false, "none is free")
		c.poll(false, "none is free")
		b.then = func() { b.close() }
		s.release(1)
		s.want(0, "B was closed inside its Wake, so its permit is C's", b, c)
	})
}

// A model that's simple and slow is the judge.
func TestManySteps(t *testing.T) {
	r := check.Random(t)
	testTry(t, 5, func(s *testScene) {
		free, queue := 5, []*testTask{}
		granted, held, open := map[*testTask]bool{}, []int{}, []*testTask{}
		for range 3000 {
			var woken []*testTask
			grant := func() {
				for len(queue) > 0 && queue[0].k <= free {
					free -= queue[0].k
					granted[queue[0]] = true
					woken, queue = append(woken, queue[0]), queue[1:]
				}
			}
			switch n := r.IntN(4); {
			case n < 2 && len(open) < 8:
				w := s.acquire(1 + r.IntN(4))
				ready := len(queue) == 0 && w.k <= free
				w.poll(ready, "it's free if nothing waits and there are enough")
				if ready {
					free -= w.k
					held = append(held, w.k)
				} else {
					queue, open = append(queue, w), append(open, w)
				}
			case n == 2 && len(held) > 0:
				i := r.IntN(len(held))
				k := held[i]
				held = slices.Delete(held, i, i+1)
				free += k
				grant()
				s.release(k)
			case len(open) > 0:
				i := r.IntN(len(open))
				w := open[i]
				if granted[w] && r.IntN(2) == 0 {
					w.poll(true, "it was granted")
					held = append(held, w.k)
				} else {
					if granted[w] {
						free += w.k
					}
					queue = slices.DeleteFunc(queue, func(o *testTask) bool { return o == w })
					grant()
					w.close()
				}
				delete(granted, w)
				open = slices.Delete(open, i, i+1)
			}
			s.want(free, "see the steps", woken...)
			s.tasks = s.tasks[max(0, len(s.tasks)-20):]
			for _, w := range open {
				if !slices.Contains(s.tasks, w) {
					s.tasks = append(s.tasks, w)
				}
			}
		}
	})
}
