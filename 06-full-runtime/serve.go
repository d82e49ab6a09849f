package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"
)

// serverOptions says what a server puts up with.
type serverOptions struct {
	Connections int           // at once; more of them wait in the kernel's backlog
	Idle        time.Duration // without a byte, between two requests
	Read        time.Duration // for a whole request, however slowly it trickles in
	Write       time.Duration // for a whole reply to a client that reads slowly
	Grace       time.Duration // for the requests under way when the server drains
	Counts      *counts       // of what the runtime does, or nil
}

var defaultOptions = serverOptions{
	Connections: 20000,
	Idle:        time.Minute,
	Read:        10 * time.Second,
	Write:       30 * time.Second,
	Grace:       10 * time.Second,
}

func serve(args []string, stdout, stderr io.Writer) (status int) {
	o := defaultOptions
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	at := flags.String("addr", "127.0.0.1:8080", "")
	flags.IntVar(&o.Connections, "connections", o.Connections, "")
	duration(flags, "idle", &o.Idle)
	duration(flags, "read", &o.Read)
	duration(flags, "write", &o.Write)
	duration(flags, "grace", &o.Grace)
	if status, ok := parse(flags, args, 0, stdout, stderr); !ok {
		return status
	}
	if o.Connections < 1 {
		return misused(stderr, errors.New("-connections must be at least 1"))
	}
	addr, err := resolve(*at)
	if err != nil {
		return misused(stderr, err)
	}
	if os.Getenv("GOMAXPROCS") == "" {
		// One thread does all the work. A second processor would help the garbage
		// collector, but it would cost a tenth to a third of the requests.
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	}
	return withRuntime(stderr, func(rt *Runtime) error {
		o.Counts = watch(rt)
		l, err := listenAt(rt, addr)
		if err != nil {
			return err
		}
		cut, err := serveUntilInterrupt(rt, l, o, stdout)
		if cut > 0 {
			fmt.Fprintf(stderr, "cut off after %v: %d of the connections\n", o.Grace, cut)
		}
		left := rt.Close()
		fmt.Fprintf(stdout, "drained: %d tasks, %d timers, %d descriptors\n", left.Tasks, left.Timers, left.Descriptors)
		return err
	})
}

// serveUntilInterrupt drains the server after a signal, or if it fails.
func serveUntilInterrupt(rt *Runtime, l *Listener, o serverOptions, stdout io.Writer) (cut int, err error) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM) // from now on a signal doesn't end the process
	defer func() {
		signal.Stop(signals)
		close(signals) // ends the goroutine below if there was no signal
	}()
	fmt.Fprintf(stdout, "listening on http://%s\n", l.Addr())
	failure, err := BlockOn(rt, Async(func(co *Co) error {
		s := newServer(co.cx, l, o)
		end := Await(co, Race(s.task, Blocking(func() struct{} {
			<-signals
			signal.Stop(signals) // so the second signal ends the process at once
			return struct{}{}
		})))
		text, busy := "", s.busy()
		if busy == 1 {
			text = "draining: 1 request under way; Ctrl-C again cuts it off\n"
		} else if busy > 1 {
			text = fmt.Sprintf("draining: %d requests under way; Ctrl-C again cuts them off\n", busy)
		}
		printed := Spawn(co.cx, Blocking(func() error {
			_, err := io.WriteString(stdout, text)
			return err
		}))
		cut = Await(co, s.drain())
		Await(co, printed)
		return errors.Join(end.A.Value, end.A.Err)
	}))
	return cut, errors.Join(err, failure)
}
