package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

// serverOptions says what a server puts up with.
type serverOptions struct {
	Connections int           // at once; more of them wait in the kernel's backlog
	Idle        time.Duration // how long a connection may be silent before a request
	Read        time.Duration // how long a whole request may take, however it trickles in
	Write       time.Duration // for a whole reply to a client that reads slowly
	Grace       time.Duration // for the requests under way when the server drains
	Live        *live         // what the page shows; nil where it shows nothing
}

var defaultOptions = serverOptions{
	Connections: 20000, Idle: time.Minute, Read: 10 * time.Second, Write: 30 * time.Second, Grace: 10 * time.Second,
}

func serve(args []string, stdout, stderr io.Writer) (status int) {
	o := defaultOptions
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	addr := addressFlag(flags, "127.0.0.1:8080")
	above0(flags, "connections", &o.Connections, strconv.Atoi, "1000")
	above0(flags, "idle", &o.Idle, time.ParseDuration, "5s")
	above0(flags, "read", &o.Read, time.ParseDuration, "5s")
	above0(flags, "write", &o.Write, time.ParseDuration, "5s")
	above0(flags, "grace", &o.Grace, time.ParseDuration, "5s")
	if err := parse(flags, args, 0); err != nil {
		return misused(stderr, err)
	}
	// One thread does all the work. A second processor would help the garbage
	// collector, but cost a tenth to a third of the requests per second.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // sets 1 now and the old number at the end
	return withListener(stderr, *addr, func(rt *Runtime, l *Listener) error {
		if l.Addr().Addr().IsLoopback() { // on other addresses, strangers would see the figures and could start work
			o.Live = watch(rt)
		}
		err := runToEnd(rt, Async(func(co *Co) error { return serveUntilInterrupt(co, l, o, stdout, stderr) }))
		left := rt.Close()
		fmt.Fprintf(stdout, "drained: %d tasks, %d timers, %d descriptors\n", left.Tasks, left.Timers, left.Descriptors)
		return err
	})
}

// serveUntilInterrupt drains the server after a signal, or if it fails.
func serveUntilInterrupt(co *Co, l *Listener, o serverOptions, stdout, stderr io.Writer) error {
	interrupted, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop() // ends the goroutine below if there was no signal
	fmt.Fprintf(stdout, "listening on http://%s\n", l.Addr())
	s := newServer(co.cx, l, o)
	end := Await(co, Race(s.task, Blocking(func() error {
		<-interrupted.Done()
		stop() // so the second signal ends the process at once
		return nil
	})))
	if n := s.busy(); n > 0 {
		fmt.Fprintf(stdout, "draining, requests under way: %d; Ctrl-C again cuts them off\n", n)
	}
	if cut := Await(co, s.drain()); cut > 0 {
		fmt.Fprintf(stderr, "connections cut off after %v: %d\n", o.Grace, cut)
	}
	return cmp.Or(end.A.Err, end.A.Value)
}
