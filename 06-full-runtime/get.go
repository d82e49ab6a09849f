package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"runtime/debug"
	"slices"
	"strconv"
	"time"
)

// job is one URL, and what is known so far about the requests for it.
type job struct {
	url      string
	copies   int  // how many requests
	strict   bool // only status 200 with a body is a success
	ended    int  // requests that have ended
	failures map[string]int
	bytes    int64     // of all bodies
	status   int       // of the latest reply
	at       time.Time // when the latest one ended
}

func get(args []string, stdout, stderr io.Writer) (status int) {
	start, n, timeout := time.Now(), 0, time.Minute
	flags := flag.NewFlagSet("get", flag.ContinueOnError)
	above0(flags, "n", &n, strconv.Atoi, "100")
	above0(flags, "timeout", &timeout, time.ParseDuration, "5s")
	if err := parse(flags, args, len(args)); err != nil {
		return misused(stderr, err)
	}
	if flags.NArg() == 0 {
		return misused(stderr, errors.New("get needs a URL"))
	}
	var jobs []*job
	for _, u := range flags.Args() {
		jobs = append(jobs, &job{url: u, copies: max(n, 1), strict: n > 0, failures: make(map[string]int)})
	}
	// The heap is small, so collecting it often costs some 3 % of the time, and saves a fifth of the memory.
	defer debug.SetGCPercent(debug.SetGCPercent(20)) // sets 20 now and the old number at the end
	if status := withRuntime(stderr, func(rt *Runtime) error {
		return runToEnd(rt, Async(func(co *Co) error { return fetchAll(co, jobs, timeout) }))
	}); status != 0 {
		return status
	}
	// Nothing has been printed yet: a pipe that is read slowly would have held up
	// the runtime's goroutine, and every request with it.
	return printJobs(jobs, start, stdout, stderr)
}

// fetchAll gives every request to one group, so whatever isn't complete in time
// is closed with the group.
func fetchAll(co *Co, jobs []*job, timeout time.Duration) error {
	group := NewGroup(co.cx)
	defer group.Close()
	for _, j := range jobs {
		group.Go(Async(func(co *Co) error {
			t := lookUp(co, j.url)
			for i := range j.copies {
				if i%10 == 9 {
					Await(co, Yield()) // so the first requests are sent before the last ones exist
				}
				group.Go(&fetch{httpGet{target: t}, j})
			}
			return nil
		}))
	}
	all := Await(co, Timeout(group.Wait(), timeout))
	for _, j := range jobs {
		if late := j.copies - j.ended; late > 0 {
			j.fail(fmt.Errorf("no complete reply within %v", timeout), late)
		}
	}
	return all.Value // a panic; a timeout has been counted above
}

// fetch is one request, which tells its job how it ended, and not the group: one
// bad URL is no reason to cancel the others.
type fetch struct {
	httpGet
	job *job
}

func (f *fetch) Poll(cx *Context) (error, bool) {
	r, ready := f.httpGet.Poll(cx)
	if !ready {
		return nil, false
	}
	j := f.job
	j.status, j.at = r.Status, time.Now()
	switch {
	case r.Err != nil:
		j.fail(r.Err, 1)
	case j.strict && (r.Status != 200 || f.length == 0):
		j.fail(fmt.Errorf("status %d, %d bytes", r.Status, f.length), 1)
	default:
		j.ended++
		j.bytes += f.length
	}
	return nil, true
}

func (j *job) fail(err error, requests int) {
	j.ended += requests
	j.failures[fmt.Sprintf("%.300v", err)] += requests // cut, for a server may have made it very long
}

// printJobs prints a line for every URL or kind of failure, and a total.
func printJobs(jobs []*job, start time.Time, stdout, stderr io.Writer) (status int) {
	requests, fails, bytes := 0, 0, int64(0)
	for _, j := range jobs {
		for _, why := range slices.Sorted(maps.Keys(j.failures)) {
			fails += j.failures[why]
			if j.copies > 1 {
				why = fmt.Sprintf("%s (%d of %d)", why, j.failures[why], j.copies)
			}
			status = failed(stderr, fmt.Errorf("GET %s: %s", j.url, why))
		}
		if j.copies == 1 && len(j.failures) == 0 {
			fmt.Fprintf(stdout, "%d %8d bytes %7v  %s\n", j.status, j.bytes, j.at.Sub(start).Round(time.Millisecond), j.url)
		}
		requests += j.copies
		bytes += j.bytes
	}
	if requests > 1 {
		wall := time.Since(start).Round(time.Millisecond)
		fmt.Fprintf(stdout, "%d requests: %d ok, %d failed, %d bytes, %v\n", requests, requests-fails, fails, bytes, wall)
	}
	return status
}
