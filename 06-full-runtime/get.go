package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"
)

func get(args []string, stdout, stderr io.Writer) (status int) {
	flags := flag.NewFlagSet("get", flag.ContinueOnError)
	n := flags.Int("n", 0, "")
	timeout := flags.Duration("timeout", time.Minute, "")
	if status, ok := parse(flags, args, len(args), stderr); !ok {
		return status
	}
	counts := false
	flags.Visit(func(f *flag.Flag) { counts = counts || f.Name == "n" })
	switch {
	case counts && *n < 1:
		return misused(stderr, errCount)
	case *timeout <= 0:
		return misused(stderr, errors.New("-timeout must be more than 0"))
	case flags.NArg() == 0:
		return misused(stderr, errors.New("get needs a URL"))
	}
	fails := 0
	status = withRuntime(stderr, func(rt *Runtime) (err error) {
		g := newGetter(rt, flags.Args(), max(*n, 1), *timeout)
		fails, err = BlockOn(rt, Async(func(co *Co) int {
			if counts {
				return g.count(co, stdout, stderr)
			}
			return g.list(co, stdout, stderr)
		}))
		return err
	})
	if fails > 0 {
		status = 1
	}
	return status
}

// list prints a line for every URL, in the order of the arguments, and a total.
func (g *getter) list(co *Co, stdout, stderr io.Writer) (fails int) {
	bytes := 0
	g.fetch(co, func(url string, r Fetched) {
		if r.Err != nil {
			failed(stderr, r.Err)
			fails++
			return
		}
		bytes += r.Bytes
		fmt.Fprintf(stdout, "%d %8d bytes %7v  %s\n", r.Status, r.Bytes, g.since(r.At), url)
	})
	fmt.Fprintf(stdout, "%d of %d replies, %d bytes, %v\n", len(g.jobs)-fails, len(g.jobs), bytes, g.since(time.Now()))
	return fails
}

func (g *getter) since(t time.Time) time.Duration { return t.Sub(g.watch.wall).Round(time.Millisecond) }

// count prints how many have succeeded, with status 200 and a body, and what
// that took. Failures that are the same make one line.
func (g *getter) count(co *Co, stdout, stderr io.Writer) (fails int) {
	ok, failures := 0, make(map[string]int)
	g.fetch(co, func(url string, r Fetched) {
		switch {
		case r.Err != nil:
			failures[r.Err.Error()]++
		case r.Status != 200:
			failures[fmt.Sprintf("GET %s: status %d", url, r.Status)]++
		case r.Bytes == 0:
			failures[fmt.Sprintf("GET %s: no body", url)]++
		default:
			ok++
		}
	})
	n := g.copies * len(g.jobs)
	for _, failure := range slices.Sorted(maps.Keys(failures)) {
		failed(stderr, fmt.Errorf("%s (%d of %d)", failure, failures[failure], n))
	}
	fmt.Fprintf(stdout, "GET ok=%d fail=%d\n", ok, n-ok)
	g.watch.result(stdout, "get", n)
	return n - ok
}
