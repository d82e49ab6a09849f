package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A contender is one of several programs that do the same work.
type contender struct {
	name    string   // in the tables
	command []string // with its arguments
}

// inTurn calls f for each contender. Each round starts with another one. Without
// tokio, its program hasn't been built.
func (l *lab) inTurn(all []contender, f func(c contender)) {
	all = slices.DeleteFunc(slices.Clone(all), func(c contender) bool { return !l.has(c.command[0]) })
	for i := range all {
		f(all[(i+l.round)%len(all)])
	}
}

func (l *lab) serveOf(c contender) server { return l.serve(measured, c.command[0], c.command[1:]...) }

var echoServers = []contender{
	{ours, []string{ours, "echo", "-addr", "127.0.0.1:0"}},
	{"tokio", []string{"tokio", "echo"}},
	{"Go's net", []string{"peers", "echo"}},
	{loopInC, []string{"epoll", "127.0.0.1", "0"}},
}

var httpServers = []contender{
	{ours, []string{ours, "serve", "-addr", "127.0.0.1:0"}},
	{"net/http", []string{"peers", "serve"}},
}

var experiments = []experiment{
	{"echo, 1 connection", 9, echo(echoServers, 1)},
	{"echo, 64 connections", 9, echo(echoServers, 64)},
	{"echo, 1,000 connections", 9, echo(echoServers, 1000)},
	{"echo, system calls", 1, (*lab).echoCalls},
	{"get, 10,000 at once", 7, (*lab).get},
	{"get, system calls", 1, (*lab).getCalls},
	{"spawn, one at a time", 7, sched(measured, "spawn", 300_000)},
	{"spawn, 1,000 at a time", 7, sched(measured, "spawnbatch", 300_000)},
	{"yield, 1 task", 7, sched(measured, "yield1", 3_000_000)},
	{"yield, 1,000 tasks", 7, sched(measured, "yield1k", 3_000_000)},
	{"timer", 7, sched(measured, "timer", 100_000)},
	{"wake, GOMAXPROCS=1", 7, sched(measured, "wakego", 100_000)},
	{"wake, GOMAXPROCS=2", 7, sched(anywhere, "wakego", 100_000)},
	{"wake, from a thread", 7, sched(anywhere, "wake", 10_000)},
	{"wake, thread, one CPU", 7, sched(measured, "wake", 10_000)},
	{"sleep, 1,000,000 tasks", 2, (*lab).sleep},
	{"idle, echo", 2, idle(echoServers, "hello")},
	{"idle, serve", 2, idle(httpServers, "GET /0/hello HTTP/1.1\r\nHost: localhost\r\n\r\n")},
	{"serve, wrk", 7, (*lab).wrk},
	{"serve, ab", 1, (*lab).ab},
	{"chapters", 3, (*lab).chapters},
}

// echo keeps n connections busy. On each there is one message of 64 bytes at a time.
func echo(servers []contender, n int) round {
	return func(l *lab, name string) {
		defer l.keepAwake()()
		l.inTurn(servers, func(c contender) {
			s := l.serveOf(c)
			defer s.stop()
			output := l.load(s, n)
			r := parse(output)
			l.record(name, c.name, "messages/s", 1e9*r.n/r.wall)
			l.record(name, c.name, "CPU µs/message", r.cpu/r.n/1000)
		})
	}
}

// load runs the client, which measures for a second.
func (l *lab) load(s server, n int) (output string) {
	host, port, _ := strings.Cut(s.addr, ":")
	return l.run(busy, "load", host, port, strconv.Itoa(n), "1000", s.pid())
}

// echoCalls counts the system calls of a server under load. Each message is one
// write, which tokio does with sendto.
func (l *lab) echoCalls(name string) {
	l.inTurn(echoServers, func(c contender) {
		s := l.serveOf(c)
		defer s.stop()
		summary := filepath.Join(l.dir, "calls.txt")
		trace := l.command("strace", "-f", "-c", "-o", summary, "-p", s.pid())
		trace.Stderr = nil // strace reports there that it has attached
		l.start(anywhere, trace)
		l.load(s, 64)
		trace.Process.Signal(os.Interrupt)
		trace.Wait()
		calls := callsIn(summary)
		l.record(name, c.name, "calls/message", calls["total"]/(calls["write"]+calls["sendto"]))
	})
}

// callsIn reads a summary of strace: how often each system call was made.
func callsIn(path string) map[string]float64 {
	text, err := os.ReadFile(path)
	must(err)
	calls := make(map[string]float64)
	for _, line := range strings.Split(string(text), "\n") {
		if f := strings.Fields(line); len(f) > 4 {
			calls[f[len(f)-1]], _ = strconv.ParseFloat(f[3], 64)
		}
	}
	return calls
}

const requests = "10000"

// get fetches from a server that answers after a second. Only the time beyond
// that second counts.
func (l *lab) get(name string) {
	s := l.serve(busy, "peers", "delay", "-d", "1s")
	defer s.stop()
	url := "http://" + s.addr + "/1000/hello"
	l.inTurn([]contender{
		{ours, []string{ours, "get", "-n", requests, url}},
		{"tokio", []string{"tokio", "get", "-n", requests, url}},
		{"Go's net", []string{"peers", "net", "-n", requests, url}},
		{"net/http", []string{"peers", "http", "-n", requests, url}},
		{inC, []string{"floor", "get", requests, url}},
	}, func(c contender) {
		output, peak := l.peak(measured, c.command[0], c.command[1:]...)
		r := parse(output)
		l.record(name, c.name, "ms beyond the delay", (r.wall-1e9)/1e6)
		l.record(name, c.name, "CPU µs/request", r.cpu/r.n/1000)
		l.record(name, c.name, "peak MiB", peak/(1<<20))
	})
}

// getCalls doesn't count the naps of the thread with which Go's runtime watches
// the others: under strace the program runs long, so there are many of them.
func (l *lab) getCalls(name string) {
	s := l.serve(busy, "peers", "delay", "-d", "1s")
	defer s.stop()
	summary := filepath.Join(l.dir, "calls.txt")
	l.run(measured, "strace", "-f", "-c", "-o", summary, filepath.Join(l.dir, ours),
		"get", "-n", requests, "http://"+s.addr+"/1000/hello")
	calls := callsIn(summary)
	l.record(name, ours, "calls/request", (calls["total"]-calls["nanosleep"])/10000)
}

// sched compares a kind of sched with the same work done by goroutines, and by
// tokio and in C if the work needs none, on one processor or on all.
func sched(core int, kind string, n int) round {
	times := strconv.Itoa(n)
	programs := []contender{{ours, []string{ours, "sched", kind, "-n", times}}}
	goroutines := contender{"goroutines", []string{"peers", kind, "-n", times}}
	if kind == "wakego" {
		return results(core, append(programs, goroutines))
	}
	return results(core, append(programs,
		contender{"tokio", []string{"tokio", kind, "-n", times}},
		goroutines,
		contender{inC, []string{"floor", kind, times}}))
}

// results records what the programs print in their RESULT lines.
func results(core int, programs []contender) round {
	return func(l *lab, name string) {
		l.inTurn(programs, func(c contender) {
			output := l.run(core, c.command[0], c.command[1:]...)
			r := parse(output)
			l.record(name, c.name, "ns", r.wall/r.n)
			l.record(name, c.name, "CPU ns", r.cpu/r.n)
		})
	}
}

// sleep records the memory of a million sleepers, less the memory of one.
func (l *lab) sleep(name string) {
	l.inTurn([]contender{
		{ours, []string{ours, "sleep", "-ms", "5000", "-n"}},
		{"tokio", []string{"tokio", "sleep", "-ms", "5000", "-n"}},
		{"goroutines", []string{"peers", "sleep", "-d", "5s", "-n"}},
		{inC, []string{"floor", "sleep"}}, // five seconds, too
	}, func(c contender) {
		_, one := l.peak(anywhere, c.command[0], append(c.command[1:], "1")...)
		_, all := l.peak(anywhere, c.command[0], append(c.command[1:], "1000000")...)
		l.record(name, c.name, "bytes each", (all-one)/1e6)
	})
}

// idle opens 10,000 connections, exchanges one message on each, and then watches
// the idle server for two seconds.
func idle(servers []contender, message string) round {
	return func(l *lab, name string) {
		l.inTurn(servers, func(c contender) {
			s := l.serveOf(c)
			defer s.stop()
			output := l.run(busy, "peers", "idle", "-n", "10000", "-d", "2s", "-addr", s.addr, "-pid", s.pid(), "-message", message)
			l.record(name, c.name, "bytes each", number(output, `bytes=(\d+)`)/10000)
			l.record(name, c.name, "CPU µs in 2 s", number(output, `cpu_ns=(\d+)`)/1000)
			l.record(name, c.name, "sleeps in 2 s", number(output, `switches=(\d+)`))
		})
	}
}

func (l *lab) wrk(name string) {
	l.inTurn(httpServers, func(c contender) {
		s := l.serveOf(c)
		defer s.stop()
		output := l.run(busy, "wrk", "-t1", "-c64", "-d2s", "http://"+s.addr+"/0/hello")
		if strings.Contains(output, "Socket errors") || strings.Contains(output, "Non-2xx") {
			must(fmt.Errorf("%s fails:\n%s", c.name, output))
		}
		l.record(name, c.name, "requests/s", number(output, `Requests/sec:\s+([\d.]+)`))
		l.record(name, c.name, "CPU µs/request", cpuTime(s.cmd.Process.Pid)/number(output, `(\d+) requests in`)/1000)
	})
}

func (l *lab) ab(name string) {
	l.inTurn(httpServers, func(c contender) {
		s := l.serveOf(c)
		defer s.stop()
		ab := l.command("ab", "-q", "-n", "100000", "-c", "64", "http://"+s.addr+"/0/hello")
		output := l.finish(busy, ab)
		l.record(name, c.name, "complete", number(output, `Complete requests:\s+(\d+)`))
		l.record(name, c.name, "failed", number(output, `Failed requests:\s+(\d+)`))
	})
}

// chapters runs the programs of the chapters, and reads the line about ten
// requests that they all print.
func (l *lab) chapters(name string) {
	chapters, err := filepath.Glob(filepath.Join(l.dir, "0*"))
	must(err)
	for _, path := range chapters {
		chapter := filepath.Base(path)
		if chapter < "02" {
			continue
		}
		output := l.finish(anywhere, exec.Command(path))
		const line = `10 responses in \S+: .*`
		l.record(name, chapter, "polls", number(output, line+`\b(\d+) polls`))
		if switches := line + `\b(\d+) switches`; regexp.MustCompile(switches).MatchString(output) {
			l.record(name, chapter, "switches", number(output, switches))
		}
		cpu, err := time.ParseDuration(word(output, line+` (\S+) of CPU`))
		must(err)
		l.record(name, chapter, "CPU ms", float64(cpu.Microseconds())/1000)
	}
}
