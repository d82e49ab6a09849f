package main

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

const blocks = "Send, Poll and Close must return at once, also if whoever is woken polls inside Wake; is the lock held while Wake is called, or never given back?"

// A gate is a lock that lets somebody else come in when it is free: between is
// called before the first Lock, after the first Unlock, before the second Lock,
// and so on, at the moment of that number.
type gate struct {
	sync.Mutex
	moment  int
	at      int
	between func()
}

func (g *gate) pass() {
	if g.moment++; g.moment == g.at {
		g.between()
	}
}

func (g *gate) Lock()   { g.pass(); g.Mutex.Lock() }
func (g *gate) Unlock() { g.Mutex.Unlock(); g.pass() }

// A waker counts, and may do something.
type waker struct {
	woken int
	then  func()
}

func (w *waker) Wake() {
	w.woken++
	if w.then != nil {
		w.then()
	}
}

func told(r Received[string], ready bool) string {
	return fmt.Sprintf("{%q %t}, %t", r.Value, r.OK, ready)
}

const (
	pending = `{"" false}, false`
	nothing = `{"" false}, true`
	hello   = `{"hello" true}, true`
)

func checkPoll(t testing.TB, r *Receiver[string], w Waker, when, want string) {
	t.Helper()
	if got := told(r.Poll(&Context{waker: w})); got != want {
		t.Fatalf("%s Poll gave %s, want %s", when, got, want)
	}
}

func TestSendBeforeThePoll(t *testing.T) {
	check.Within(t, 2*time.Second, blocks, func(t testing.TB) {
		s, r := NewOneshot[string](new(sync.Mutex))
		if !s.Send("hello") {
			if got := told(r.Poll(&Context{waker: new(waker)})); got == pending {
				t.Fatal("oneshot.go is not started: Send gave false, and Poll does not have what was sent")
			}
			t.Fatal("Send gave false, and there is a receiver")
		}
		checkPoll(t, r, new(waker), "after Send", hello)
	})
}

func TestSendAfterThePoll(t *testing.T) {
	check.Within(t, 2*time.Second, blocks, func(t testing.TB) {
		s, r := NewOneshot[string](new(sync.Mutex))
		w := new(waker)
		for range 2 {
			checkPoll(t, r, w, "before Send", pending)
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
		checkPoll(t, r, w, "after the wake", hello)
	})
}

func TestSenderThatIsClosed(t *testing.T) {
	check.Within(t, 2*time.Second, blocks, func(t testing.TB) {
		s, r := NewOneshot[string](new(sync.Mutex))
		s.Close()
		checkPoll(t, r, new(waker), "after the sender was closed", nothing)

		s, r = NewOneshot[string](new(sync.Mutex))
		w := new(waker)
		checkPoll(t, r, w, "before Send", pending)
		s.Close()
		if w.woken == 0 {
			t.Fatal("the receiver was pending, the sender was closed, and nobody was woken: nothing will come any more, and the receiver waits for it for ever")
		}
		checkPoll(t, r, w, "after the sender was closed", nothing)
	})
}

// As a defer does.
func TestSenderThatIsClosedAfterSend(t *testing.T) {
	check.Within(t, 2*time.Second, blocks, func(t testing.TB) {
		s, r := NewOneshot[string](new(sync.Mutex))
		s.Send("hello")
		s.Close()
		s.Close()
		checkPoll(t, r, new(waker), "when the sender was closed after it had sent,", hello)
	})
}

func TestReceiverThatIsClosed(t *testing.T) {
	check.Within(t, 2*time.Second, blocks, func(t testing.TB) {
		s, r := NewOneshot[string](new(sync.Mutex))
		w := new(waker)
		checkPoll(t, r, w, "before Send", pending)
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
	check.Within(t, 2*time.Second, blocks, func(t testing.TB) {
		s, r := NewOneshot[string](new(sync.Mutex))
		first, second := new(waker), new(waker)
		checkPoll(t, r, first, "before Send", pending)
		checkPoll(t, r, second, "before Send", pending)
		s.Send("hello")
		if second.woken == 0 {
			t.Errorf("the receiver was polled by somebody else the second time, with another waker, and Send woke that one %d times and the first one %d times", second.woken, first.woken)
		}
	})
}

func TestWokenPollsAtOnce(t *testing.T) {
	for _, end := range []string{hello, nothing} {
		check.Within(t, 2*time.Second, blocks, func(t testing.TB) {
			s, r := NewOneshot[string](new(sync.Mutex))
			w := new(waker)
			got := "nothing, as nobody was woken"
			w.then = func() {
				w.then = nil
				got = told(r.Poll(&Context{waker: new(waker)}))
			}
			checkPoll(t, r, w, "before Send", pending)
			if end == hello {
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
	for _, end := range []string{hello, nothing} {
		for at := 1; at <= 6; at++ {
			check.Within(t, 2*time.Second, blocks, func(t testing.TB) {
				g, w := new(gate), new(waker)
				s, r := NewOneshot[string](g)
				what, act := "Send is called", func() { s.Send("hello") }
				if end == nothing {
					what, act = "the sender is closed", func() { s.Close() }
				}
				g.at, g.between = at, act
				got := told(r.Poll(&Context{waker: w}))
				switch {
				case g.moment < 2:
					t.Fatal("Poll has not taken the lock that NewOneshot was given")
				case got == end:
					return
				case got != pending:
					t.Fatalf("%s while Poll is under way, and Poll gave %s, want %s, or %s and a wake", what, got, end, pending)
				case g.moment < at: // the moment has not come
					act()
				}
				if w.woken == 0 {
					t.Fatalf("%s while Poll is under way, when the lock is free: Poll looked before that, and has left its waker after it, so it gave %s, and nobody is woken", what, got)
				}
				checkPoll(t, r, w, "after the wake", end)
			})
		}
	}
}

func TestPollDuringTheSend(t *testing.T) {
	for at := 1; at <= 6; at++ {
		check.Within(t, 2*time.Second, blocks, func(t testing.TB) {
			g, w := new(gate), new(waker)
			s, r := NewOneshot[string](g)
			got := ""
			g.at, g.between = at, func() { got = told(r.Poll(&Context{waker: w})) }
			s.Send("hello")
			if got == pending && w.woken == 0 {
				t.Fatalf("the receiver was polled while Send was under way, when the lock was free; Poll gave %s, and nobody is woken", got)
			}
			if got != hello {
				checkPoll(t, r, w, "after Send", hello)
			}
		})
	}
}
