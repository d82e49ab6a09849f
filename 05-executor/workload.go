package main

import (
	"cmp"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"time"

	"golang.org/x/sys/unix"
)

// startDelayServer starts this program again, as a web server on a free port. It
// has a process of its own, so that what a workload costs is the runtime's cost.
func startDelayServer() (addr netip.AddrPort, stop func() error) {
	path, err0 := os.Executable()
	child := &exec.Cmd{Path: path, Env: append(os.Environ(), "DELAY_SERVER=yes"), Stderr: os.Stderr}
	stdin, err1 := child.StdinPipe()
	stdout, err2 := child.StdoutPipe()
	check(cmp.Or(err0, err1, err2, child.Start()))
	var printed string
	_, err3 := fmt.Fscan(stdout, &printed)
	addr, err4 := netip.ParseAddrPort(printed)
	check(cmp.Or(err3, err4))
	return addr, func() error { stdin.Close(); return child.Wait() }
}

// init is that server, in the child. It answers GET /<ms>/<text> with the text after so many ms.
func init() {
	if os.Getenv("DELAY_SERVER") == "" {
		return
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	http.HandleFunc("GET /{ms}/{text}", func(w http.ResponseWriter, r *http.Request) {
		delay, _ := time.ParseDuration(r.PathValue("ms") + "ms")
		time.Sleep(delay)
		io.WriteString(w, r.PathValue("text"))
	})
	go http.Serve(listener, nil)
	fmt.Println(listener.Addr())
	io.Copy(io.Discard, os.Stdin) // until stop, or until the parent ends, however it does
	os.Exit(0)
}

// runWorkload makes n requests, answered evenly over half a second, has run poll them,
// and prints the cost. A switch is counted each time a thread goes to sleep in the kernel.
func runWorkload(addr netip.AddrPort, n int, run func([]Future[Response]) []Response) {
	gets, polls := make([]Future[Response], n), 0
	for i := range gets {
		gets[i] = Counted(HTTPGet(addr, fmt.Sprintf("/%d/hello", 500*(i+1)/n)), &polls)
	}
	var before, after unix.Rusage
	unix.Getrusage(unix.RUSAGE_SELF, &before)
	start := time.Now()
	responses := run(gets)
	wall := time.Since(start).Round(time.Millisecond)
	unix.Getrusage(unix.RUSAGE_SELF, &after)
	for _, r := range responses {
		check(r.Err)
	}
	fmt.Printf("%d responses in %v: %d polls, %d switches, %v of CPU\n", n, wall,
		polls, after.Nvcsw-before.Nvcsw, (cpu(after) - cpu(before)).Round(time.Millisecond))
}

func cpu(u unix.Rusage) time.Duration { return time.Duration(u.Utime.Nano() + u.Stime.Nano()) }
