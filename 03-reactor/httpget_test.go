package main

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// pollUntilStuck polls a request that's too long to be sent at once, to a peer that
// doesn't read, until part of it is sent and the kernel takes no more.
func pollUntilStuck(t *testing.T, cx *Context, get *httpGet) {
	t.Helper()
	get.Poll(cx)
	if err := unix.SetsockoptInt(get.fd, unix.SOL_SOCKET, unix.SO_SNDBUF, 1<<16); err != nil {
		t.Fatal(err)
	}
	left := -1
	pollUntil(t, cx, get, "the kernel takes no more", func() bool {
		stuck := get.state == sending && len(get.rest) == left
		left = len(get.rest)
		return stuck
	})
}

// pollUntil polls by hand, more often than needed, until the condition holds.
func pollUntil(t *testing.T, cx *Context, get *httpGet, what string, condition func() bool) {
	t.Helper()
	eventually(t, what, func() bool {
		if condition() {
			return true
		}
		if r, ready := get.Poll(cx); ready || r != (Response{}) {
			t.Fatalf("Poll gives %+v, %t, while the test is still waiting until %s", r, ready, what)
		}
		return false
	})
}

func pollToEnd(t *testing.T, cx *Context, get *httpGet) (r Response) {
	t.Helper()
	eventually(t, "Poll gives a Response", func() (ready bool) {
		r, ready = get.Poll(cx)
		return ready
	})
	return r
}

// pollAndAccept polls until the other side has read the request, and returns that
// side of the connection.
func pollAndAccept(t *testing.T, cx *Context, get *httpGet, l *net.TCPListener) *net.TCPConn {
	t.Helper()
	get.Poll(cx)
	c, err := l.AcceptTCP()
	if err != nil {
		t.Fatal(err)
	}
	pollUntil(t, cx, get, "the request is sent", func() bool { return get.state == receiving })
	readRequest(c)
	return c
}

func address(l net.Listener) netip.AddrPort { return l.Addr().(*net.TCPAddr).AddrPort() }

// fullBacklog returns an address where every connect hangs, because the listener's
// queue has only one slot, and that's taken. This works on Linux; on other systems
// some connects get through.
func fullBacklog(t *testing.T) netip.AddrPort {
	t.Helper()
	fd, addr := bound(t)
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

// bound returns a socket that has an address but doesn't listen.
func bound(t *testing.T) (fd int, addr netip.AddrPort) {
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

// Property 1.
func TestNothingIsOpenedBeforeTheFirstPoll(t *testing.T) {
	before := descriptors()
	get := HTTPGet(netip.MustParseAddrPort("127.0.0.1:1"), "/").(*httpGet)
	if diff := cmp.Diff(before, descriptors()); diff != "" || get.fd != -1 {
		t.Errorf("HTTPGet opened something before its first poll: fd is %d, want -1; descriptors (-before +after):\n%s", get.fd, diff)
	}
}

// Properties 2 and 7.
func TestConnectIsStartedNotWaitedFor(t *testing.T) {
	noLeaks(t)
	cx, get := newContext(t), HTTPGet(fullBacklog(t), "/").(*httpGet)
	defer get.Close()
	within(t, "a Poll that connects", func() {
		if r, ready := get.Poll(cx); ready {
			t.Errorf("the first Poll is ready with %+v, want a connect that's still under way", r)
		}
	})
}

// Properties 4 and 7.
func TestConnectIsNotAssumedToBeOver(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("a full backlog doesn't hold up a connect on this system")
	}
	noLeaks(t)
	cx, get := newContext(t), HTTPGet(fullBacklog(t), "/").(*httpGet)
	defer get.Close()
	for range 100 {
		get.Poll(cx)
	}
	if get.state != connecting {
		t.Errorf("after 100 polls the state is %q, want %q", get.state, connecting)
	}
}

// Property 7.
func TestFailedConnectIsNotTakenForSuccess(t *testing.T) {
	noLeaks(t)
	_, addr := bound(t)
	r := runOne(t, HTTPGet(addr, "/"))
	if want := "connect: connection refused"; r.Err == nil || !strings.Contains(r.Err.Error(), want) {
		t.Errorf("got %+v, want an error with %q", r, want)
	}
}

// Property 3.
func TestHTTPGetPolledAfterItFinishedPanics(t *testing.T) {
	noLeaks(t)
	cx, get := newContext(t), HTTPGet(startPeer(t, answer(hello)), "/").(*httpGet)
	pollToEnd(t, cx, get)
	defer func() {
		if got, want := recover(), "HTTPGet polled after it finished"; got != want {
			t.Errorf("Poll panics with %v, want %q", got, want)
		}
	}()
	get.Poll(cx)
}

// Property 6.
func TestResponseIsZeroUntilReady(t *testing.T) {
	noLeaks(t)
	l := listen(t)
	cx, get := newContext(t), HTTPGet(address(l), "/").(*httpGet)
	c := pollAndAccept(t, cx, get, l)
	defer c.Close()
	defer get.Close()
	io.WriteString(c, hello)
	pollUntil(t, cx, get, "the reply has arrived", func() bool { return string(get.reply) == hello })
	if r, ready := get.Poll(cx); ready || r != (Response{}) {
		t.Errorf("Poll gives %+v, %t, before the connection has ended, want a zero Response and false", r, ready)
	}
}

// Property 8.
func TestRequestArrivesWholeThroughPartialWrites(t *testing.T) {
	noLeaks(t)
	l := listen(t)
	path := "/" + strings.Repeat("x", 1<<20)
	cx, get := newContext(t), HTTPGet(address(l), path).(*httpGet)
	pollUntilStuck(t, cx, get)
	c, err := l.AcceptTCP()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	want := fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, address(l))
	got := make(chan string)
	go func() { got <- readRequest(c) }()
	pollUntil(t, cx, get, "the request is sent", func() bool { return get.state == receiving })
	if <-got != want {
		t.Error("the request that arrived isn't the request that was sent")
	}
	get.Close()
}

// replies are what servers send, each with the Response that it should yield.
var replies = []struct {
	name, wire string
	want       Response
	toEOF      bool // the length isn't known until the connection ends
}{
	{name: "fixed length", wire: hello, want: Response{Status: 200, Body: "hello"}},
	{name: "no body", wire: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", want: Response{Status: 200}},
	{
		name: "chunked",
		wire: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;a=b\r\nlo\r\n0\r\n\r\n",
		want: Response{Status: 200, Body: "hello"},
	}, {
		name: "chunked with a trailer",
		wire: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n",
		want: Response{Status: 200, Body: "hello"},
	},
	{name: "to EOF", wire: "HTTP/1.0 404 No\r\nX: y\r\n\r\nhello", want: Response{Status: 404, Body: "hello"}, toEOF: true},
	{name: "1xx first", wire: "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n" + hello, want: Response{Status: 200, Body: "hello"}},
	{name: "204", wire: "HTTP/1.1 204 No Content\r\nX: y\r\n\r\n", want: Response{Status: 204}},
	{name: "304", wire: "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", want: Response{Status: 304}},
}

// Property 8.
func TestReplySplitAtAnyByteIsTheSame(t *testing.T) {
	for _, reply := range replies {
		t.Run(reply.name, func(t *testing.T) {
			noLeaks(t)
			cx, l := newContext(t), listen(t)
			for cut := range len(reply.wire) {
				get := HTTPGet(address(l), "/").(*httpGet)
				c := pollAndAccept(t, cx, get, l)
				io.WriteString(c, reply.wire[:cut])
				pollUntil(t, cx, get, "the first part has arrived", func() bool { return len(get.reply) == cut })
				io.WriteString(c, reply.wire[cut:])
				c.Close()
				if diff := cmp.Diff(reply.want, pollToEnd(t, cx, get)); diff != "" {
					t.Errorf("a reply that was cut after %q (-want +got):\n%s", reply.wire[:cut], diff)
				}
			}
		})
	}
}

// Property 8.
func TestReplyOfSingleBytesIsTheSame(t *testing.T) {
	for _, reply := range replies {
		t.Run(reply.name, func(t *testing.T) {
			noLeaks(t)
			addr := startPeer(t, answer(strings.Split(reply.wire, "")...))
			if diff := cmp.Diff(reply.want, runOne(t, HTTPGet(addr, "/"))); diff != "" {
				t.Errorf("response (-want +got):\n%s", diff)
			}
		})
	}
}

// Property 9.
func TestInterruptedCallIsRepeated(t *testing.T) {
	results := []error{unix.EINTR, unix.EINTR, nil}
	n, err := ignoringEINTR(func(int, []byte) (int, error) {
		err := results[0]
		results = results[1:]
		if err != nil {
			return -1, err
		}
		return 7, nil
	}, 0, nil)
	if n != 7 || err != nil || len(results) != 0 {
		t.Errorf("got %d, %v, with %d results left, want 7, nil, and none left", n, err, len(results))
	}
}

// Property 9.
func TestNotReadyIsNeitherEndNorError(t *testing.T) {
	noLeaks(t)
	l := listen(t)
	cx, get := newContext(t), HTTPGet(address(l), "/").(*httpGet)
	c := pollAndAccept(t, cx, get, l)
	defer c.Close()
	defer get.Close()
	for range 100 {
		if r, ready := get.Poll(cx); ready {
			t.Fatalf("Poll is ready with %+v, but the peer hasn't sent anything", r)
		}
	}
}

// Property 9.
func TestErrorNamesOperationAndAddress(t *testing.T) {
	noLeaks(t)
	addr := startPeer(t, answer())
	r := runOne(t, HTTPGet(addr, "/a"))
	if want := fmt.Sprintf("GET http://%s/a: read: unexpected EOF", addr); r.Err == nil || r.Err.Error() != want {
		t.Errorf("got %+v, want error %q", r, want)
	}
}

// Property 10.
func TestReplyCutShortIsAnError(t *testing.T) {
	for _, reply := range replies {
		header := strings.LastIndex(reply.wire, "\r\n\r\n") + len("\r\n\r\n")
		for cut := range len(reply.wire) {
			complete := reply.toEOF && cut >= header
			if r := parseReply([]byte(reply.wire[:cut]), io.EOF); (r.Err == nil) != complete {
				t.Errorf("%s, cut after %q: got %+v, want it to count as complete: %t", reply.name, reply.wire[:cut], r, complete)
			}
		}
	}
}

// Property 10: without a length, only a clean end of the connection shows that nothing
// is missing.
func TestResetCompletesOnlyReplyOfKnownLength(t *testing.T) {
	for _, reply := range replies {
		if r := parseReply([]byte(reply.wire), unix.ECONNRESET); (r.Err == nil) == reply.toEOF {
			t.Errorf("%s, then a reset: got %+v, want an error: %t", reply.name, r, reply.toEOF)
		}
	}
}

// closeTwice closes get twice. In between it opens a socket, which may well get the
// number that the first Close has freed.
func closeTwice(t *testing.T, get *httpGet) {
	t.Helper()
	fd := get.fd
	get.Close()
	next, _ := bound(t)
	get.Close()
	if _, err := unix.Getsockname(next); err != nil {
		t.Errorf("the second Close of descriptor %d closed a socket that was opened in between, %d: %v", fd, next, err)
	}
}

// Property 11.
func TestCloseInAnyStateClosesOnce(t *testing.T) {
	t.Run(starting, func(t *testing.T) {
		noLeaks(t)
		closeTwice(t, HTTPGet(address(listen(t)), "/").(*httpGet))
	})
	t.Run(connecting, func(t *testing.T) {
		noLeaks(t)
		get := HTTPGet(fullBacklog(t), "/").(*httpGet)
		get.Poll(newContext(t))
		closeTwice(t, get)
	})
	t.Run(sending, func(t *testing.T) {
		noLeaks(t)
		l := listen(t)
		cx, get := newContext(t), HTTPGet(address(l), "/"+strings.Repeat("x", 1<<20)).(*httpGet)
		pollUntilStuck(t, cx, get)
		closeTwice(t, get)
	})
	t.Run(receiving, func(t *testing.T) {
		noLeaks(t)
		l := listen(t)
		cx, get := newContext(t), HTTPGet(address(l), "/").(*httpGet)
		defer pollAndAccept(t, cx, get, l).Close()
		closeTwice(t, get)
	})
	t.Run(finished, func(t *testing.T) {
		noLeaks(t)
		cx, get := newContext(t), HTTPGet(startPeer(t, answer(hello)), "/").(*httpGet)
		pollToEnd(t, cx, get)
		closeTwice(t, get)
	})
}

// Property 12.
func TestWriteToPeerThatIsGoneIsAnError(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[0])
	unix.Close(pair[1])
	if _, err := ignoringEINTR(unix.Write, pair[0], []byte("hello")); err != unix.EPIPE {
		t.Errorf("got %v, want %v", err, unix.EPIPE)
	}
}

func TestSlowRequestDoesNotDelayFast(t *testing.T) {
	noLeaks(t)
	fastIsOver := make(chan struct{})
	fast := startPeer(t, func(c *net.TCPConn) {
		answer(hello)(c)
		c.CloseWrite()
		untilClosed(c)
		close(fastIsOver)
	})
	slow := startPeer(t, func(c *net.TCPConn) {
		<-fastIsOver
		answer(hello)(c)
	})
	for i, r := range runAll[Response](t, HTTPGet(slow, "/"), HTTPGet(fast, "/")) {
		if r.Body != "hello" {
			t.Errorf("request %d: got %+v, want hello", i, r)
		}
	}
}

func TestRequestOverIPv6(t *testing.T) {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip("this machine has no IPv6: ", err)
	}
	defer l.Close()
	served := make(chan struct{})
	go func() {
		defer close(served)
		if c, err := l.Accept(); err == nil {
			answer(hello)(c.(*net.TCPConn))
			c.Close()
		}
	}()
	if r := runOne(t, HTTPGet(address(l), "/")); r.Body != "hello" {
		t.Errorf("got %+v, want hello", r)
	}
	<-served
}

// The kernel takes 0.0.0.0 and :: for this machine too, so 127.0.0.1 wouldn't show
// whether the address has arrived.
func TestRequestGoesToItsAddress(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only on Linux 127.0.0.2 is this machine without further ado")
	}
	noLeaks(t)
	l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for c, err := l.AcceptTCP(); err == nil; c, err = l.AcceptTCP() {
			answer(hello)(c)
			c.Close()
		}
	}()
	inIPv6 := netip.AddrPortFrom(netip.AddrFrom16(address(l).Addr().As16()), address(l).Port())
	for _, addr := range []netip.AddrPort{address(l), inIPv6} {
		if r := runOne(t, HTTPGet(addr, "/")); r.Body != "hello" {
			t.Errorf("%v: got %+v, want hello", addr, r)
		}
	}
}

func TestSocketIsNotForOtherProcesses(t *testing.T) {
	fd, err := openSocket(netip.MustParseAddrPort("127.0.0.1:1"))
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("the flags are %#x, %v, want FD_CLOEXEC", flags, err)
	}
}

func TestPathCannotCarryAHeader(t *testing.T) {
	for _, path := range []string{"", "a", "/\r\nX: y", "/ HTTP/1.1\r\n\r\n"} {
		if r := runOne(t, HTTPGet(netip.MustParseAddrPort("127.0.0.1:1"), path)); r.Err == nil || !strings.Contains(r.Err.Error(), ": start: ") {
			t.Errorf("path %q: got %+v, want an error before anything is opened", path, r)
		}
	}
}
