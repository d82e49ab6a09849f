package main

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

//go:embed handover.go
var testSource string

const testReturns = "Poll and Close must return at once; does one of them wait, or go round and round?"

// A testScene is a channel, and what was done to it.
type testScene struct {
	testing.TB
	c     *Channel[string]
	did   []string
	tasks []*testTask
}

// A testTask is one Send or Receive. It counts its wakes.
type testTask struct {
	scene *testScene
	name  string
	poll  func(w Waker) string
	f     any
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
	story := strings.Join(s.did[max(0, len(s.did)-12):], ", ")
	if len(s.did) > 12 {
		story = "..., " + story
	}
	return story
}

func testTry(t *testing.T, f func(s *testScene)) {
	t.Helper()
	if check.IsStub(testSource) && t.Name() != "TestReceiverComesFirst" {
		t.Skip("not tried: handover.go is not started")
	}
	check.Instant(t, testReturns, func(t testing.TB) {
		check.Started(t, "handover.go", testSource)
		f(&testScene{TB: t, c: NewChannel[string]()})
	})
}

const (
	testWaits = "false"
	testSent  = "<nil>, true"
	testDone  = "{\"\" false}, true"
)

func testGot(v string) string { return fmt.Sprintf("{%q true}, true", v) }

func (s *testScene) add(name string, f any, poll func(w Waker) string) *testTask {
	t := &testTask{scene: s, name: name, f: f, poll: poll}
	s.tasks = append(s.tasks, t)
	return t
}

func (s *testScene) send(v string) *testTask {
	f := s.c.Send(v)
	return s.add("Send "+v, f, func(w Waker) string {
		err, ready := f.Poll(&Context{waker: w})
		if !ready {
			return testWaits
		}
		return fmt.Sprint(err, ", true")
	})
}

func (s *testScene) receive() *testTask {
	f := s.c.Receive()
	n := 1
	for _, t := range s.tasks {
		if strings.HasPrefix(t.name, "Receive") {
			n++
		}
	}
	return s.add(fmt.Sprint("Receive ", n), f, func(w Waker) string {
		got, ready := f.Poll(&Context{waker: w})
		if !ready {
			if got != (Received[string]{}) {
				return fmt.Sprintf("{%q %t} beside false", got.Value, got.OK)
			}
			return testWaits
		}
		return fmt.Sprintf("{%q %t}, true", got.Value, got.OK)
	})
}

// want polls, and wants this answer.
func (t *testTask) want(answer, look string) {
	t.scene.Helper()
	t.scene.note("%s is polled", t.name)
	if got := t.poll(t); got != answer {
		t.scene.Fatalf("%s: that Poll returned %s, want %s: %s", t.scene.story(), got, answer, look)
	}
}

func (t *testTask) close() {
	t.scene.note("%s is closed", t.name)
	Close(t.f)
}

func (s *testScene) close() {
	s.note("the channel is closed")
	s.c.Close()
}

// wantWoken wants these to have been woken, once each, since the last look.
func (s *testScene) wantWoken(look string, tasks ...*testTask) {
	s.Helper()
	got, want := []string{}, []string{}
	for _, t := range s.tasks {
		for range t.woken {
			got = append(got, t.name)
		}
		if slices.Contains(tasks, t) {
			want = append(want, t.name)
		}
		t.woken = 0
	}
	if !slices.Equal(got, want) {
		s.Fatalf("%s: the wakers that were called are those of %q, want %q: %s", s.story(), got, want, look)
	}
}

func TestReceiverComesFirst(t *testing.T) {
	testTry(t, func(s *testScene) {
		r, a := s.receive(), s.send("a")
		r.want(testWaits, "nothing was sent: a Send that hasn't been polled has done nothing")
		s.wantWoken("nothing has happened")
		a.want(testSent, "a receiver waits, so it's given the value at once")
		s.wantWoken("the receiver has been given a value", r)
		r.want(testGot("a"), "that's what it was given")
	})
}

func TestSenderComesFirst(t *testing.T) {
	testTry(t, func(s *testScene) {
		a, r := s.send("a"), s.receive()
		a.want(testWaits, "no receiver has been polled: this channel has no place to keep a value")
		a.want(testWaits, "no receiver has been polled")
		r.want(testGot("a"), "a sender waits, so its value is there")
		s.wantWoken("the sender's value has been taken", a)
		a.want(testSent, "a receiver has the value")
	})
}

func TestNothingBeforeThePoll(t *testing.T) {
	testTry(t, func(s *testScene) {
		second, first := s.send("second"), s.send("first")
		r1, r2 := s.receive(), s.receive()
		first.want(testWaits, "no receiver has been polled")
		second.want(testWaits, "no receiver has been polled")
		r2.want(testGot("first"), "the order of the first polls counts")
		r1.want(testGot("second"), "the order of the first polls counts")
	})
}

func TestInOrder(t *testing.T) {
	testTry(t, func(s *testScene) {
		var senders []*testTask
		for _, v := range strings.Fields("a b c d") {
			w := s.send(v)
			senders = append(senders, w)
			w.want(testWaits, "no receiver has been polled")
			senders[0].poll(new(testTask)) // another waker
			senders[0].want(testWaits, "no receiver has been polled")
		}
		for i, v := range strings.Fields("a b c d") {
			s.receive().want(testGot(v), "the first sender comes first, also if it was polled again, with another waker")
			s.wantWoken("one value was taken, so one sender is done", senders[i])
		}
		var receivers []*testTask
		for range 4 {
			r := s.receive()
			receivers = append(receivers, r)
			r.want(testWaits, "no sender waits")
			receivers[0].poll(new(testTask)) // another waker
			receivers[0].want(testWaits, "no sender waits")
		}
		for i, v := range strings.Fields("e f g h") {
			s.send(v).want(testSent, "a receiver waits")
			s.wantWoken("one value came, so one receiver is done: the first one, also if it was polled again, with another waker", receivers[i])
		}
		for i, v := range strings.Fields("e f g h") {
			receivers[i].want(testGot(v), "the first receiver comes first")
		}
	})
}

func TestNewReceiverDoesNotOvertake(t *testing.T) {
	testTry(t, func(s *testScene) {
		r1 := s.receive()
		r1.want(testWaits, "no sender waits")
		s.send("a").want(testSent, "a receiver waits")
		s.receive().want(testWaits, "the value was given to the receiver that came first, which hasn't looked yet")
		r1.want(testGot("a"), "that's what it was given")
	})
}

func TestLatestWakerIsCalled(t *testing.T) {
	testTry(t, func(s *testScene) {
		old := new(testTask)
		r := s.receive()
		r.poll(old)
		r.want(testWaits, "no sender waits")
		s.send("a").want(testSent, "a receiver waits")
		s.wantWoken("it was polled with two wakers, and the latest counts", r)
		w := s.send("b")
		w.poll(old)
		w.want(testWaits, "no receiver waits")
		s.receive().want(testGot("b"), "a sender waits")
		s.wantWoken("it was polled with two wakers, and the latest counts", w)
		if old.woken > 0 {
			s.Fatalf("%s: the first of two wakers was called: the task that it belongs to has given the future away", s.story())
		}
	})
}

func TestSendThatIsClosed(t *testing.T) {
	testTry(t, func(s *testScene) {
		a, b, c := s.send("a"), s.send("b"), s.send("c")
		a.close()
		b.want(testWaits, "no receiver waits")
		c.want(testWaits, "no receiver waits")
		b.close()
		b.close()
		s.receive().want(testGot("c"), "a and b were closed while they waited, so their values were never sent")
		c.close()
		s.receive().want(testWaits, "nothing is left: the value of c has been received, and closing its Send doesn't change that")
	})
}

func TestReceiveThatIsClosed(t *testing.T) {
	testTry(t, func(s *testScene) {
		r1, r2 := s.receive(), s.receive()
		r1.want(testWaits, "no sender waits")
		r2.want(testWaits, "no sender waits")
		r1.close()
		r1.close()
		a := s.send("a")
		a.want(testSent, "Receive 2 waits")
		s.wantWoken("Receive 1 is closed", r2)
		r2.want(testGot("a"), "that's what it was given")
		s.send("b").want(testWaits, "no receiver waits: 1 is closed, and 2 has its value")
	})
}

// The sender has been told that its value has arrived. And then the receiver is
// closed before it has looked.
func TestReceiveThatIsClosedWithAValue(t *testing.T) {
	testTry(t, func(s *testScene) {
		r1, r2 := s.receive(), s.receive()
		r1.want(testWaits, "no sender waits")
		r2.want(testWaits, "no sender waits")
		s.send("a").want(testSent, "Receive 1 waits")
		s.wantWoken("Receive 1 was given a", r1)
		r1.close()
		r1.close()
		s.wantWoken("Receive 1 was closed with a in its hands, and Receive 2 waits for one", r2)
		r2.want(testGot("a"), "what was given to Receive 1 goes on to the next one")
		r1.close()
		s.receive().want(testWaits, "Receive 1 was closed again, and it has passed on its value already: each value is received once")
	})
	testTry(t, func(s *testScene) {
		r1, r2 := s.receive(), s.receive()
		r1.want(testWaits, "no sender waits")
		r2.want(testWaits, "no sender waits")
		s.send("a").want(testSent, "Receive 1 waits")
		s.send("b").want(testSent, "Receive 2 waits")
		r1.close()
		r2.close()
		r1.close()
		r2.close()
		c := s.send("c")
		c.want(testWaits, "no receiver waits: a and b are left over, but a Send isn't done before a receiver has its own value")
		r3 := s.receive()
		r3.want(testGot("a"), "a was sent first, and its receiver was closed before it looked: a value that has been sent isn't lost")
		r3.close()
		s.receive().want(testGot("b"), "b was sent before c")
		r1.close()
		s.receive().want(testGot("c"), "c is next")
		s.receive().want(testWaits, "each value is received once")
	})
}

func TestClose(t *testing.T) {
	testTry(t, func(s *testScene) {
		a, b := s.send("a"), s.send("b")
		a.want(testWaits, "no receiver waits")
		b.want(testWaits, "no receiver waits")
		s.close()
		s.wantWoken("both wait, and neither will ever be received", a, b)
		s.close()
		s.wantWoken("it was closed already")
		closed := fmt.Sprint(ErrClosed, ", true")
		s.receive().want(testDone, "the channel is closed, and no value has been handed over")
		a.want(closed, "the channel was closed before a receiver came")
		b.want(closed, "the channel was closed before a receiver came")
		s.send("c").want(closed, "the channel is closed")
		s.receive().want(testDone, "the channel is closed")
	})
	testTry(t, func(s *testScene) {
		r1, r2 := s.receive(), s.receive()
		r1.want(testWaits, "no sender waits")
		r2.want(testWaits, "no sender waits")
		s.close()
		s.wantWoken("both wait, and nothing will ever come", r1, r2)
		r1.want(testDone, "the channel is closed")
		r2.want(testDone, "the channel is closed")
	})
}

func TestCloseAfterAHandOver(t *testing.T) {
	testTry(t, func(s *testScene) {
		r1 := s.receive()
		r1.want(testWaits, "no sender waits")
		s.send("a").want(testSent, "Receive 1 waits")
		b := s.send("b")
		b.want(testWaits, "no receiver waits")
		s.receive().want(testGot("b"), "a sender waits")
		s.close()
		r1.want(testGot("a"), "it was given a before the channel was closed: what has been sent arrives")
		b.want(testSent, "b was received before the channel was closed")
	})
	testTry(t, func(s *testScene) {
		r1 := s.receive()
		r1.want(testWaits, "no sender waits")
		s.send("a").want(testSent, "Receive 1 waits")
		s.close()
		r1.close()
		s.receive().want(testGot("a"), "Receive 1 was given a, and was closed after the channel was: a has been sent, so it isn't lost")
		s.receive().want(testDone, "the channel is closed, and nothing is left")
	})
}

func TestCloseWithALeftover(t *testing.T) {
	testTry(t, func(s *testScene) {
		r1 := s.receive()
		r1.want(testWaits, "no sender waits")
		s.send("a").want(testSent, "Receive 1 waits")
		r1.close()
		s.close()
		s.receive().want(testGot("a"), "a has been sent, its receiver was closed before it looked, and then the channel was closed: a still arrives")
		s.receive().want(testDone, "the channel is closed, and nothing is left")
	})
}

// A woken task does something at once, inside Wake.
func TestWokenTaskActsAtOnce(t *testing.T) {
	testTry(t, func(s *testScene) {
		r1 := s.receive()
		r1.want(testWaits, "no sender waits")
		r1.then = func() { s.note("and inside its Wake"); r1.want(testGot("a"), "it was woken, so the value is there") }
		s.send("a").want(testSent, "Receive 1 waits")
		a := s.send("b")
		a.want(testWaits, "no receiver waits")
		a.then = func() { s.note("and inside its Wake"); a.want(testSent, "it was woken, so its value has been taken") }
		s.receive().want(testGot("b"), "a sender waits")
	})
	testTry(t, func(s *testScene) {
		a, b := s.send("a"), s.send("b")
		a.want(testWaits, "no receiver waits")
		b.want(testWaits, "no receiver waits")
		a.then = func() { s.note("inside the Wake of Send a"); b.close(); s.c.Close() }
		s.close()
		if b.woken > 1 {
			s.Fatalf("%s: the waker of Send b was called %d times, want once at most", s.story(), b.woken)
		}
		a.want(fmt.Sprint(ErrClosed, ", true"), "the channel is closed")
	})
}

func TestWokenByCloseActsAtOnce(t *testing.T) {
	closed := fmt.Sprint(ErrClosed, ", true")
	testTry(t, func(s *testScene) {
		r1 := s.receive()
		r1.want(testWaits, "no sender waits")
		r1.then = func() {
			s.note("and inside its Wake")
			r1.want(testDone, "it was woken because the channel is closed")
			s.receive().want(testDone, "the channel is closed, and nothing would ever wake this one")
			s.send("b").want(closed, "the channel is closed, and nothing would ever wake this one")
		}
		s.close()
		s.wantWoken("it waited", r1)
	})
	testTry(t, func(s *testScene) {
		a := s.send("a")
		a.want(testWaits, "no receiver waits")
		a.then = func() {
			s.note("and inside its Wake")
			s.receive().want(testDone, "the channel is closed, and nothing would ever wake this one")
			s.send("b").want(closed, "the channel is closed, and nothing would ever wake this one")
		}
		s.close()
		a.want(closed, "the channel was closed before a receiver came")
	})
}
