package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
)

// demonstrate shows one thing after another, all on the same runtime.
func demonstrate(rt *Runtime) error {
	addr, stop, err := startDelayServer()
	if err != nil {
		return err
	}
	defer stop()
	for _, part := range []struct {
		about string
		show  func(rt *Runtime) error
	}{
		{"One task, step by step:", narrate},
		{"\nTen requests, then a thousand, each a task of its own:",
			func(rt *Runtime) error { return requests(rt, addr) }},
		{"\nOne future, written by hand and with Await:", compare},
		{"\nA server of our own is drained:", drained},
	} {
		fmt.Println(part.about)
		if err := part.show(rt); err != nil {
			return err
		}
	}
	return nil
}

// requests also counts how often the executor sleeps: in chapter 05 it does,
// and the reactor's thread does too.
func requests(rt *Runtime, addr netip.AddrPort) (err error) {
	parks := 0
	rt.Trace.Park = func() { parks++ }
	defer func() { rt.Trace = Trace{} }()
	for _, n := range []int{10, 1000} {
		parks = 0
		failed := scoreboard(addr, n, func(gets []Future[Response]) (responses []Response) {
			responses, err = BlockOn(rt, spawnAll(rt, gets))
			return append(responses, make([]Response, n-len(responses))...)
		})
		if err = errors.Join(err, failed); err != nil {
			return err
		}
		fmt.Printf("  the executor slept %d times\n", parks)
	}
	fmt.Println("It sleeps inside the kernel's queue. In chapter 05 a thread of the reactor sleeps there, and")
	fmt.Println("wakes the executor's thread for each event: two switches where there is one now. Ten requests")
	fmt.Println("hide that behind the switches of the delay server; compare a thousand: go run ./05-executor")
	return nil
}

// spawnAll makes every request a task.
func spawnAll(rt *Runtime, gets []Future[Response]) Future[[]Response] {
	return Async(func(co *Co) (responses []Response) {
		var handles []*JoinHandle[Response]
		for _, get := range gets {
			handles = append(handles, Spawn(rt, get))
		}
		for _, h := range handles {
			got := Await(co, h)
			responses = append(responses, got.Value)
		}
		return responses
	})
}

// drained stops a server while it has a request to answer.
func drained(rt *Runtime) error {
	l, err := Listen(rt, netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		return err
	}
	s := newServer(rt, l, defaultOptions)
	failure, err := BlockOn(rt, Async(func(co *Co) error { return stopBusy(co, s, l.Addr()) }))
	if err = errors.Join(err, failure); err != nil {
		return err
	}
	r := rt.Close()
	fmt.Printf("What is left: %d tasks, %d timers, %d descriptors\n", r.Tasks, r.Timers, r.Descriptors)
	return nil
}

// stopBusy sends two requests at once. When the first has been answered, the
// second is sure to have arrived. Then it stops the server.
func stopBusy(co *Co, s *server, addr netip.AddrPort) error {
	dialed := Await(co, Dial(addr))
	if dialed.Err != nil {
		return dialed.Err
	}
	conn := co.Conn(dialed.Value)
	defer conn.Close()
	fmt.Fprintf(conn, "GET /0/first HTTP/1.1\r\nHost: %s\r\n\r\nGET /100/second HTTP/1.1\r\nHost: %[1]s\r\n\r\n", addr)
	replies := bufio.NewReader(conn)
	if err := show(replies); err != nil {
		return err
	}
	fmt.Println("  it is told to stop, with a request under way")
	stopped := Spawn(s.runtime, s.drain())
	err := show(replies)
	conn.Close()
	fmt.Printf("  it has stopped, and cut off %d connections\n", Await(co, stopped).Value)
	return err
}

// show reads a reply with net/http, which does not know that it runs on our
// runtime.
func show(r *bufio.Reader) error {
	reply, err := http.ReadResponse(r, nil)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(reply.Body)
	fmt.Printf("  reply: %d %s\n", reply.StatusCode, body)
	return err
}
