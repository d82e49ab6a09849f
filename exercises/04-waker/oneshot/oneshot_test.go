package main

import (
	_ "embed"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
	"github.com/async-go-tutorial/async-runtime/exercises/check/order"
)

//go:embed oneshot.go
var testSource string

const testBlocks = "Send, Poll and Close may wait for nothing but the lock, and a woken task may poll inside Wake; is the lock held while Wake is called, or never given back?"

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
)

func testGot(value string) string { return testTold(Received[string]{Value: value, OK: true}, true) }

func testWord(r *rand.Rand) string { return fmt.Sprintf("word %d", r.IntN(1000)) }

func testPoll(t testing.TB, r *Receiver[string], w Waker, when, want string) {
	t.Helper()
	if got := testTold(r.Poll(&Context{waker: w})); got != want {
		t.Fatalf("%s Poll returned %s, want %s", when, got, want)
	}
}

// testTry runs f with a new channel and a word to send.
func testTry(t *testing.T, f func(t testing.TB, s *Sender[string], r *Receiver[string], word string)) {
	t.Helper()
	if check.IsStub(testSource) {
		t.Skip("not tried: oneshot.go is not started")
	}
	word := testWord(check.Random(t))
	check.Instant(t, testBlocks, func(t testing.TB) {
		mu := new(order.Mutex)
		s, r := NewOneshot[string](mu)
		f(t, s, r, word)
		if !mu.Taken() && !t.Failed() {
			t.Error("the lock that NewOneshot was given was never taken: what else uses it takes that one, and another lock doesn't keep it out")
		}
	})
}

func TestSendBeforeThePoll(t *testing.T) {
	check.Started(t, "oneshot.go", testSource)
	testTry(t, func(t testing.TB, s *Sender[string], r *Receiver[string], word string) {
		if !s.Send(word) {
			t.Fatal("Send returned false, and the receiver is there")
		}
		testPoll(t, r, new(testWaker), "after Send", testGot(word))
	})
}

func TestSendAfterThePoll(t *testing.T) {
	testTry(t, func(t testing.TB, s *Sender[string], r *Receiver[string], word string) {
		w := new(testWaker)
		for range 3 {
			testPoll(t, r, w, "before Send", testPending)
		}
		if w.woken > 0 {
			t.Fatalf("nothing was sent, and the waker was called %d times", w.woken)
		}
		if !s.Send(word) {
			t.Fatal("Send returned false, and the receiver is there")
		}
		if w.woken != 1 {
			t.Fatalf("the receiver was pending, and Send has called its waker %d times, want once", w.woken)
		}
		testPoll(t, r, w, "after the wake", testGot(word))
	})
}

// An empty value is a value.
func TestZeroValueIsSent(t *testing.T) {
	testTry(t, func(t testing.TB, s *Sender[string], r *Receiver[string], _ string) {
		w := new(testWaker)
		testPoll(t, r, w, "before Send", testPending)
		if !s.Send("") || w.woken != 1 {
			t.Fatalf("an empty string was sent, and the waker was called %d times, want once", w.woken)
		}
		testPoll(t, r, w, "after an empty string was sent,", testGot(""))
	})
}

// A nil is a value as well, as an error that says that all is well.
func TestNilIsSent(t *testing.T) {
	if check.IsStub(testSource) {
		t.Skip("not tried: oneshot.go is not started")
	}
	check.Instant(t, testBlocks, func(t testing.TB) {
		s, r := NewOneshot[error](new(order.Mutex))
		sent := s.Send(nil)
		got, ready := r.Poll(&Context{waker: new(testWaker)})
		if !sent || !ready || got != (Received[error]{Value: nil, OK: true}) {
			t.Fatalf("a nil error was sent, Send returned %t, and Poll returned {%v %t}, %t, want true, and {<nil> true}, true: nil is a value", sent, got.Value, got.OK, ready)
		}
	})
}

func TestSenderThatIsClosed(t *testing.T) {
	testTry(t, func(t testing.TB, s *Sender[string], r *Receiver[string], _ string) {
		s.Close()
		s.Close()
		testPoll(t, r, new(testWaker), "after the sender was closed", testNothing)
	})
	testTry(t, func(t testing.TB, s *Sender[string], r *Receiver[string], _ string) {
		w := new(testWaker)
		testPoll(t, r, w, "before Send", testPending)
		s.Close()
		if w.woken == 0 {
			t.Fatal("the receiver was pending, the sender was closed, and no waker was called: nothing will come anymore, and the receiver waits forever")
		}
		s.Close()
		s.Close()
		if w.woken != 1 {
			t.Fatalf("the receiver was pending, the sender was closed three times without a Send, and the waker was called %d times, want once: a second Close changes nothing", w.woken)
		}
		testPoll(t, r, w, "after the sender was closed", testNothing)
	})
}

// As a defer does.
func TestSenderThatIsClosedAfterSend(t *testing.T) {
	testTry(t, func(t testing.TB, s *Sender[string], r *Receiver[string], word string) {
		w := new(testWaker)
		testPoll(t, r, w, "before Send", testPending)
		s.Send(word)
		s.Close()
		s.Close()
		if w.woken != 1 {
			t.Errorf("the receiver was pending, the sender has sent and was closed after that, twice, and the waker was called %d times, want once: there's one thing to find", w.woken)
		}
		testPoll(t, r, w, "when the sender was closed after it had sent,", testGot(word))
	})
}

func TestReceiverThatIsClosed(t *testing.T) {
	testTry(t, func(t testing.TB, s *Sender[string], r *Receiver[string], word string) {
		r.Close()
		if s.Send(word) {
			t.Error("the receiver was closed before its first poll, and Send returned true: nothing can receive what was sent")
		}
	})
	testTry(t, func(t testing.TB, s *Sender[string], r *Receiver[string], word string) {
		w := new(testWaker)
		testPoll(t, r, w, "before Send", testPending)
		r.Close()
		r.Close()
		if s.Send(word) {
			t.Error("the receiver is closed, and Send returned true: nothing can receive what was sent")
		}
		s.Close()
		if w.woken > 0 {
			t.Errorf("the receiver is closed, and its waker was called %d times after that", w.woken)
		}
	})
	testTry(t, func(t testing.TB, s *Sender[string], r *Receiver[string], word string) {
		w := new(testWaker)
		testPoll(t, r, w, "before Send", testPending)
		r.Close()
		s.Close()
		if w.woken > 0 {
			t.Errorf("the receiver is closed, and its waker was called %d times after that, when the sender was closed", w.woken)
		}
	})
}

// A waker of a type that can't be compared, as a func can't.
type testFunc func()

func (f testFunc) Wake() { f() }

func TestWakerOfAnyType(t *testing.T) {
	testTry(t, func(t testing.TB, s *Sender[string], r *Receiver[string], word string) {
		earlier, later := 0, 0
		testPoll(t, r, testFunc(func() { earlier++ }), "before Send", testPending)
		testPoll(t, r, testFunc(func() { later++ }), "before Send", testPending)
		s.Send(word)
		if earlier != 0 || later != 1 {
			t.Fatalf("the receiver was polled with two wakers that are funcs, and Send has called the first %d times, and the second %d times, want 0 and 1", earlier, later)
		}
	})
}

func TestLatestPollIsWoken(t *testing.T) {
	testTry(t, func(t testing.TB, s *Sender[string], r *Receiver[string], word string) {
		first, second := new(testWaker), new(testWaker)
		testPoll(t, r, first, "before Send", testPending)
		testPoll(t, r, second, "before Send", testPending)
		s.Send(word)
		if second.woken == 0 || first.woken > 0 {
			t.Errorf("the receiver was polled, and then polled again with another waker. Send has called the first waker %d times, and the second %d times, want 0 and 1", first.woken, second.woken)
		}
	})
}

func TestWokenPollsAtOnce(t *testing.T) {
	for _, closes := range []bool{false, true} {
		testTry(t, func(t testing.TB, s *Sender[string], r *Receiver[string], word string) {
			w, got, want := new(testWaker), "nothing, because no waker was called", testGot(word)
			w.then = func() {
				w.then = nil
				got = testTold(r.Poll(&Context{waker: new(testWaker)}))
			}
			testPoll(t, r, w, "before Send", testPending)
			if closes {
				want = testNothing
				s.Close()
			} else {
				s.Send(word)
			}
			if got != want {
				t.Errorf("the woken task polled at once, inside Wake, and Poll returned %s, want %s: a wake before the value is there finds nothing, and it's the last one", got, want)
			}
		})
	}
}

// The woken task closes an end at once, inside Wake.
func TestWokenClosesAtOnce(t *testing.T) {
	for _, sends := range []bool{true, false} {
		for _, which := range []string{"receiver", "sender", "receiver, and the sender"} {
			testTry(t, func(t testing.TB, s *Sender[string], r *Receiver[string], word string) {
				w, got, did, want := new(testWaker), "nothing, because no waker was called", "sent something", testGot(word)
				w.then = func() {
					got = testTold(r.Poll(&Context{waker: w}))
					if which != "sender" {
						r.Close()
					}
					if which != "receiver" {
						s.Close()
					}
				}
				testPoll(t, r, w, "before Send", testPending)
				sent := sends && s.Send(word)
				if !sends {
					did, want = "was closed", testNothing
					s.Close()
				}
				s.Close()
				if w.woken != 1 || got != want {
					t.Fatalf("the sender %s, and the woken task polled at once, inside Wake, and closed the %s; Poll returned %s, want %s, and the waker was called %d times, want once", did, which, got, want, w.woken)
				}
				if sends && !sent {
					t.Fatalf("the woken task polled at once, inside Wake, got %q, and closed the %s; and then Send returned false, want true: the receiver has got the value, and wasn't closed before that", word, which)
				}
			})
		}
	}
}

// testEnds is a scenario of a receiver that polls until it's ready, and a sender.
func testEnds(story, want string, send func(s *order.Schedule, sender *Sender[string])) order.Scenario {
	return order.Scenario{Story: story, Run: func(s *order.Schedule) {
		sender, receiver := NewOneshot[string](new(order.Mutex))
		s.Go("receiver", func() {
			for {
				w := s.Waker()
				got := testTold(receiver.Poll(&Context{waker: w}))
				switch got {
				case want:
					return
				case testPending:
					w.Sleep()
				default:
					s.Fatalf("Poll returned %s, want %s, or %s until then", got, want, testPending)
				}
			}
		})
		s.Go("sender", func() { send(s, sender) })
	}}
}

// All orders of two ends.
func TestEveryOrder(t *testing.T) {
	order.All(t, "oneshot.go", testSource,
		testEnds("the receiver polls, and something is sent meanwhile", testGot("tea"), func(s *order.Schedule, sender *Sender[string]) {
			if !sender.Send("tea") {
				s.Fatalf("Send returned false, and the receiver is there")
			}
			sender.Close()
		}),
		testEnds("the receiver polls, and the sender is closed meanwhile", testNothing, func(s *order.Schedule, sender *Sender[string]) {
			sender.Close()
		}),
		order.Scenario{Story: "the receiver is closed, and something is sent meanwhile", Run: func(s *order.Schedule) {
			sender, receiver := NewOneshot[string](new(order.Mutex))
			closed := false
			s.Go("receiver", func() {
				receiver.Poll(&Context{waker: s.Waker()})
				receiver.Close()
				closed = true
			})
			s.Go("sender", func() {
				if before := closed; sender.Send("tea") && before {
					s.Fatalf("the receiver was closed, and then Send returned true: nothing can receive what was sent")
				}
			})
		}},
	)
}
