package main

import (
	"bytes"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync"
	"testing"
	"time"
)

var patience = 10 * time.Second // after which a test says that something hangs

// within fails the test if f does not return, or panics.
func within(t *testing.T, what string, f func()) {
	t.Helper()
	over := make(chan struct{})
	var failure any
	var stack []byte
	go func() {
		defer close(over)
		defer func() {
			if failure = recover(); failure != nil {
				stack = debug.Stack()
			}
		}()
		f()
	}()
	select {
	case <-over:
		if failure != nil {
			t.Fatalf("%s panics: %v\n%s", what, failure, stack)
		}
	case <-time.After(patience):
		t.Fatalf("%s hangs: it is not over after %v", what, patience)
	}
}

// eventually fails the test if the condition does not come true.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for start := time.Now(); !condition(); runtime.Gosched() {
		if time.Since(start) > patience {
			t.Fatalf("after %v it is still not so that %s", patience, what)
		}
	}
}

// noLeaks fails the test if it leaves a goroutine or a descriptor behind. Call
// it first: it looks when all that the test has opened should be closed.
func noLeaks(t *testing.T) {
	t.Helper()
	if l, err := net.Listen("tcp", "127.0.0.1:0"); err == nil {
		l.Close() // Go's own poller stays open from now on
	}
	goroutines, open := runtime.NumGoroutine(), descriptors()
	t.Cleanup(func() {
		if t.Failed() {
			return
		}
		eventually(t, "all goroutines have ended", func() bool { return runtime.NumGoroutine() <= goroutines })
		for name := range descriptors() {
			if !open[name] {
				t.Errorf("%s is still open", name)
			}
		}
	})
}

// descriptors are what the process has open, such as "socket:[4711]": nothing
// where there is no /proc.
func descriptors() map[string]bool {
	open := make(map[string]bool)
	links, _ := filepath.Glob("/proc/self/fd/*")
	for _, link := range links {
		if name, err := os.Readlink(link); err == nil {
			open[name] = true
		}
	}
	return open
}

// startPeer accepts connections until the test ends, lets play have each, and
// then closes it.
func startPeer(t *testing.T, play func(c *net.TCPConn)) netip.AddrPort {
	t.Helper()
	l, late := listen(t), time.Now().Add(patience)
	var peers sync.WaitGroup
	peers.Go(func() {
		for c, err := l.AcceptTCP(); err == nil; c, err = l.AcceptTCP() {
			c.SetDeadline(late)
			peers.Go(func() {
				defer c.Close()
				play(c)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		if !t.Failed() {
			within(t, "the peer", peers.Wait)
		}
	})
	return l.Addr().(*net.TCPAddr).AddrPort()
}

func listen(t *testing.T) *net.TCPListener {
	t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// answer makes a peer that reads the request, and then writes the parts.
func answer(parts ...string) func(*net.TCPConn) {
	return func(c *net.TCPConn) {
		readRequest(c)
		for _, part := range parts {
			io.WriteString(c, part)
		}
	}
}

const hello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

func readRequest(c net.Conn) string {
	var request []byte
	buf := make([]byte, 1<<16)
	for !bytes.HasSuffix(request, []byte("\r\n\r\n")) {
		n, err := c.Read(buf)
		if request = append(request, buf[:n]...); err != nil {
			break
		}
	}
	return string(request)
}

// untilClosed returns when the other side has closed the connection.
func untilClosed(c net.Conn) { io.Copy(io.Discard, c) }

// reset makes the Close that follows a reset.
func reset(c *net.TCPConn) { c.SetLinger(0) }
