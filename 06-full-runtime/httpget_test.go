package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/netip"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// pollUntilStuck polls a request that is too long to be sent at once, to a peer
// that does not read, until a part of it is sent and no more is taken.
func pollUntilStuck(t *testing.T, cx *Context, get *HTTPGet) {
	t.Helper()
	get.Poll(cx)
	if err := unix.SetsockoptInt(get.fd, unix.SOL_SOCKET, unix.SO_SNDBUF, 1<<16); err != nil {
		t.Fatal(err)
	}
	left := -1
	pollUntil(t, cx, get, "the peer takes no more", func() bool {
		stuck := get.state == sending && len(get.rest) == left
		left = len(get.rest)
		return stuck
	})
}

// pollUntil polls by hand, more often than needed, until the condition holds.
func pollUntil(t *testing.T, cx *Context, get *HTTPGet, what string, condition func() bool) {
	t.Helper()
	eventually(t, what, func() bool {
		if condition() {
			return true
		}
		if r, ready := get.Poll(cx); ready || r != (Response{}) {
			t.Fatalf("Poll gives %+v, %t, before it is so that %s", r, ready, what)
		}
		return false
	})
}

func pollToEnd(t *testing.T, cx *Context, get *HTTPGet) (r Response) {
	t.Helper()
	eventually(t, "Poll gives a Response", func() (ready bool) {
		r, ready = get.Poll(cx)
		return ready
	})
	return r
}

// pollAndAccept polls until the other side has read the request.
func pollAndAccept(t *testing.T, cx *Context, get *HTTPGet, l *net.TCPListener) *net.TCPConn {
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

// Property 1.
func TestNothingIsOpenedBeforeTheFirstPoll(t *testing.T) {
	before := descriptors()
	get := NewHTTPGet(netip.MustParseAddrPort("127.0.0.1:1"), "/")
	if diff := cmp.Diff(before, descriptors()); diff != "" || get.fd != -1 {
		t.Errorf("descriptors (-before +after), fd is %d:\n%s", get.fd, diff)
	}
}

// Properties 2 and 7.
func TestConnectIsStartedNotWaitedFor(t *testing.T) {
	noLeaks(t)
	cx, get := newContext(t), NewHTTPGet(fullBacklog(t), "/")
	defer get.Close()
	within(t, "a Poll that connects", func() {
		if r, ready := get.Poll(cx); ready {
			t.Errorf("Poll gives %+v", r)
		}
	})
}

// Properties 4 and 7.
func TestConnectIsNotAssumedToBeOver(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("a full backlog does not hold up a connect here")
	}
	noLeaks(t)
	cx, get := newContext(t), NewHTTPGet(fullBacklog(t), "/")
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
	r := runOne(t, NewHTTPGet(addr, "/"))
	if want := "connect: connection refused"; r.Err == nil || !strings.Contains(r.Err.Error(), want) {
		t.Errorf("got %+v, want an error with %q", r, want)
	}
}

// Property 3.
func TestHTTPGetPolledAfterItFinishedPanics(t *testing.T) {
	noLeaks(t)
	cx, get := newContext(t), NewHTTPGet(startPeer(t, answer(hello)), "/")
	pollToEnd(t, cx, get)
	defer func() {
		if got, want := recover(), "HTTPGet polled after it finished"; got != want {
			t.Errorf("panic with %v, want %q", got, want)
		}
	}()
	get.Poll(cx)
}

// Property 6.
func TestResponseIsZeroUntilReady(t *testing.T) {
	noLeaks(t)
	l := listen(t)
	cx, get := newContext(t), NewHTTPGet(address(l), "/")
	c := pollAndAccept(t, cx, get, l)
	defer c.Close()
	defer get.Close()
	io.WriteString(c, hello)
	pollUntil(t, cx, get, "the reply has come", func() bool { return string(get.reply) == hello })
	if r, ready := get.Poll(cx); ready || r != (Response{}) {
		t.Errorf("got %+v, %t, before the connection has ended", r, ready)
	}
}

// Property 8.
func TestRequestArrivesWholeThroughPartialWrites(t *testing.T) {
	noLeaks(t)
	l := listen(t)
	path := "/" + strings.Repeat("x", 1<<20)
	cx, get := newContext(t), NewHTTPGet(address(l), path)
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
		t.Error("the request has changed on its way")
	}
	get.Close()
}

// replies are such as a server sends, and what they mean.
var replies = []struct {
	name, wire string
	want       Response
	toEOF      bool // its length is not known before the connection ends
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
				get := NewHTTPGet(address(l), "/")
				c := pollAndAccept(t, cx, get, l)
				io.WriteString(c, reply.wire[:cut])
				pollUntil(t, cx, get, "the first part has come", func() bool { return len(get.reply) == cut })
				io.WriteString(c, reply.wire[cut:])
				c.Close()
				if diff := cmp.Diff(reply.want, pollToEnd(t, cx, get)); diff != "" {
					t.Errorf("cut after %q (-want +got):\n%s", reply.wire[:cut], diff)
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
			if diff := cmp.Diff(reply.want, runOne(t, NewHTTPGet(addr, "/"))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
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
		t.Errorf("got %d, %v, with %d results left, want 7, nil, none", n, err, len(results))
	}
}

// Property 9.
func TestNotReadyIsNeitherEndNorError(t *testing.T) {
	noLeaks(t)
	l := listen(t)
	cx, get := newContext(t), NewHTTPGet(address(l), "/")
	c := pollAndAccept(t, cx, get, l)
	defer c.Close()
	defer get.Close()
	for range 100 {
		if r, ready := get.Poll(cx); ready {
			t.Fatalf("got %+v, although the peer has said nothing", r)
		}
	}
}

// Property 9.
func TestErrorNamesOperationAndAddress(t *testing.T) {
	noLeaks(t)
	addr := startPeer(t, answer())
	r := runOne(t, NewHTTPGet(addr, "/a"))
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
				t.Errorf("%s, cut after %q: got %+v", reply.name, reply.wire[:cut], r)
			}
		}
	}
}

// Property 10: without a length only a clean end tells that nothing is missing.
func TestResetCompletesOnlyReplyOfKnownLength(t *testing.T) {
	for _, reply := range replies {
		if r := parseReply([]byte(reply.wire), unix.ECONNRESET); (r.Err == nil) == reply.toEOF {
			t.Errorf("%s: got %+v", reply.name, r)
		}
	}
}

// closeTwice closes get, and between that opens what may get the same number.
func closeTwice(t *testing.T, get *HTTPGet) {
	t.Helper()
	fd := get.fd
	get.Close()
	next, _ := bound(t)
	get.Close()
	if _, err := unix.Getsockname(next); err != nil {
		t.Errorf("the second Close of %d has closed another socket, %d: %v", fd, next, err)
	}
}

// Property 11.
func TestCloseInAnyStateClosesOnce(t *testing.T) {
	t.Run(starting, func(t *testing.T) {
		noLeaks(t)
		closeTwice(t, NewHTTPGet(address(listen(t)), "/"))
	})
	t.Run(connecting, func(t *testing.T) {
		noLeaks(t)
		get := NewHTTPGet(fullBacklog(t), "/")
		get.Poll(newContext(t))
		closeTwice(t, get)
	})
	t.Run(sending, func(t *testing.T) {
		noLeaks(t)
		l := listen(t)
		cx, get := newContext(t), NewHTTPGet(address(l), "/"+strings.Repeat("x", 1<<20))
		pollUntilStuck(t, cx, get)
		closeTwice(t, get)
	})
	t.Run(receiving, func(t *testing.T) {
		noLeaks(t)
		l := listen(t)
		cx, get := newContext(t), NewHTTPGet(address(l), "/")
		defer pollAndAccept(t, cx, get, l).Close()
		closeTwice(t, get)
	})
	t.Run(finished, func(t *testing.T) {
		noLeaks(t)
		cx, get := newContext(t), NewHTTPGet(startPeer(t, answer(hello)), "/")
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
	for i, r := range runAll[Response](t, NewHTTPGet(slow, "/"), NewHTTPGet(fast, "/")) {
		if r.Body != "hello" {
			t.Errorf("request %d: got %+v", i, r)
		}
	}
}

func TestRequestOverIPv6(t *testing.T) {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip("no IPv6 here: ", err)
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
	if r := runOne(t, NewHTTPGet(address(l), "/")); r.Body != "hello" {
		t.Errorf("got %+v", r)
	}
	<-served
}

func TestPathCannotCarryAHeader(t *testing.T) {
	for _, path := range []string{"", "a", "/\r\nX: y", "/ HTTP/1.1\r\n\r\n"} {
		if r := runOne(t, NewHTTPGet(netip.MustParseAddrPort("127.0.0.1:1"), path)); r.Err == nil || !strings.Contains(r.Err.Error(), ": start: ") {
			t.Errorf("path %q: got %+v, want an error before anything is opened", path, r)
		}
	}
}

// narrow is a request whose socket buffers little of what is sent.
type narrow struct{ *HTTPGet }

func (n narrow) Poll(cx *Context) (Response, bool) {
	r, ready := n.HTTPGet.Poll(cx)
	if n.fd >= 0 {
		unix.SetsockoptInt(n.fd, unix.SOL_SOCKET, unix.SO_SNDBUF, 1<<16)
	}
	return r, ready
}

// Property 8.
func TestPeerThatDoesNotReadHoldsUpNobody(t *testing.T) {
	noLeaks(t)
	otherIsOver := make(chan struct{})
	path := "/" + strings.Repeat("x", 1<<20) // more than both sockets buffer
	stubborn := startPeer(t, func(c *net.TCPConn) {
		<-otherIsOver
		if strings.Contains(readRequest(c), path) {
			io.WriteString(c, hello)
		}
	})
	other := startPeer(t, func(c *net.TCPConn) {
		answer(hello)(c)
		c.CloseWrite()
		untilClosed(c)
		close(otherIsOver)
	})
	for _, r := range runAll[Response](t, narrow{NewHTTPGet(stubborn, path)}, NewHTTPGet(other, "/")) {
		if r.Body != "hello" {
			t.Errorf("got status %d, %d bytes, want hello", r.Status, len(r.Body))
		}
	}
}

var bigBody = 100_000_000 // bytes

func init() {
	info, ok := debug.ReadBuildInfo()
	if ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		bigBody /= 10 // because the race detector looks at every byte
	}
}

// Property 8.
func TestBodyOf100MBArrivesWhole(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 300 MB of memory")
	}
	noLeaks(t)
	size := bigBody
	patience *= 6
	t.Cleanup(func() { patience /= 6 })
	addr := startPeer(t, func(c *net.TCPConn) {
		answer(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", size))(c)
		chunk := bytes.Repeat([]byte("x"), size/100)
		for range 100 {
			c.Write(chunk)
		}
	})
	over := make(chan struct{})
	close(over)
	responses := runAll[Response](t, NewHTTPGet(addr, "/"), neighbor(t, over))
	if got := strings.Count(responses[0].Body, "x"); got != size || len(responses[0].Body) != size {
		t.Errorf("%d of %d bytes are right, want %d: %v", got, len(responses[0].Body), size, responses[0].Err)
	}
	checkFault(t, Response{Status: 200, Body: "hello"}, "", responses[1])
	bigBody = 1_000_000 // once is enough when the tests are repeated
}

// Property 36.
func TestServerThatNeverAnswersTimesOut(t *testing.T) {
	noLeaks(t)
	rt := openRuntime(t)
	h := SpawnRemote(rt, Timeout(HTTPGet(address(listen(t)), "/"), 10*time.Millisecond))
	other := SpawnRemote(rt, neighbor(t, closed()))
	if got := blockOn(t, rt, h).Value; got.Err != ErrTimeout {
		t.Errorf("got %+v, want %v", got, ErrTimeout)
	}
	checkFault(t, Response{Status: 200, Body: "hello"}, "", blockOn(t, rt, other).Value)
}

// Property 36.
func TestHTTPGetThatLosesARaceLeavesNothing(t *testing.T) {
	noLeaks(t)
	rt := openRuntime(t)
	blockOn(t, rt, Race(HTTPGet(fullBacklog(t), "/"), Yield()))
	if after := rt.Report(); after != (Report{}) || waitingFor(rt) != 0 {
		t.Errorf("after the race this is left: %+v, %d wakers", after, waitingFor(rt))
	}
}
