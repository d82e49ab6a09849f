package main

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

const testBlocks = "Send, Poll and Close must return at once, also if whoever is woken polls inside Wake; is the lock held while Wake is called, or never given back?"

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

// A testWaker counts, and may do something.
type testWaker struct {
	woken int
	then  func()
}

func (w *testWaker) Wake() {
	w.woken++
	if w.then != nil {
		w.then()
	}
}

func testTold(r Received[string], ready bool) string {
	return fmt.Sprintf("{%q %t}, %t", r.Value, r.OK, ready)
}

const (
	testPending = `{"" false}, false`
	testNothing = `{"" false}, true`
	testHello   = `{"hello" true}, true`
)

func testPoll(t testing.TB, r *Receiver[string], w Waker, when, want string) {
	t.Helper()
	if got := testTold(r.Poll(&Context{waker: w})); got != want {
		t.Fatalf("%s Poll gave %s, want %s", when, got, want)
	}
}

func TestSendBeforeThePoll(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		s, r := NewOneshot[string](new(sync.Mutex))
		if !s.Send("hello") {
			if got := testTold(r.Poll(&Context{waker: new(testWaker)})); got == testPending {
				t.Fatal("oneshot.go is not started: Send gave false, and Poll does not have what was sent")
			}
			t.Fatal("Send gave false, and there is a receiver")
		}
		testPoll(t, r, new(testWaker), "after Send", testHello)
	})
}

func TestSendAfterThePoll(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		s, r := NewOneshot[string](new(sync.Mutex))
		w := new(testWaker)
		for range 2 {
			testPoll(t, r, w, "before Send", testPending)
		}
		if w.woken > 0 {
			t.Fatal("nothing was sent, and the waker was called")
		}
		if !s.Send("hello") {
			t.Fatal("Send gave false, and there is a receiver")
		}
		if w.woken == 0 {
			t.Fatal("the receiver was pending, and Send has woken nobody")
		}
		testPoll(t, r, w, "after the wake", testHello)
	})
}

func TestSenderThatIsClosed(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		s, r := NewOneshot[string](new(sync.Mutex))
		s.Close()
		testPoll(t, r, new(testWaker), "after the sender was closed", testNothing)

		s, r = NewOneshot[string](new(sync.Mutex))
		w := new(testWaker)
		testPoll(t, r, w, "before Send", testPending)
		s.Close()
		if w.woken == 0 {
			t.Fatal("the receiver was pending, the sender was closed, and nobody was woken: nothing will come any more, and the receiver waits for it for ever")
		}
		testPoll(t, r, w, "after the sender was closed", testNothing)
	})
}

// As a defer does.
func TestSenderThatIsClosedAfterSend(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		s, r := NewOneshot[string](new(sync.Mutex))
		w := new(testWaker)
		testPoll(t, r, w, "before Send", testPending)
		s.Send("hello")
		s.Close()
		s.Close()
		testPoll(t, r, w, "when the sender was closed after it had sent,", testHello)
		if w.woken != 1 {
			t.Errorf("the receiver was pending, the sender has sent and was closed after that, twice, and the waker was called %d times, want once: there is one thing to find", w.woken)
		}
	})
}

func TestReceiverThatIsClosed(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		s, r := NewOneshot[string](new(sync.Mutex))
		w := new(testWaker)
		testPoll(t, r, w, "before Send", testPending)
		r.Close()
		r.Close()
		if s.Send("hello") {
			t.Error("the receiver is closed, and Send gave true: nobody can have what was sent")
		}
		s.Close()
		if w.woken > 0 {
			t.Errorf("the receiver is closed, and its waker was called %d times", w.woken)
		}
	})
}

func TestLatestPollIsWoken(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		s, r := NewOneshot[string](new(sync.Mutex))
		first, second := new(testWaker), new(testWaker)
		testPoll(t, r, first, "before Send", testPending)
		testPoll(t, r, second, "before Send", testPending)
		s.Send("hello")
		if second.woken == 0 {
			t.Errorf("the receiver was polled by somebody else the second time, with another waker, and Send woke that one %d times and the first one %d times", second.woken, first.woken)
		}
	})
}

func TestWokenPollsAtOnce(t *testing.T) {
	for _, end := range []string{testHello, testNothing} {
		check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
			s, r := NewOneshot[string](new(sync.Mutex))
			w := new(testWaker)
			got := "nothing, as nobody was woken"
			w.then = func() {
				w.then = nil
				got = testTold(r.Poll(&Context{waker: new(testWaker)}))
			}
			testPoll(t, r, w, "before Send", testPending)
			if end == testHello {
				s.Send("hello")
			} else {
				s.Close()
			}
			if got != end {
				t.Errorf("whoever was woken polled at once, inside Wake, and Poll gave %s, want %s: a wake before the value is there is a wake for nothing, and the last one", got, end)
			}
		})
	}
}

// The other end does something whenever the lock is free.
func TestSendDuringThePoll(t *testing.T) {
	for _, end := range []string{testHello, testNothing} {
		for at := 1; at <= 6; at++ {
			check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
				g, w := new(testGate), new(testWaker)
				s, r := NewOneshot[string](g)
				what, act := "Send is called", func() { s.Send("hello") }
				if end == testNothing {
					what, act = "the sender is closed", func() { s.Close() }
				}
				g.at, g.between = at, act
				got := testTold(r.Poll(&Context{waker: w}))
				switch {
				case g.moment < 2:
					t.Fatal("Poll has not taken the lock that NewOneshot was given")
				case got == end:
					return
				case got != testPending:
					t.Fatalf("%s while Poll is under way, and Poll gave %s, want %s, or %s and a wake", what, got, end, testPending)
				case g.moment < at: // the moment has not come
					act()
				}
				if w.woken == 0 {
					t.Fatalf("%s while Poll is under way, when the lock is free: Poll looked before that, and has left its waker after it, so it gave %s, and nobody is woken", what, got)
				}
				testPoll(t, r, w, "after the wake", end)
			})
		}
	}
}

func TestPollDuringTheSend(t *testing.T) {
	for at := 1; at <= 6; at++ {
		check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
			g, w := new(testGate), new(testWaker)
			s, r := NewOneshot[string](g)
			got := ""
			g.at, g.between = at, func() { got = testTold(r.Poll(&Context{waker: w})) }
			s.Send("hello")
			if got == testPending && w.woken == 0 {
				t.Fatalf("the receiver was polled while Send was under way, when the lock was free; Poll gave %s, and nobody is woken", got)
			}
			if got != testHello {
				testPoll(t, r, w, "after Send", testHello)
			}
		})
	}
}
