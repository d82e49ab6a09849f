package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// startDelayServer starts an ordinary web server on a free port. It answers
// GET /<ms>/<text> with the text, after that many milliseconds.
func startDelayServer() (addr netip.AddrPort, stop func() error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{ms}/{text}", func(w http.ResponseWriter, r *http.Request) {
		delay, _ := time.ParseDuration(r.PathValue("ms") + "ms")
		time.Sleep(delay)
		io.WriteString(w, r.PathValue("text"))
	})
	go http.Serve(listener, mux)
	return listener.Addr().(*net.TCPAddr).AddrPort(), listener.Close
}

// runWorkload makes n requests, answered evenly over half a second, has run poll them,
// and prints the cost. The CPU time is the whole process's, with the delay server.
func runWorkload(addr netip.AddrPort, n int, run func([]Future[Response]) []Response) (polls int) {
	gets := make([]Future[Response], n)
	for i := range gets {
		gets[i] = Counted(HTTPGet(addr, fmt.Sprintf("/%d/hello", 500*(i+1)/n)), &polls)
	}
	start, before := time.Now(), cpuTime()
	responses := run(gets)
	wall, cpu := time.Since(start), cpuTime()-before
	for _, r := range responses {
		check(r.Err)
	}
	const ms = time.Millisecond
	fmt.Printf("%d responses in %v: %d polls, %v of CPU\n", n, wall.Round(ms), polls, cpu.Round(ms))
	return polls
}

func cpuTime() time.Duration {
	var u unix.Rusage
	unix.Getrusage(unix.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
