package main

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// beside runs a fetch, and a request beside it that must not notice.
func beside(t *testing.T, fetch Future[Fetched], over <-chan struct{}) Fetched {
	t.Helper()
	rt := openRuntime(t)
	h, other := Spawn(rt, fetch), Spawn(rt, neighbor(t, over))
	got := blockOn(t, rt, h)
	checkFault(t, Response{Status: 200, Body: "hello"}, "", blockOn(t, rt, other).Value)
	if got.Err != nil {
		t.Fatal(got.Err)
	}
	return got.Value
}

// inTime is a fetch that is given up, which is an error of it.
func inTime(f *Fetch, d time.Duration) Future[Fetched] {
	return Async(func(co *Co) Fetched {
		got := Await(co, Timeout(f, d))
		if got.Err != nil {
			return Fetched{Err: got.Err}
		}
		return got.Value
	})
}

func closed() <-chan struct{} {
	over := make(chan struct{})
	close(over)
	return over
}

// Properties 10, 11 and 12: as HTTPGet, by what get is made of.
func TestFaultOfOnePeerIsErrorOfOneFetch(t *testing.T) {
	for _, fault := range faults {
		t.Run(fault.name, func(t *testing.T) {
			noLeaks(t)
			over := make(chan struct{})
			got := beside(t, newFetch("/", startPeer(t, func(c *net.TCPConn) {
				defer close(over)
				fault.play(c)
				c.Close()
			})), over)
			if fault.err != "" {
				_, cause, _ := strings.Cut(fault.err, ": ") // before that stands what a state of HTTPGet is called
				checkFault(t, Response{}, cause, Response{Err: got.Err})
			} else if got.Err != nil || got.Status != fault.want.Status || got.Bytes != len(fault.want.Body) {
				t.Errorf("got %+v, want %+v", got, fault.want)
			}
		})
	}
}

// Property 12.
func TestRefusedConnectIsErrorOfOneFetch(t *testing.T) {
	noLeaks(t)
	_, addr := bound(t)
	got := beside(t, newFetch("/", addr), closed())
	checkFault(t, Response{}, `^dial `+addr.String()+`: connection refused$`, Response{Err: got.Err})
}

// Properties 7 and 36.
func TestFetchWhoseConnectHangsIsGivenUp(t *testing.T) {
	noLeaks(t)
	if got := beside(t, inTime(newFetch("/", fullBacklog(t)), 20*time.Millisecond), closed()); got.Err != ErrTimeout {
		t.Errorf("got %+v, want %v", got, ErrTimeout)
	}
}

// Property 36.
func TestFetchFromServerThatNeverAnswersIsGivenUp(t *testing.T) {
	noLeaks(t)
	silent := startPeer(t, func(c *net.TCPConn) { untilClosed(c) })
	if got := beside(t, inTime(newFetch("/", silent), 20*time.Millisecond), closed()); got.Err != ErrTimeout {
		t.Errorf("got %+v, want %v", got, ErrTimeout)
	}
}

// Property 8.
func TestFetchWhosePeerDoesNotReadHoldsUpNobody(t *testing.T) {
	noLeaks(t)
	path := "/" + strings.Repeat("x", 8<<20) // more than both sockets buffer
	otherIsOver := make(chan struct{})
	stubborn := startPeer(t, func(c *net.TCPConn) {
		<-otherIsOver
		if strings.Contains(readRequest(c), path) {
			io.WriteString(c, hello)
		}
	})
	rt := openRuntime(t)
	h := Spawn(rt, newFetch(path, stubborn))
	checkFault(t, Response{Status: 200, Body: "hello"}, "", blockOn(t, rt, neighbor(t, closed())))
	close(otherIsOver)
	if got := blockOn(t, rt, h).Value; got.Err != nil || got.Bytes != len("hello") {
		t.Errorf("got %+v, want 5 bytes", got)
	}
}
