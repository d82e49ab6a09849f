package main

import (
	"embed"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"strings"
	"time"
)

// demonstrate shows one thing after another, all on the same runtime.
func demonstrate(rt *Runtime) error {
	err := errors.Join(narrate(rt), requests(rt), compare(rt), drained(rt))
	left := rt.Close()
	fmt.Printf("%d tasks, %d timers, %d descriptors\n", left.Tasks, left.Timers, left.Descriptors)
	return err
}

func logf(actor, format string, args ...any) {
	fmt.Printf("  %-9s %s\n", actor, fmt.Sprintf(format, args...))
}

// narrate runs a task that waits twice: for a timer, and for a goroutine.
func narrate(rt *Runtime) error {
	fmt.Println("One task, step by step:")
	defer func() { rt.Trace = Trace{} }()
	parked := make(chan struct{}, 1)
	rt.Trace = Trace{
		Poll:  func(t *Task) { logf("executor", "polls task %d", t.ID) },
		Woken: func(t *Task) { logf("", "task %d is woken, and queued", t.ID) },
		End:   func(t *Task) { logf("executor", "task %d is ready", t.ID) },
		Timer: func() { logf("executor", "a timer is due") },
		Park: func() {
			logf("executor", "parks in the kernel: its queue is empty")
			select {
			case parked <- struct{}{}:
			default: // a signal has ended the last park, whose token is still here
			}
		},
		Unpark: func() { logf("executor", "unparks") },
	}
	_, err := BlockOn(rt, Async(func(co *Co) struct{} {
		logf("task", "sleeps for 10 ms: a timer limits how long the executor parks")
		Await(co, Sleep(10*time.Millisecond))
		<-parked // the token of the first park is there, so this doesn't block
		logf("task", "calls something that blocks, on a goroutine of its own")
		return Await(co, Blocking(func() struct{} {
			<-parked // so the order is the same every time
			logf("goroutine", "returns, and wakes the task: that rings the parked executor's bell")
			return struct{}{}
		}))
	}))
	return err
}

// requests makes one group of all requests, which would end with the first error.
func requests(rt *Runtime) error {
	fmt.Println("\nTen requests, then a thousand, each one a task of a group:")
	addr, stop := startDelayServer()
	defer stop()
	for _, n := range []int{10, 1000} {
		runWorkload(addr, n, func(gets []Future[Response]) (responses []Response) {
			check(runToEnd(rt, Async(func(co *Co) error {
				group := NewGroup(co.cx)
				defer group.Close()
				for _, get := range gets {
					group.Go(Async(func(co *Co) error {
						r := Await(co, get)
						responses = append(responses, r)
						return r.Err
					}))
				}
				return Await(co, group.Wait())
			})))
			return responses
		})
	}
	return nil
}

//go:embed relay_hand.go relay_await.go
var relays embed.FS

func compare(rt *Runtime) error {
	fmt.Println("\nOne future, by hand and with Await:")
	return runToEnd(rt, Async(func(co *Co) error {
		price(co, "relay_hand.go", RelayHand)
		price(co, "relay_await.go", RelayAwait)
		return nil
	}))
}

// price measures relays that wait for a value that never comes: a poll, and their memory.
func price(co *Co, file string, relay func(in, out *Channel[int]) Future[int]) {
	const waiting, polls = 5000, 100_000
	futures := make([]Future[int], waiting)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range futures {
		futures[i] = relay(NewChannel[int](1), nil)
		futures[i].Poll(co.cx)
	}
	runtime.ReadMemStats(&after) // TotalAlloc: all that was ever allocated on the heap; StackInuse: stacks now
	bytes := int(after.TotalAlloc+after.StackInuse-before.TotalAlloc-before.StackInuse) / waiting
	start := time.Now()
	for range polls {
		futures[0].Poll(co.cx)
	}
	poll := float64(time.Since(start)) / polls
	Close(JoinAll(futures...))
	source, _ := relays.ReadFile(file)
	fmt.Printf("  %-15s%d lines, %5.1f ns a poll, %4d bytes while it waits\n",
		file, strings.Count(string(source), "\n"), poll, bytes)
}

// drained stops a server that has a request to answer.
func drained(rt *Runtime) error {
	fmt.Println("\nCtrl-C in the middle of a request:")
	l, err := Listen(rt, netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		return err
	}
	return runToEnd(rt, Async(func(co *Co) error {
		s := newServer(co.cx, l, defaultOptions)
		request := Spawn(co.cx, HTTPGet(l.Addr(), "/100/later"))
		for tries := 0; s.busy() == 0 && tries < 1000; tries++ {
			Await(co, Sleep(time.Millisecond))
		}
		fmt.Printf("  the server drains, with %d request under way\n", s.busy())
		drain := Spawn(co.cx, s.drain())
		got := Await(co, request).Value
		cut := Await(co, drain).Value
		fmt.Printf("  it was answered: %d %s; %d connections were cut off\n", got.Status, got.Body, cut)
		return got.Err
	}))
}
