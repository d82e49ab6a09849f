package main

import (
	"net"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

const testPatience = 5 * time.Second // on a connect that the kernel has to answer

func testOpen(t testing.TB, addr netip.AddrPort) int {
	t.Helper()
	fd, err := openSocket(addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

// testStart calls startConnect, which may be over at once.
func testStart(t testing.TB, what string, addr netip.AddrPort) (fd int, err error) {
	t.Helper()
	fd = testOpen(t, addr)
	check.Within(t, 3*time.Second, "startConnect must not wait for the peer: it asks for a connection and returns; is the socket still non-blocking when connect is called?", func(t testing.TB) {
		err = startConnect(fd, addr)
	})
	if err != nil && err != unix.EAGAIN && err != unix.ECONNREFUSED {
		t.Fatalf("%s: startConnect gave %q, want nil or EAGAIN: what says \"in progress\" has not failed", what, err)
	}
	return fd, err
}

// testResult asks until the connect is over.
func testResult(t testing.TB, fd int) (err error) {
	t.Helper()
	check.Within(t, testPatience+time.Second, "connectResult must not wait: it looks, and returns", func(t testing.TB) {
		for began := time.Now(); time.Since(began) < testPatience; runtime.Gosched() {
			if err = connectResult(fd); err != unix.EAGAIN {
				return
			}
		}
		check.Hangs(t, testPatience, "connectResult gives EAGAIN, and the peer answered long ago: how can the socket tell that it is connected?")
	})
	return err
}

func TestConnect(t *testing.T) {
	for _, host := range []string{"127.0.0.1:0", "[::1]:0"} {
		l, err := net.Listen("tcp", host)
		if err != nil {
			if host == "[::1]:0" {
				continue // no IPv6 here
			}
			t.Fatal(err)
		}
		defer l.Close()
		addr := l.Addr().(*net.TCPAddr).AddrPort()
		fd, _ := testStart(t, "to a server that listens on "+host, addr)
		if err := testResult(t, fd); err != nil {
			t.Fatalf("to a server that listens on %s connectResult gave %q, want nil: it is connected", host, err)
		}
		if peer, err := unix.Getpeername(fd); err != nil {
			t.Errorf("connectResult gave <nil>, and the socket has no peer: %v (%v)", err, peer)
		}
	}
}

func TestConnectThatIsRefused(t *testing.T) {
	_, addr := testBound(t)
	fd, err := testStart(t, "to an address where nobody listens", addr)
	if err == nil || err == unix.EAGAIN {
		err = testResult(t, fd)
	}
	if err != unix.ECONNREFUSED {
		t.Errorf("the connect was refused, and connectResult gave %v, want ECONNREFUSED itself: that nobody complained when it was started does not mean that it went well", err)
	}
}

// On Linux a connect to a queue that is full hangs for minutes. Elsewhere it
// gets through, or not, and there is nothing to test.
func TestConnectThatIsUnderWay(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("a full queue does not hold up a connect here")
	}
	fd, err := testStart(t, "to a server whose queue is full", testFullQueue(t))
	if err != unix.EAGAIN {
		t.Fatalf("to a server whose queue is full startConnect gave %v, want EAGAIN: it is under way", err)
	}
	for range 100 {
		if err := connectResult(fd); err != unix.EAGAIN {
			t.Fatalf("the connect is under way, and connectResult gave %v, want EAGAIN: nobody has said no, and nobody has said yes either; what else does a socket have only when it is connected?", err)
		}
	}
}

// testFullQueue returns an address where every connect hangs: its queue has one
// slot, which is taken.
func testFullQueue(t testing.TB) netip.AddrPort {
	t.Helper()
	fd, addr := testBound(t)
	if err := unix.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return addr
}

// testBound returns a socket with an address, to which nobody listens.
func testBound(t testing.TB) (fd int, addr netip.AddrPort) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err == nil {
		t.Cleanup(func() { unix.Close(fd) })
		err = unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	}
	if err != nil {
		t.Fatal(err)
	}
	name, _ := unix.Getsockname(fd)
	in := name.(*unix.SockaddrInet4)
	return fd, netip.AddrPortFrom(netip.AddrFrom4(in.Addr), uint16(in.Port))
}
