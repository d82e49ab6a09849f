package main

import (
	"cmp"
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
func startDelayServer() (addr netip.AddrPort, stop func() error, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return addr, nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{ms}/{text}", func(w http.ResponseWriter, r *http.Request) {
		delay, err := time.ParseDuration(r.PathValue("ms") + "ms")
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		select {
		case <-time.After(delay):
			io.WriteString(w, r.PathValue("text"))
		case <-r.Context().Done(): // the client has hung up
		}
	})
	server := &http.Server{Handler: mux}
	go server.Serve(listener)
	return listener.Addr().(*net.TCPAddr).AddrPort(), server.Close, nil
}

// runWorkload lets run poll n requests, answered evenly over half a second. The
// cost it prints is the whole process's; a switch is a thread that went to sleep.
func runWorkload(addr netip.AddrPort, n int, run func([]Future[Response]) []Response) error {
	gets, polls := make([]Future[Response], n), 0
	for i := range gets {
		path := fmt.Sprintf("/%d/hello", 500*(i+1)/n)
		gets[i] = Counted(HTTPGet(addr, path), &polls)
	}
	var before, after unix.Rusage
	unix.Getrusage(unix.RUSAGE_SELF, &before)
	start := time.Now()
	responses := run(gets)
	wall := time.Since(start).Round(time.Millisecond)
	unix.Getrusage(unix.RUSAGE_SELF, &after)
	for _, r := range responses {
		if r.Body != "hello" {
			return cmp.Or(r.Err, fmt.Errorf("want hello, got %d %q", r.Status, r.Body))
		}
	}
	fmt.Printf("%d responses in %v: %d polls, %d switches, %v of CPU\n", len(responses), wall,
		polls, after.Nvcsw-before.Nvcsw, (cpu(after) - cpu(before)).Round(time.Millisecond))
	return nil
}

func cpu(u unix.Rusage) time.Duration { return time.Duration(u.Utime.Nano() + u.Stime.Nano()) }
