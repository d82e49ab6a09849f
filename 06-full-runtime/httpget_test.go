package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/netip"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// pollOnce polls by hand what an executor would poll after the events that are there.
func pollOnce(t *testing.T, cx *Context, get *httpGet) (Response, bool) {
	t.Helper()
	deliver(t, cx.task.runtime)
	cx.task.runtime.budget = transfersPerPoll
	return get.Poll(cx)
}

// pollUntil polls by hand until the condition holds.
func pollUntil(t *testing.T, cx *Context, get *httpGet, what string, condition func() bool) {
	t.Helper()
	eventually(t, what, func() bool {
		if condition() {
			return true
		}
		if r, ready := pollOnce(t, cx, get); ready || r != (Response{}) {
			t.Fatalf("Poll gives %+v, %t, and this isn't true yet: %s", r, ready, what)
		}
		return false
	})
}

// narrowListener's connections take little that isn't read.
func narrowListener(t *testing.T) *net.TCPListener {
	l := listen(t)
	raw, _ := l.SyscallConn()
	raw.Control(func(fd uintptr) { unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 1<<14) })
	return l
}

// pollUntilStuck polls a request that is too long to be sent at once, to a peer
// that doesn't read, until a part of it is sent and no more is taken.
func pollUntilStuck(t *testing.T, cx *Context, get *httpGet) {
	t.Helper()
	pollUntil(t, cx, get, "there is a connection", func() bool { return get.stream != nil })
	unix.SetsockoptInt(get.stream.fd, unix.SOL_SOCKET, unix.SO_SNDBUF, 1<<16)
	pollUntil(t, cx, get, "the peer takes no more", func() bool { return get.sent > 0 && !get.stream.ready[writable] })
	if get.sent == len(get.target.request) {
		t.Fatal("the whole request is sent, so this test doesn't test anything")
	}
}

// pollAndAccept polls until the peer has read the request.
func pollAndAccept(t *testing.T, cx *Context, get *httpGet, l *net.TCPListener) *net.TCPConn {
	t.Helper()
	pollOnce(t, cx, get)
	c, err := l.AcceptTCP()
	if err != nil {
		t.Fatal(err)
	}
	pollUntil(t, cx, get, "the request is sent", func() bool { return get.sent == len(get.target.request) })
	readRequest(c)
	return c
}

func newHTTPGet(addr netip.AddrPort, path string) *httpGet { return HTTPGet(addr, path).(*httpGet) }

// Property 1.
func TestNothingIsOpenedBeforeTheFirstPoll(t *testing.T) {
	before := descriptors()
	newHTTPGet(netip.MustParseAddrPort("127.0.0.1:1"), "/")
	if diff := cmp.Diff(before, descriptors()); diff != "" {
		t.Errorf("HTTPGet opens a descriptor (-before +after):\n%s", diff)
	}
}

// Properties 2 and 7.
func TestConnectIsStartedNotWaitedFor(t *testing.T) {
	noLeaks(t)
	cx, get := newContext(t), newHTTPGet(fullBacklog(t), "/")
	defer get.Close()
	within(t, "a Poll that connects", func() {
		if r, ready := get.Poll(cx); ready {
			t.Errorf("Poll gives %+v while the connect is under way", r)
		}
	})
}

// Properties 4 and 7.
func TestConnectIsNotAssumedToBeOver(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("a full backlog does not hold up a connect here")
	}
	noLeaks(t)
	cx, get := newContext(t), newHTTPGet(fullBacklog(t), "/")
	defer get.Close()
	for range 100 {
		pollOnce(t, cx, get)
	}
	if get.dial == nil || get.stream != nil {
		t.Error("after 100 polls the request takes the connect for finished")
	}
}

// Property 3.
func TestHTTPGetPolledAfterItFinishedPanics(t *testing.T) {
	noLeaks(t)
	cx, get := newContext(t), newHTTPGet(startPeer(t, answer(hello)), "/")
	eventually(t, "Poll is ready", func() bool { _, ready := pollOnce(t, cx, get); return ready })
	wantPanic(t, "HTTPGet polled after it finished", func() { get.Poll(cx) })
}

// Property 6.
func TestResponseIsZeroUntilReady(t *testing.T) {
	noLeaks(t)
	l := listen(t)
	cx, get := newContext(t), newHTTPGet(address(l), "/")
	defer get.Close()
	c := pollAndAccept(t, cx, get, l)
	defer c.Close()
	io.WriteString(c, hello[:len(hello)-1])
	pollUntil(t, cx, get, "all but a byte of the reply has come", func() bool { return get.length == 4 })
	for range 100 {
		if r, ready := pollOnce(t, cx, get); ready || r != (Response{}) {
			t.Fatalf("got %+v, %t, before the last byte of the reply", r, ready)
		}
	}
}

// Property 8.
func TestRequestArrivesWholeThroughPartialWrites(t *testing.T) {
	noLeaks(t)
	l := narrowListener(t)
	path := "/" + strings.Repeat("x", 4<<20)
	cx, get := newContext(t), newHTTPGet(address(l), path)
	defer get.Close()
	pollUntilStuck(t, cx, get)
	c, err := l.AcceptTCP()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	want := fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, address(l))
	got := make(chan string)
	go func() { got <- readRequest(c) }()
	pollUntil(t, cx, get, "the request is sent", func() bool { return get.sent == len(want) })
	if <-got != want {
		t.Error("the request has changed on its way")
	}
}

// Property 9.
func TestErrorNamesOperationAndAddress(t *testing.T) {
	noLeaks(t)
	addr := startPeer(t, both(answer(ok), reset))
	r := runOne(t, HTTPGet(addr, "/a"))
	if want := fmt.Sprintf("read %s: connection reset by peer", addr); r.Err == nil || r.Err.Error() != want {
		t.Errorf("got %+v, want error %q", r, want)
	}
}

// closeTwice closes get, and in between opens a socket that may get the same number.
func closeTwice(t *testing.T, get *httpGet) {
	t.Helper()
	get.Close()
	next, _ := bound(t)
	get.Close()
	if _, err := unix.Getsockname(next); err != nil {
		t.Errorf("the second Close has closed another socket, %d: %v", next, err)
	}
}

// Property 11.
func TestCloseInAnyStateClosesOnce(t *testing.T) {
	for name, arrive := range map[string]func(t *testing.T, cx *Context) *httpGet{
		"new": func(t *testing.T, cx *Context) *httpGet { return newHTTPGet(address(listen(t)), "/") },
		"connecting": func(t *testing.T, cx *Context) *httpGet {
			get := newHTTPGet(fullBacklog(t), "/")
			get.Poll(cx)
			return get
		},
		"sending": func(t *testing.T, cx *Context) *httpGet {
			get := newHTTPGet(address(narrowListener(t)), "/"+strings.Repeat("x", 4<<20))
			pollUntilStuck(t, cx, get)
			return get
		},
		"receiving": func(t *testing.T, cx *Context) *httpGet {
			l := listen(t)
			get := newHTTPGet(address(l), "/")
			c := pollAndAccept(t, cx, get, l)
			t.Cleanup(func() { c.Close() })
			return get
		},
		"finished": func(t *testing.T, cx *Context) *httpGet {
			get := newHTTPGet(startPeer(t, answer(hello)), "/")
			eventually(t, "Poll is ready", func() bool { _, ready := pollOnce(t, cx, get); return ready })
			return get
		},
	} {
		t.Run(name, func(t *testing.T) {
			noLeaks(t)
			closeTwice(t, arrive(t, newContext(t)))
		})
	}
}

func TestPathCannotCarryAHeader(t *testing.T) {
	for _, path := range []string{"", "a", "/\r\nX: y", "/ HTTP/1.1\r\n\r\n"} {
		get := newHTTPGet(netip.MustParseAddrPort("127.0.0.1:1"), path)
		if r := runOne(t, Future[Response](get)); r.Err == nil && !strings.HasPrefix(string(get.target.request), "GET "+strings.ReplaceAll(path, " ", "%20")+" HTTP/1.1\r\nHost: ") || get.tried > 0 {
			t.Errorf("path %q: got %+v after %q, want an error before anything is opened", path, r, get.target.request)
		}
	}
}

// The zone of an address says which interface it is for. That concerns the
// kernel, and means nothing to the server.
func TestZoneIsForTheKernelOnly(t *testing.T) {
	noLeaks(t)
	addr := netip.MustParseAddrPort("[fe80::1%1]:80")
	if get := newHTTPGet(addr, "/"); !strings.Contains(string(get.target.request), "\r\nHost: [fe80::1]\r\n") &&
		!strings.Contains(string(get.target.request), "\r\nHost: [fe80::1]:80\r\n") {
		t.Errorf("to %v it sends %q, want a Host without the zone", addr, get.target.request)
	}
	for zone, works := range map[string]bool{"1": true, "no-such-interface": false, "4294967297": false} {
		// Port 1 of an address that isn't there: with a zone the kernel looks for a
		// route, without one it doesn't know where to look (EINVAL).
		r := runOne(t, Timeout(HTTPGet(netip.MustParseAddrPort("[fe80::1%"+zone+"]:1"), "/"), time.Second))
		text := fmt.Sprint(r.Err, r.Value.Err)
		if strings.Contains(text, "invalid argument") || !works && !strings.Contains(text, fmt.Sprintf("no network interface %q", zone)) {
			t.Errorf("zone %s: %s", zone, text)
		}
	}
}

// faults are what a peer may do to a connection, each with what the request should
// yield then.
var faults = []struct {
	name string
	play func(*net.TCPConn)
	want Response
	err  string // a regular expression, if an error is wanted instead
}{
	{name: "end before the reply", play: answer(), err: cutShort},
	{name: "reset before the request", play: reset, err: `(dial|read|write) \S+: (connection reset by peer|broken pipe)$`},
	{name: "reset before the reply", play: both(answer(), reset), err: wasReset},
	{name: "reset during the header", play: both(answer(ok), reset), err: wasReset},
	{name: "reset during the reply", play: both(answer(hello[:len(hello)-1]), reset), err: wasReset},
	{name: "reset after the reply", play: both(answer(hello), reset), want: helloResponse},
	{name: "reset where only the end tells the length", play: both(answer("HTTP/1.0 200 OK\r\n\r\nhello"), reset), err: wasReset},
	{
		name: "half-close after the reply",
		play: both(answer(hello), func(c *net.TCPConn) { c.CloseWrite(); untilClosed(c) }),
		want: helloResponse,
	},
	{name: "half-close before the request", play: func(c *net.TCPConn) { c.CloseWrite(); untilClosed(c) }, err: cutShort},
	{name: "one byte at a time", play: answer(strings.Split(hello, "")...), want: helloResponse},
	{name: "two replies in one segment", play: answer(hello + strings.ReplaceAll(hello, "hello", "other")), want: helloResponse},
	{name: "1xx before the reply", play: answer("HTTP/1.1 100 Continue\r\n\r\n", hello), want: helloResponse},
	{name: "1xx and no reply", play: answer("HTTP/1.1 100 Continue\r\n\r\n"), err: cutShort},
	{name: "204", play: answer("HTTP/1.1 204 No Content\r\n\r\n"), want: Response{Status: 204}},
	{name: "304", play: answer("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"), want: Response{Status: 304}},
	{name: "no Content-Length, early end", play: answer(ok + "\r\nhel"), want: Response{Status: 200, Body: "hel"}},
	{name: "Content-Length, early end", play: answer(hello[:len(hello)-1]), err: `after 4 bytes of its body: unexpected EOF$`},
	{name: "two Content-Lengths", play: answer(ok + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"), err: `Content-Length`},
	{name: "chunk cut short", play: answer(ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhel"), err: cutShort},
	{name: "last chunk missing", play: answer(ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"), err: cutShort},
	{name: "chunk of no length", play: answer(ok + "Transfer-Encoding: chunked\r\n\r\nz\r\nhello"), err: `chunk length$`},
	{name: "rubbish for a status line", play: answer("rubbish\r\n\r\n"), err: `^malformed HTTP response`},
	{name: "three bytes", play: answer("\r\n\r"), err: `^malformed HTTP response`},
	{name: "header without end", play: both(answer(ok+"X: "), endless), err: `^header longer than 1048576 bytes$`},
	{name: "header cut short", play: answer(ok + "X: y\r\n"), err: cutShort},
	{name: "header of nearly 1 MB", play: answer(headerOf(maxHeader-100) + "hello"), want: helloResponse},
	{name: "header of more than 1 MB", play: answer(headerOf(maxHeader+100) + "hello"), err: `^header longer than 1048576 bytes$`},
	{name: "body without end", play: both(answer(ok+"\r\n"), endless), err: `^reply of more than 4194304 bytes$`},
}

const (
	ok       = "HTTP/1.1 200 OK\r\n"
	cutShort = `^reply cut short (in its header|after \d bytes of its body): unexpected EOF$`
	wasReset = `^read \S+: connection reset by peer$`
)

var helloResponse = Response{Status: 200, Body: "hello"}

func both(first, then func(*net.TCPConn)) func(*net.TCPConn) {
	return func(c *net.TCPConn) {
		first(c)
		then(c)
	}
}

// endless writes until the other side closes.
func endless(c *net.TCPConn) {
	chunk := bytes.Repeat([]byte("y"), 1<<16)
	for err := error(nil); err == nil; {
		_, err = c.Write(chunk)
	}
}

// Properties 10, 11 and 12.
func TestFaultOfOnePeerIsErrorOfOneRequest(t *testing.T) {
	for _, fault := range faults {
		t.Run(fault.name, func(t *testing.T) {
			noLeaks(t)
			over := make(chan struct{})
			get := newHTTPGet(startPeer(t, func(c *net.TCPConn) {
				defer close(over)
				fault.play(c)
				c.Close()
			}), "/")
			get.maxReply = 4 << 20
			responses := runAll[Response](t, get, neighbor(t, over))
			checkFault(t, fault.want, fault.err, responses[0])
			checkFault(t, helloResponse, "", responses[1])
		})
	}
}

// neighbor returns a request that stays under way until over is closed.
func neighbor(t *testing.T, over <-chan struct{}) Future[Response] {
	return HTTPGet(startPeer(t, func(c *net.TCPConn) {
		<-over
		answer(hello)(c)
	}), "/")
}

func closed() <-chan struct{} {
	over := make(chan struct{})
	close(over)
	return over
}

func checkFault(t *testing.T, want Response, wantErr string, got Response) {
	t.Helper()
	if wantErr == "" {
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("response (-want +got):\n%s", diff)
		}
	} else if got.Err == nil || !regexp.MustCompile(wantErr).MatchString(got.Err.Error()) {
		t.Errorf("got %+v, want an error that matches %s", got, wantErr)
	}
}

// Property 12.
func TestRefusedConnectIsErrorOfOneRequest(t *testing.T) {
	noLeaks(t)
	_, addr := bound(t)
	responses := runAll(t, HTTPGet(addr, "/"), neighbor(t, closed()))
	checkFault(t, Response{}, `^dial `+addr.String()+`: connection refused$`, responses[0])
	checkFault(t, helloResponse, "", responses[1])
}

// Properties 7 and 36.
func TestConnectThatHangsDelaysNoOtherRequest(t *testing.T) {
	noLeaks(t)
	rt := openRuntime(t)
	got := blockOn(t, rt, Race(HTTPGet(fullBacklog(t), "/"), neighbor(t, closed())))
	if after := rt.Report(); got.First || got.B != helloResponse || after != (Report{}) || waitingFor(rt) != 0 {
		t.Errorf("got %+v, want hello of the second request; after the race this is left: %+v, %d wakers", got, after, waitingFor(rt))
	}
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
	checkFault(t, helloResponse, "", blockOn(t, rt, other).Value)
}

// Property 8.
func TestPeerThatDoesNotReadDelaysNoOtherRequest(t *testing.T) {
	noLeaks(t)
	otherIsOver := make(chan struct{})
	path := "/" + strings.Repeat("x", 8<<20) // more than the buffers of both sockets hold
	stubborn := startPeer(t, func(c *net.TCPConn) {
		<-otherIsOver
		if strings.Contains(readRequest(c), path) {
			io.WriteString(c, hello)
		}
	})
	rt := openRuntime(t)
	h := SpawnRemote(rt, HTTPGet(stubborn, path))
	checkFault(t, helloResponse, "", blockOn(t, rt, neighbor(t, closed())))
	close(otherIsOver)
	checkFault(t, helloResponse, "", blockOn(t, rt, h).Value)
}

// Property 8: a reply may begin before the request has been read.
func TestRequestIsSentToItsEndAfterTheReplyHasBegun(t *testing.T) {
	noLeaks(t)
	peer := startPeer(t, both(func(c *net.TCPConn) { io.WriteString(c, "HTTP/1.1 103 Early Hints\r\n\r\n") }, answer(hello)))
	checkFault(t, helloResponse, "", runOne(t, HTTPGet(peer, "/"+strings.Repeat("x", 8<<20))))
}

// Property 9.
func TestResetWhileTheRequestIsSentIsSaid(t *testing.T) {
	noLeaks(t)
	peer := startPeer(t, func(c *net.TCPConn) { c.Read(make([]byte, 1)); reset(c) })
	r := runOne(t, HTTPGet(peer, "/"+strings.Repeat("x", 8<<20)))
	checkFault(t, Response{}, `write \S+: (connection reset by peer|broken pipe)$`, r)
}

var bigBody = 100_000_000 // bytes

func init() {
	info, ok := debug.ReadBuildInfo()
	if ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		bigBody /= 10 // because the race detector looks at every byte
	}
}

// Property 8. Whoever only counts the bytes, as get does, needs no memory for them.
func TestBodyOf100MBArrivesWhole(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 300 MB of memory")
	}
	noLeaks(t)
	size := bigBody
	patience *= 6
	t.Cleanup(func() { patience /= 6 })
	addr := startPeer(t, func(c *net.TCPConn) {
		answer(fmt.Sprintf("%sContent-Length: %d\r\n\r\n", ok, size))(c)
		chunk := bytes.Repeat([]byte("x"), size/100)
		for range 100 {
			c.Write(chunk)
		}
	})
	kept, counted := newHTTPGet(addr, "/"), newHTTPGet(addr, "/")
	kept.maxReply, counted.maxReply = size, 0
	responses := runAll[Response](t, kept, counted, neighbor(t, closed()))
	if got := strings.Count(responses[0].Body, "x"); got != size || len(responses[0].Body) != size {
		t.Errorf("%d of %d bytes are right, want %d: %v", got, len(responses[0].Body), size, responses[0].Err)
	}
	if counted.length != int64(size) || counted.body.Cap() != 0 {
		t.Errorf("counted %d bytes and kept %d, want %d and none", counted.length, counted.body.Cap(), size)
	}
	checkFault(t, helloResponse, "", responses[2])
	bigBody = 1_000_000 // once is enough when the tests are repeated
}

// A client that keeps a reply needs a limit: see TestReplyIsNotLongerThanMaxReply.
func TestHTTPGetKeepsAtMost64MiB(t *testing.T) {
	if got := newHTTPGet(refusing(t), "/").maxReply; got != 64<<20 {
		t.Errorf("HTTPGet keeps %d bytes, want at most %d", got, 64<<20)
	}
}

// limited is a future that is polled when the process may open nothing.
type limited struct {
	Future[Response]
	t             *testing.T
	before, after chan struct{}
}

func (l limited) Poll(cx *Context) (Response, bool) {
	<-l.before
	defer close(l.after)
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		l.t.Error(err)
	}
	none := unix.Rlimit{Cur: 0, Max: limit.Max}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &none); err != nil {
		l.t.Error(err)
	}
	defer unix.Setrlimit(unix.RLIMIT_NOFILE, &limit)
	return l.Future.Poll(cx)
}

// Property 11: running out of descriptors fails one request, not the program. The
// other request is under way and already has its descriptor.
func TestDescriptorLimitIsErrorOfOneRequest(t *testing.T) {
	noLeaks(t)
	before, after := make(chan struct{}), make(chan struct{})
	other := HTTPGet(startPeer(t, func(c *net.TCPConn) {
		close(before)
		<-after
		answer(hello)(c)
	}), "/")
	responses := runAll[Response](t, other, limited{HTTPGet(address(listen(t)), "/"), t, before, after})
	checkFault(t, Response{}, `^dial \S+: socket: too many open files \(ulimit -n`, responses[1])
	checkFault(t, helloResponse, "", responses[0])
	checkFault(t, helloResponse, "", runOne(t, HTTPGet(startPeer(t, answer(hello)), "/")))
}
