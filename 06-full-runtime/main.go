// Command 06-full-runtime is a runtime that one could use.
package main

import (
	"fmt"
	"os"
	"time"
)

func main() {
	rt, err := NewRuntime()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	addr, stop, _ := startDelayServer()
	defer stop()
	if err := scoreboard(addr, 10, func(gets []Future[Response]) []Response {
		rs, err := BlockOn(rt, JoinAll(gets...))
		if err != nil {
			panic(err)
		}
		return rs
	}); err != nil {
		panic(err)
	}
	v, err := BlockOn(rt, Async(func(co *Co) int {
		start := time.Now()
		h := Spawn(rt, Async(func(co *Co) string { Await(co, NewSleep(100*time.Millisecond)); return "x" }))
		h2 := Spawn(rt, Async(func(co *Co) string { panic("boom") }))
		fmt.Println(Await(co, h), time.Since(start), Await(co, h2).Err)
		t := Await(co, Timeout(NewSleep(time.Second), 20*time.Millisecond))
		fmt.Println(t.Err)
		fmt.Println(Await(co, Blocking(func() int { return 7 })))
		return 42
	}))
	fmt.Println(v, err)
	_, err = BlockOn(rt, NewChannel[int](1).Receive())
	fmt.Println(err)
	fmt.Printf("%+v\n", rt.Close())
}
