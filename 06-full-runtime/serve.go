package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
)

func serve(args []string, stdout, stderr io.Writer) (status int) {
	o := defaultOptions
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	at := flags.String("addr", "127.0.0.1:8080", "")
	flags.IntVar(&o.Connections, "connections", o.Connections, "")
	flags.DurationVar(&o.Idle, "idle", o.Idle, "")
	flags.DurationVar(&o.Read, "read", o.Read, "")
	flags.DurationVar(&o.Write, "write", o.Write, "")
	flags.DurationVar(&o.Grace, "grace", o.Grace, "")
	if status, ok := parse(flags, args, 0, stderr); !ok {
		return status
	}
	if o.Connections < 1 || min(o.Idle, o.Read, o.Write) <= 0 || o.Grace < 0 {
		return misused(stderr, errors.New("serve needs a connection, and time for it"))
	}
	addr, err := resolve(*at)
	if err != nil {
		return misused(stderr, err)
	}
	if os.Getenv("GOMAXPROCS") == "" {
		// One thread does all there is to do. A second processor would help the
		// garbage collector, and cost more: a tenth to a third of the requests.
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	}
	return withRuntime(stderr, func(rt *Runtime) error {
		o.Counts = watch(rt)
		l, err := Listen(rt, addr)
		if err != nil {
			return err
		}
		interrupt := newInterrupt() // from here on one is not the end of the process
		fmt.Fprintf(stdout, "listening on http://%s\n", l.Addr())
		cut, err := serveUntil(rt, newServer(rt, l, o), interrupt)
		if cut > 0 {
			fmt.Fprintf(stderr, "cut off after %v: %d of the connections\n", o.Grace, cut)
		}
		return errors.Join(err, report(rt.Close(), stdout))
	})
}

// report says what a closed runtime still has. That must be nothing.
func report(left Report, stdout io.Writer) error {
	fmt.Fprintf(stdout, "drained: %d tasks, %d timers, %d descriptors\n", left.Tasks, left.Timers, left.Descriptors)
	if left != (Report{}) {
		return errors.New("something was left")
	}
	return nil
}

// serveUntil drains the server when there is an interrupt.
func serveUntil(rt *Runtime, s *server, interrupt *Interrupt) (cut int, err error) {
	failure, err := BlockOn(rt, Async(func(co *Co) error {
		end := Await(co, Race(interrupt, s.task))
		cut = Await(co, s.drain())
		return errors.Join(end.B.Value, end.B.Err)
	}))
	return cut, errors.Join(err, failure)
}

// Interrupt is a future that is ready when the process is asked to end.
type Interrupt struct {
	signals chan os.Signal
	stop    sync.Once

	mu      sync.Mutex
	arrived bool  // guarded by mu
	waker   Waker // guarded by mu: of the latest poll
}

func newInterrupt() *Interrupt {
	i := &Interrupt{signals: make(chan os.Signal, 1)}
	signal.Notify(i.signals, os.Interrupt, syscall.SIGTERM)
	go i.wait()
	return i
}

// wait is what a future cannot do. Its goroutine ends with the first signal,
// after which a second one does what it would have done without us: it ends
// the process at once.
func (i *Interrupt) wait() {
	_, ok := <-i.signals
	signal.Stop(i.signals)
	i.mu.Lock()
	i.arrived = ok
	w := i.waker
	i.mu.Unlock()
	if ok && w != nil {
		w.Wake()
	}
}

func (i *Interrupt) Poll(cx *Context) (struct{}, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.waker = cx.Waker()
	return struct{}{}, i.arrived
}

// Close stops waiting.
func (i *Interrupt) Close() error {
	i.stop.Do(func() {
		signal.Stop(i.signals)
		close(i.signals) // nobody sends any more
	})
	return nil
}
