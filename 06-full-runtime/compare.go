package main

import (
	_ "embed"
	"fmt"
	"math"
	"runtime"
	"strings"
	"time"
)

// relay_hand.go and relay_await.go are one function, written twice. What is
// shown and counted here is what has been compiled.

//go:embed relay_hand.go
var relayHandSource string

//go:embed relay_await.go
var relayAwaitSource string

var relays = []struct {
	name, source string
	make         func(in, out *Channel[int]) Future[int]
}{
	{"by hand", relayHandSource, func(in, out *Channel[int]) Future[int] { return &relayHand{in: in, out: out} }},
	{"Await", relayAwaitSource, relayAwait},
}

func compare(rt *Runtime) error {
	sideBySide(body(relays[0].source), body(relays[1].source))
	var costs []cost
	for _, r := range relays {
		sum, err := BlockOn(rt, relayed(rt, r.make))
		if err != nil {
			return err
		}
		c, err := BlockOn(rt, &priced{make: r.make})
		if err != nil {
			return err
		}
		fmt.Printf("%-9s sum %d, %2d lines, %5.1f ns a poll, %4d bytes while it waits\n",
			r.name, sum, codeLines(r.source), c.poll, c.bytes)
		costs = append(costs, c)
	}
	fmt.Printf("A switch to a coroutine and back is in each poll of the second: %.0f times the time.\n",
		costs[1].poll/costs[0].poll)
	return nil
}

// relayed sends 1 to 10 through a relay and yields their sum.
func relayed(rt *Runtime, relay func(in, out *Channel[int]) Future[int]) Future[int] {
	return Async(func(co *Co) int {
		in, out := NewChannel[int](1), NewChannel[int](1)
		sum := Spawn(rt, relay(in, out))
		for i := range 10 {
			Await(co, in.Send(i+1))
			Await(co, out.Receive())
		}
		in.Close()
		return Await(co, sum).Value
	})
}

// cost is what a future costs that waits.
type cost struct {
	poll  float64 // ns
	bytes int
}

// priced is a future that measures others, which wait for a value that never
// comes.
type priced struct {
	make func(in, out *Channel[int]) Future[int]
}

func (p *priced) Poll(cx *Context) (c cost, ready bool) {
	const waiting, polls = 5000, 100_000
	relays := make([]Future[int], waiting)
	before := memory()
	for i := range relays {
		relays[i] = p.make(NewChannel[int](1), nil)
		relays[i].Poll(cx)
	}
	c.bytes = int(memory()-before) / waiting
	c.poll = math.Inf(1)
	for range 5 { // the shortest: what else the machine does only adds to it
		start := time.Now()
		for range polls / 5 {
			relays[0].Poll(cx)
		}
		c.poll = min(c.poll, float64(time.Since(start))/(polls/5))
	}
	for _, r := range relays {
		Close(r)
	}
	return c, true
}

// memory collects twice: what is in a sync.Pool survives the first time.
func memory() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}

// body returns the lines of a file below its package clause.
func body(source string) []string {
	_, text, _ := strings.Cut(strings.ReplaceAll(source, "\t", "  "), "\n\n")
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// codeLines counts those with neither a comment alone nor nothing on them.
func codeLines(source string) (n int) {
	for _, line := range body(source) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
			n++
		}
	}
	return n
}

func sideBySide(left, right []string) {
	for i := range max(len(left), len(right)) {
		l, r := "", ""
		if i < len(left) {
			l = left[i]
		}
		if i < len(right) {
			r = right[i]
		}
		fmt.Println(strings.TrimRight(fmt.Sprintf("  %-52s %s", l, r), " "))
	}
}
