package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestTenThousandConnectionsAtOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a second or two")
	}
	noLeaks(t)
	mustEndWithin(t, time.Minute) // the race detector makes it slow
	r, err := NewReactor()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	const crowd = 10_000
	addr := startCrowdServer(t, crowd)
	var gets []*HTTPGet
	e, responses, full := NewExecutor(r), make([]Response, crowd), false
	for i := range responses {
		get := NewHTTPGet(addr, fmt.Sprint("/", i))
		gets = append(gets, get)
		Spawn(e, pollFunc[Response](func(cx *Context) (_ Response, ready bool) {
			if full { // the crowd will never be complete: nobody is answered
				Close(get)
				return Response{}, true
			}
			if responses[i], ready = get.Poll(cx); ready && responses[i].Err != nil {
				full = true
				for _, other := range gets {
					if other.cx != nil {
						other.cx.Waker().Wake()
					}
				}
			}
			return responses[i], ready
		}))
	}
	e.Run()
	for _, response := range responses {
		err := response.Err
		if (errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE)) && strings.Contains(err.Error(), "ulimit -n") {
			t.Skip(err) // it says which limit, and how to raise it
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for i, response := range responses {
		if want := fmt.Sprint("/", i); response.Status != 200 || response.Body != want {
			t.Fatalf("request %d of %d: got %d %q, want 200 %q", i+1, crowd, response.Status, response.Body, want)
		}
	}
}

func TestThousandTasksNeedAtMostFourPollsEach(t *testing.T) {
	r := openReactor(t)
	addr, stop, err := startDelayServer()
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	const tasks = 1000
	e, responses, polls := NewExecutor(r), make([]Response, tasks), make([]int, tasks)
	for i := range tasks {
		get := NewHTTPGet(addr, fmt.Sprintf("/%d/%d", i%100, i))
		Spawn(e, into[Response]{Counted[Response]{get, &polls[i]}, &responses[i]})
	}
	e.Run()
	for i, n := range polls {
		if want := fmt.Sprint(i); responses[i].Body != want {
			t.Fatalf("task %d: got %+v, want %s", i+1, responses[i], want)
		}
		if n > 4 {
			t.Errorf("task %d needed %d polls, want at most 4", i+1, n)
		}
	}
}
