package main

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

const testBlocks = "Poll and Post must return at once; is a lock taken twice, or never given back?"

// A testGate is a lock that lets somebody else come in when it is free: between
// is called before the first Lock, after the first Unlock, before the second
// Lock, and so on, at the moment of that number.
type testGate struct {
	sync.Mutex
	moment  int
	at      int
	between func()
}

func (g *testGate) pass() {
	if g.moment++; g.moment == g.at {
		g.between()
	}
}

func (g *testGate) Lock()   { g.pass(); g.Mutex.Lock() }
func (g *testGate) Unlock() { g.Mutex.Unlock(); g.pass() }

// testWakes counts.
type testWakes int

func (w *testWakes) Wake() { *w++ }

// testPoll polls b, and wants this letter, or none.
func testPoll(t testing.TB, b *Box, w Waker, when, want string) {
	t.Helper()
	if letter, ready := b.Poll(&Context{waker: w}); letter != want || ready != (want != "") {
		t.Fatalf("%s Poll gave %q, %t, want %q, %t", when, letter, ready, want, want != "")
	}
}

func TestLetterBeforeThePoll(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		b := NewBox(new(sync.Mutex))
		b.Post("hello")
		testPoll(t, b, new(testWakes), "with a letter in the box", "hello")
	})
}

func TestLetterAfterThePoll(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		b, w := NewBox(new(sync.Mutex)), new(testWakes)
		for range 3 {
			testPoll(t, b, w, "with an empty box", "")
		}
		if *w > 0 {
			t.Fatalf("nothing has come, and the waker was called %d times in 3 polls: each call is another poll, at once, and so on, on a whole core", *w)
		}
		b.Post("hello")
		if *w == 0 {
			t.Fatal("a letter came after the poll, and nobody was woken: does Poll leave its waker behind?")
		}
		testPoll(t, b, w, "after the wake", "hello")
	})
}

// The postman comes whenever the lock is free.
func TestLetterDuringThePoll(t *testing.T) {
	for at := 1; at <= 6; at++ {
		check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
			g, w := new(testGate), new(testWakes)
			b := NewBox(g)
			g.at, g.between = at, func() { b.Post("hello") }
			letter, ready := b.Poll(&Context{waker: w})
			switch locks := g.moment / 2; {
			case g.moment < 2:
				t.Fatal("Poll has not taken the lock: Post may change both fields at any moment")
			case g.moment < at && ready:
				t.Fatalf("Poll gave %q, true, and nobody has posted anything", letter)
			case g.moment < at:
				b.Post("hello") // after the poll, then
				if *w == 0 {
					t.Fatal("a letter came after the poll, and nobody was woken")
				}
			case !ready && *w == 0:
				t.Fatalf("the letter comes when Poll has %s: to Poll the box looks empty, the postman finds no waker to call, and Poll gave \"\", false: it sleeps for ever, with a letter in the box (%d locks in Poll)", testWhere(at), max(locks-1, 1))
			}
		})
	}
}

// testWhere tells a moment of the gate.
func testWhere(at int) string {
	if at%2 == 1 {
		return fmt.Sprintf("not yet locked for the %s time", testNth(at/2))
	}
	return fmt.Sprintf("unlocked for the %s time", testNth(at/2-1))
}

func testNth(n int) string { return []string{"first", "second", "third"}[n] }

func TestLatestPollIsWoken(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		b, first, second := NewBox(new(sync.Mutex)), new(testWakes), new(testWakes)
		testPoll(t, b, first, "with an empty box", "")
		testPoll(t, b, second, "with an empty box", "")
		b.Post("hello")
		if *second == 0 {
			t.Errorf("the future is polled by somebody else the second time, with another waker, and the letter woke that one %d times and the first one %d times: who polled last is who waits", *second, *first)
		}
	})
}
