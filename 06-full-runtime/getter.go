package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// getter fetches URLs, each so many times, all at once.
type getter struct {
	runtime *Runtime
	jobs    []*job // in the order of the arguments
	copies  int
	timeout time.Duration // of everything together
	late    bool          // it has passed
	buffer  buffer        // of all requests
	watch   stopwatch
}

// job is one URL.
type job struct {
	url     string
	begun   *JoinHandle[error]     // is ready when there are fetches
	fetches []*JoinHandle[Fetched] // one for each copy
}

func newGetter(rt *Runtime, urls []string, copies int, timeout time.Duration) *getter {
	g := &getter{runtime: rt, copies: copies, timeout: timeout, watch: startWatch()}
	for _, u := range urls {
		g.jobs = append(g.jobs, &job{url: u})
	}
	return g
}

// fetch calls use for every reply, in the order of the arguments.
func (g *getter) fetch(co *Co, use func(url string, r Fetched)) {
	for _, j := range g.jobs {
		j.begun = Spawn(g.runtime, Async(func(co *Co) error { return g.begin(co, j) }))
	}
	defer Spawn(g.runtime, Async(g.limit)).Cancel()
	for _, j := range g.jobs {
		if begun := Await(co, j.begun); cmp.Or(begun.Err, begun.Value) != nil {
			for range g.copies {
				use(j.url, Fetched{Err: g.explain(j, cmp.Or(begun.Err, begun.Value))})
			}
		}
		for _, h := range j.fetches {
			got := Await(co, h)
			if err := cmp.Or(got.Err, got.Value.Err); err != nil {
				got.Value.Err = g.explain(j, err)
			}
			use(j.url, got.Value)
		}
	}
}

// begin looks up the name and makes every copy of the request a task. They
// share what can be shared: see Fetch.
func (g *getter) begin(co *Co, j *job) error {
	t, err := g.target(co, j.url)
	if err != nil {
		return err
	}
	for i := range g.copies {
		if i%10 == 9 {
			Await(co, new(Yield)) // the first get on with it while the last are yet to begin
		}
		h := Spawn(g.runtime, &Fetch{target: t, buffer: &g.buffer})
		if j.fetches = append(j.fetches, h); g.late {
			h.Cancel() // limit has been here
		}
	}
	return nil
}

// limit cancels what is not ready in time. With one timer for all of them: a
// Timeout around each would take more memory than the Fetch in it.
func (g *getter) limit(co *Co) struct{} {
	Await(co, NewSleep(g.timeout))
	g.late = true
	for _, j := range g.jobs {
		for _, h := range j.fetches {
			h.Cancel()
		}
	}
	return struct{}{}
}

func (g *getter) target(co *Co, address string) (*target, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return nil, errors.Unwrap(err) // without the address, which explain adds
	case u.Scheme == "https":
		return nil, errors.New("https is out of reach here: this runtime has no TLS")
	case u.Scheme != "http" || u.Hostname() == "":
		return nil, errors.New("want a URL such as http://localhost:8080/path")
	}
	port, err := strconv.ParseUint(cmp.Or(u.Port(), "80"), 10, 16)
	if err != nil {
		return nil, fmt.Errorf("port %s is not a number below 65536", u.Port())
	}
	t := &target{
		request:  fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", u.RequestURI(), u.Host),
		maxReply: 1 << 28,
	}
	ips, err := g.lookUp(co, u.Hostname())
	for _, ip := range ips {
		t.addrs = append(t.addrs, netip.AddrPortFrom(ip.Unmap(), uint16(port)))
	}
	return t, err
}

// lookUp returns the addresses of a host, at least one. Go's resolver blocks
// the goroutine that calls it, and so must not be called on the runtime's own.
func (g *getter) lookUp(co *Co, host string) ([]netip.Addr, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{ip}, nil
	}
	found := Await(co, Blocking(func() (r Result[[]netip.Addr]) {
		ctx, cancel := context.WithDeadline(context.Background(), g.watch.wall.Add(g.timeout))
		defer cancel()
		r.Value, r.Err = net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		return r
	}))
	return found.Value, found.Err
}

// explain says of an error which request failed, and what can be done about it.
func (g *getter) explain(j *job, err error) error {
	switch {
	case err == ErrCancelled:
		err = fmt.Errorf("no complete reply within %v", g.timeout)
	case errors.Is(err, unix.EMFILE):
		var limit unix.Rlimit
		unix.Getrlimit(unix.RLIMIT_NOFILE, &limit)
		err = fmt.Errorf("%w: it is %d", err, limit.Cur)
	}
	return fmt.Errorf("GET %s: %w", j.url, err)
}
