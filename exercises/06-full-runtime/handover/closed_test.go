package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

// However many have left the queue, and wherever they were in it.
func TestManyThatAreClosed(t *testing.T) {
	for _, n := range []int{1, 2, 3, 10, 300} {
		what := fmt.Sprintf("%d that had come before it, and %[1]d behind it, are closed", n)
		testTry(t, func(s *testScene) {
			var closed []*testTask
			wait := func() {
				for range n {
					r := s.receive()
					r.want(testWaits, "no sender waits")
					closed = append(closed, r)
				}
			}
			wait()
			one := s.receive()
			one.want(testWaits, "no sender waits")
			wait()
			two := s.receive()
			two.want(testWaits, "no sender waits")
			for _, r := range closed {
				r.close()
			}
			s.send("a").want(testSent, "a receiver waits, and "+what)
			s.wantWoken("a receiver waits, and "+what, one)
			s.send("b").want(testSent, "another one waits, and all between the two are closed")
			s.wantWoken("another one waits, and all between the two are closed", two)
			one.want(testGot("a"), "that's what it was given")
			two.want(testGot("b"), "that's what it was given")
			s.send("c").want(testWaits, "no receiver waits: all are closed, or have their value")
		})
		testTry(t, func(s *testScene) {
			var closed []*testTask
			wait := func() {
				for range n {
					w := s.send("closed")
					w.want(testWaits, "no receiver waits")
					closed = append(closed, w)
				}
			}
			wait()
			one := s.send("a")
			one.want(testWaits, "no receiver waits")
			wait()
			two := s.send("b")
			two.want(testWaits, "no receiver waits")
			for _, w := range closed {
				w.close()
			}
			s.receive().want(testGot("a"), "a sender waits, and "+what)
			s.wantWoken("a sender waits, and "+what, one)
			s.receive().want(testGot("b"), "another one waits, and all between the two are closed")
			s.wantWoken("another one waits, and all between the two are closed", two)
			s.receive().want(testWaits, "all senders are closed, or have sent their value")
		})
	}
}

// The task polls often, for whatever reason, before another one comes.
func TestManyPolls(t *testing.T) {
	testTry(t, func(s *testScene) {
		r := s.receive()
		for range 1500 {
			r.want(testWaits, "no sender waits, however often it's polled")
		}
		s.send("a").want(testSent, "a receiver waits")
		s.wantWoken("it was given a value", r)
		r.want(testGot("a"), "that's what it was given")
		w := s.send("b")
		for range 1500 {
			w.want(testWaits, "no receiver waits, however often it's polled")
		}
		s.receive().want(testGot("b"), "a sender waits")
		s.wantWoken("its value was taken", w)
		w.want(testSent, "a receiver has the value")
	})
}

// A value may be empty, and equal to another one.
func TestEmptyAndEqualValues(t *testing.T) {
	values := []string{"", "tea", "tea", "", ""}
	testTry(t, func(s *testScene) {
		for _, v := range values {
			s.send(v).want(testWaits, "no receiver waits")
		}
		for _, v := range values {
			s.receive().want(testGot(v), "a value may be empty, or the same as another one")
		}
		s.receive().want(testWaits, "each value is received once")
	})
	testTry(t, func(s *testScene) {
		first, second, third := s.send("tea"), s.send("tea"), s.send("tea")
		first.want(testWaits, "no receiver waits")
		second.want(testWaits, "no receiver waits")
		third.want(testWaits, "no receiver waits")
		second.close()
		s.receive().want(testGot("tea"), "a sender waits")
		s.wantWoken("three senders of equal values waited, and the second was closed", first)
		s.receive().want(testGot("tea"), "another one waits")
		s.wantWoken("three senders of equal values waited, and the second was closed", third)
		s.receive().want(testWaits, "the second sender was closed")
	})
	testTry(t, func(s *testScene) {
		var receivers []*testTask
		for range values {
			r := s.receive()
			r.want(testWaits, "no sender waits")
			receivers = append(receivers, r)
		}
		for _, v := range values {
			s.send(v).want(testSent, "a receiver waits")
		}
		for _, r := range receivers {
			r.close()
		}
		for _, v := range values {
			s.receive().want(testGot(v), "it was given to a receiver that was closed before it looked; a value may be empty, or the same as another one")
		}
		s.receive().want(testWaits, "each value is received once")
	})
}

// Three wait, and one of them leaves the queue inside its Wake.
func TestCloseWakesTheOthersToo(t *testing.T) {
	try := func(s *testScene, which int, closes bool, answer string, wait func() *testTask) {
		waiting := []*testTask{wait(), wait(), wait()}
		for _, w := range waiting {
			w.want(testWaits, "there's nothing for it yet")
		}
		one := waiting[which]
		one.then = func() {
			s.note("and inside its Wake")
			if closes {
				one.close()
			} else {
				one.want(answer, "it was woken because the channel is closed")
			}
		}
		s.close()
		s.wantWoken("three waited when the channel was closed, and one has left the queue inside its own Wake. The other two have to be woken all the same", waiting...)
	}
	for i := range 6 {
		testTry(t, func(s *testScene) { try(s, i/2, i%2 == 1, testDone, s.receive) })
		testTry(t, func(s *testScene) {
			try(s, i/2, i%2 == 1, fmt.Sprint(ErrClosed, ", true"), func() *testTask { return s.send(fmt.Sprint(len(s.tasks) + 1)) })
		})
	}
}

// In a Channel[any], nil can be sent like everything else.
func TestNilIsAValue(t *testing.T) {
	testTry(t, func(s *testScene) {
		const look = "nil is a value, too, and it has been sent"
		cx := &Context{waker: new(testTask)}
		c := NewChannel[any]()
		r1, r2 := c.Receive(), c.Receive()
		r1.Poll(cx)
		if err, ready := c.Send(nil).Poll(cx); err != nil || !ready {
			s.Fatalf("a Receive of a Channel[any] waits, and Send(nil) is polled: that Poll returned %v, %t, want <nil>, true: a receiver waits", err, ready)
		}
		if got, ready := r1.Poll(cx); !ready || !got.OK || got.Value != nil {
			s.Fatalf("a Receive of a Channel[any] waits, Send(nil) is ready, and the Receive is polled: that Poll returned %v, %t, want {<nil> true}, true: %s", got, ready, look)
		}
		r2.Poll(cx)
		c.Send(nil).Poll(cx)
		Close(r2)
		if got, ready := c.Receive().Poll(cx); !ready || !got.OK || got.Value != nil {
			s.Fatalf("a Receive of a Channel[any] was given nil, and was closed before it looked. Another Receive is polled: that Poll returned %v, %t, want {<nil> true}, true: %s", got, ready, look)
		}
		c.Send(nil).Poll(cx)
		if got, ready := c.Receive().Poll(cx); !ready || !got.OK || got.Value != nil {
			s.Fatalf("a Send(nil) of a Channel[any] waits, and a Receive is polled: that Poll returned %v, %t, want {<nil> true}, true: %s", got, ready, look)
		}
	})
}

// Whatever is closed meanwhile: what was sent is received, once.
func TestNothingIsLost(t *testing.T) {
	r := check.Random(t)
	testTry(t, func(s *testScene) {
		sent, got := map[string]bool{}, map[string]bool{}
		var open, over []*testTask
		look := func(w *testTask, answer string) {
			v, isSend := strings.CutPrefix(w.name, "Send ")
			switch {
			case answer == testWaits:
				open = append(open, w)
			case isSend:
				sent[v] = true
			default:
				v = strings.Split(answer, `"`)[1]
				if got[v] {
					s.Fatalf("%s: %q was received twice", s.story(), v)
				}
				got[v] = true
			}
		}
		for i := range 2000 {
			var w *testTask
			switch n := r.IntN(4); {
			case n == 0:
				w = s.send(fmt.Sprint(i))
			case n == 1:
				w = s.receive()
			case len(open) == 0:
				continue
			default:
				k := r.IntN(len(open))
				w = open[k]
				open = slices.Delete(open, k, k+1)
				if n == 2 {
					w.close()
					over = append(over, w)
					continue
				}
			}
			s.note("%s is polled", w.name)
			answer := w.poll(w)
			look(w, answer)
			if answer != testWaits {
				over = append(over, w)
			}
			if len(over) > 0 && r.IntN(4) == 0 { // again, or though it has finished
				over[len(over)-1-r.IntN(min(len(over), 20))].close()
			}
			if len(s.tasks) > 60 {
				s.tasks = s.tasks[30:]
			}
		}
		for _, w := range open {
			if strings.HasPrefix(w.name, "Receive") {
				look(w, w.poll(w))
			}
		}
		for range len(sent) + 10 {
			w := s.receive()
			if a := w.poll(w); a != testWaits {
				look(w, a)
			}
		}
		for v := range sent {
			if !got[v] {
				s.Fatalf("2,000 random steps: Send of %q was ready with nil, and no Receive ever yields it: whose hands was it in?", v)
			}
		}
	})
}
