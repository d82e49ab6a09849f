package main

import (
	"bytes"
	"errors"
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

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// getScripted returns what an HTTPGet makes of a script. The request is polled before
// each turn of the script, which is more often than it needs. Its path is longer by
// so many bytes.
func getScripted(t *testing.T, s *script, longer, maxReply int) Response {
	t.Helper()
	cx, addr, path := newContext(t), netip.MustParseAddrPort("127.0.0.1:1"), "/"+strings.Repeat("x", longer)
	s.request = fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, addr)
	get := HTTPGet(addr, path).(*httpGet)
	get.state, get.fd, get.rest, get.maxReply = sending, s.tested, []byte(s.request), maxReply
	defer get.Close()
	for idle := 0; idle < 1000; {
		if r, ready := get.Poll(cx); ready {
			if _, err := unix.Getsockname(s.tested); err != unix.EBADF {
				t.Errorf("the request is ready, so its descriptor should be closed, but Getsockname gives %v, want EBADF", err)
			}
			return r
		} else if r != (Response{}) {
			t.Fatalf("Poll isn't ready, but it gives %+v, want a zero Response", r)
		}
		if !s.run() {
			idle++
		}
	}
	t.Fatalf("the script is over, but the request is still in state %q, with %.1000q", get.state, get.reply)
	return Response{}
}

// Properties 8, 9 and 10: however the request and the reply are split on their way, the
// result is what net/http makes of the whole reply.
func FuzzReply(f *testing.F) {
	for _, reply := range replies {
		f.Add(reply.wire, "", uint16(0))
		f.Add(reply.wire, strings.Repeat("st", len(reply.wire)), uint16(0))
	}
	f.Fuzz(func(t *testing.T, wire, steps string, longer uint16) {
		const maxReply = 4096
		s := newScript(t, wire, steps)
		got, want := getScripted(t, s, int(longer), maxReply), Response{Err: errors.New("the reply is longer than we allow")}
		if len(s.said) <= maxReply {
			want = s.response(t)
		}
		if (got.Err != nil) != (want.Err != nil) || want.Err == nil && got != want {
			t.Errorf("the peer sends %q, then %v: got %+v, want %+v", s.said, s.end, got, want)
		}
	})
}

// Properties 8 and 10: HTTPGet only ever sends GET. A server that answers as if it were
// HEAD has left out the body, wherever the segments end.
func TestReplyAsToHEADIsAnErrorHoweverItIsSplit(t *testing.T) {
	for cut := range len(hello) - len("hello") + 1 {
		s := newScript(t, strings.TrimSuffix(hello, "hello"), "t"+strings.Repeat("s", cut)+"t")
		checkFault(t, Response{}, `read: unexpected EOF$`, getScripted(t, s, 0, 1<<20))
	}
}

// headerOf makes a header of n bytes, for a body of five.
func headerOf(n int) string {
	const start, end = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: ", "\r\n\r\n"
	return start + strings.Repeat("y", n-len(start+end)) + end
}

// limits are replies at our own limits, and at those that net/http checks for us.
var limits = []struct {
	name, wire string
	want       Response
	err        string // a regular expression, if an error is wanted instead
}{
	{name: "longest header", wire: headerOf(maxHeader) + "hello", want: Response{Status: 200, Body: "hello"}},
	{name: "header one byte too long", wire: headerOf(maxHeader+1) + "hello", err: `header longer than 1048576 bytes$`},
	{name: "1xx without end", wire: strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", maxHeader/20), err: `header longer than 1048576 bytes$`},

	{name: "one length twice", wire: ok + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", want: Response{Status: 200, Body: "hello"}},
	{name: "two lengths", wire: ok + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", err: `Content-Length`},
	{name: "two lengths in one line", wire: ok + "Content-Length: 5, 5\r\n\r\nhello", err: `bad Content-Length`},
	{name: "no length", wire: ok + "Content-Length:\r\n\r\nhello", err: `empty Content-Length`},
	{name: "length below zero", wire: ok + "Content-Length: -5\r\n\r\nhello", err: `bad Content-Length`},
	{name: "length with a sign", wire: ok + "Content-Length: +5\r\n\r\nhello", err: `bad Content-Length`},
	{name: "length of 64 bits", wire: ok + "Content-Length: 9223372036854775808\r\n\r\nhello", err: `bad Content-Length`},
	{name: "length of 63 bits", wire: ok + "Content-Length: 9223372036854775807\r\n\r\nhello", err: `unexpected EOF$`},
	{name: "length and chunks", wire: ok + "Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", want: Response{Status: 200, Body: "hello"}},

	{name: "chunks of another encoding", wire: ok + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", err: `unsupported transfer encoding`},
	{name: "long chunk extension", wire: ok + "Transfer-Encoding: chunked\r\n\r\n5;" + strings.Repeat("x", 5000) + "\r\nhello\r\n0\r\n\r\n", err: `line too long$`},
	{name: "chunk of 68 bits", wire: ok + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nhello\r\n0\r\n\r\n", err: `chunk length too large$`},
	{name: "chunk below zero", wire: ok + "Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n", err: `chunk length$`},
	{name: "chunk longer than it says", wire: ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello0\r\n\r\n", err: `malformed chunked encoding$`},

	{name: "status of two digits", wire: "HTTP/1.1 99 Less\r\n\r\n", err: `malformed HTTP status code`},
	{name: "status of four digits", wire: "HTTP/1.1 1000 More\r\n\r\n", err: `malformed HTTP status code`},
	{name: "status that is no number", wire: "HTTP/1.1 2x0 OK\r\n\r\n", err: `malformed HTTP status code`},
	{name: "unassigned status", wire: "HTTP/1.1 999 What\r\n\r\nhello", want: Response{Status: 999, Body: "hello"}},
	{name: "status without reason", wire: "HTTP/1.1 200\r\n\r\nhello", want: Response{Status: 200, Body: "hello"}},
	{name: "another protocol", wire: "ICY 200 OK\r\n\r\nhello", err: `malformed HTTP version`},
	{name: "version of two digits", wire: "HTTP/1.12 200 OK\r\n\r\nhello", err: `malformed HTTP version`},
	{name: "other protocol that wasn't asked for", wire: "HTTP/1.1 101 Switching Protocols\r\n\r\nhello", want: Response{Status: 101}},

	{name: "empty line first", wire: "\r\n" + hello, err: `malformed HTTP response`},
	{name: "line ends without carriage return", wire: strings.ReplaceAll(hello, "\r", ""), want: Response{Status: 200, Body: "hello"}},
	{name: "no colon", wire: ok + "no colon\r\n\r\nhello", err: `malformed MIME header`},
	{name: "no name", wire: ok + ": y\r\n\r\nhello", err: `malformed MIME header`},
	{name: "zero byte", wire: ok + "X: \x00\r\n\r\nhello", err: `malformed MIME header`},
}

const ok = "HTTP/1.1 200 OK\r\n"

// Property 10.
func TestReplyAtItsLimits(t *testing.T) {
	for _, limit := range limits {
		t.Run(limit.name, func(t *testing.T) {
			checkFault(t, limit.want, limit.err, getScripted(t, newScript(t, limit.wire, ""), 0, 1<<22))
		})
	}
}

func TestReplyIsNotLongerThanMaxReply(t *testing.T) {
	for _, steps := range []string{"", strings.Repeat("st", len(hello))} {
		got := getScripted(t, newScript(t, hello, steps), 0, len(hello))
		checkFault(t, Response{Status: 200, Body: "hello"}, "", got)
		got = getScripted(t, newScript(t, hello, steps), 0, len(hello)-1)
		checkFault(t, Response{}, fmt.Sprintf(`read: more than %d bytes$`, len(hello)-1), got)
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
	{name: "end before the reply", play: answer(), err: `read: unexpected EOF$`},
	{name: "reset before the request", play: reset, err: `(connect|write|read): (connection reset by peer|broken pipe)$`},
	{name: "reset before the reply", play: both(answer(), reset), err: `read: connection reset by peer$`},
	{name: "reset during the header", play: both(answer("HTTP/1.1 200 OK\r\n"), reset), err: `read: connection reset by peer$`},
	{name: "reset during the reply", play: both(answer(hello[:len(hello)-1]), reset), err: `read: connection reset by peer$`},
	{name: "reset after the reply", play: both(answer(hello), reset), want: Response{Status: 200, Body: "hello"}},
	{
		name: "reset where only the end tells the length",
		play: both(answer("HTTP/1.0 200 OK\r\n\r\nhello"), reset),
		err:  `read: connection reset by peer$`,
	},
	{
		name: "half-close after the reply",
		play: both(answer(hello), func(c *net.TCPConn) { c.CloseWrite(); untilClosed(c) }),
		want: Response{Status: 200, Body: "hello"},
	},
	{
		name: "half-close before the request",
		play: func(c *net.TCPConn) { c.CloseWrite(); untilClosed(c) },
		err:  `read: unexpected EOF$`,
	},
	{name: "one byte at a time", play: answer(strings.Split(hello, "")...), want: Response{Status: 200, Body: "hello"}},
	{name: "two replies in one segment", play: answer(hello + strings.ReplaceAll(hello, "hello", "other")), want: Response{Status: 200, Body: "hello"}},
	{name: "1xx before the reply", play: answer("HTTP/1.1 100 Continue\r\n\r\n", hello), want: Response{Status: 200, Body: "hello"}},
	{name: "1xx and no reply", play: answer("HTTP/1.1 100 Continue\r\n\r\n"), err: `read: unexpected EOF$`},
	{name: "204", play: answer("HTTP/1.1 204 No Content\r\n\r\n"), want: Response{Status: 204}},
	{name: "304", play: answer("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"), want: Response{Status: 304}},
	{name: "no Content-Length, early end", play: answer("HTTP/1.1 200 OK\r\n\r\nhel"), want: Response{Status: 200, Body: "hel"}},
	{name: "Content-Length, early end", play: answer(hello[:len(hello)-1]), err: `read: unexpected EOF$`},
	{name: "two Content-Lengths", play: answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"), err: `read: .*Content-Length`},
	{name: "chunk cut short", play: answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"), err: `read: unexpected EOF$`},
	{name: "last chunk missing", play: answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"), err: `read: unexpected EOF$`},
	{name: "chunk of no length", play: answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nz\r\nhello"), err: `read: .*chunk`},
	{name: "rubbish for a status line", play: answer("rubbish\r\n\r\n"), err: `read: malformed HTTP`},
	{name: "three bytes", play: answer("\r\n\r"), err: `read: (malformed HTTP|unexpected EOF)`},
	{name: "header without end", play: both(answer("HTTP/1.1 200 OK\r\nX: "), endless), err: `read: header longer than 1048576 bytes$`},
	{name: "header cut short", play: answer("HTTP/1.1 200 OK\r\nX: y\r\n"), err: `read: unexpected EOF$`},
	{
		name: "header of nearly 1 MB",
		play: answer(strings.Replace(hello, "OK\r\n", "OK\r\nX: "+strings.Repeat("y", maxHeader-100)+"\r\n", 1)),
		want: Response{Status: 200, Body: "hello"},
	}, {
		name: "header of more than 1 MB",
		play: answer(strings.Replace(hello, "OK\r\n", "OK\r\nX: "+strings.Repeat("y", maxHeader)+"\r\n", 1)),
		err:  `read: header longer than 1048576 bytes$`,
	},
	{name: "body without end", play: both(answer("HTTP/1.1 200 OK\r\n\r\n"), endless), err: `read: more than 4194304 bytes$`},
}

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
			get := HTTPGet(startPeer(t, func(c *net.TCPConn) {
				defer close(over)
				fault.play(c)
				c.Close()
			}), "/").(*httpGet)
			get.maxReply = 4 << 20
			responses := runAll[Response](t, get, neighbor(t, over))
			checkFault(t, fault.want, fault.err, responses[0])
			if want := (Response{Status: 200, Body: "hello"}); responses[1] != want {
				t.Errorf("the other request: got %+v, want %+v", responses[1], want)
			}
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

// besides polls both futures until other is ready, and then abandons stuck.
type besides struct {
	stuck, other Future[Response]
}

func (b besides) Poll(cx *Context) (Response, bool) {
	if r, ready := b.stuck.Poll(cx); ready {
		return r, true
	}
	r, ready := b.other.Poll(cx)
	if ready {
		Close(b.stuck)
	}
	return r, ready
}

// Property 7.
func TestConnectThatHangsDelaysNoOtherRequest(t *testing.T) {
	noLeaks(t)
	over := make(chan struct{})
	close(over)
	r := runOne[Response](t, besides{HTTPGet(fullBacklog(t), "/"), neighbor(t, over)})
	if r.Body != "hello" {
		t.Errorf("the other request: got %+v, want hello", r)
	}
}

// Property 12.
func TestRefusedConnectIsErrorOfOneRequest(t *testing.T) {
	noLeaks(t)
	over := make(chan struct{})
	close(over)
	_, addr := bound(t)
	responses := runAll[Response](t, HTTPGet(addr, "/"), neighbor(t, over))
	checkFault(t, Response{}, `connect: connection refused$`, responses[0])
	checkFault(t, Response{Status: 200, Body: "hello"}, "", responses[1])
}

// narrow is a request whose socket buffers only a little of what it sends.
type narrow struct{ *httpGet }

func (n narrow) Poll(cx *Context) (Response, bool) {
	r, ready := n.httpGet.Poll(cx)
	if n.fd >= 0 {
		unix.SetsockoptInt(n.fd, unix.SOL_SOCKET, unix.SO_SNDBUF, 1<<16)
	}
	return r, ready
}

// Property 8.
func TestPeerThatDoesNotReadDelaysNoOtherRequest(t *testing.T) {
	noLeaks(t)
	otherIsOver := make(chan struct{})
	path := "/" + strings.Repeat("x", 1<<20) // more than the buffers of both sockets hold
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
	for _, r := range runAll[Response](t, narrow{HTTPGet(stubborn, path).(*httpGet)}, HTTPGet(other, "/")) {
		if r.Body != "hello" {
			t.Errorf("got status %d, %d bytes, want hello", r.Status, len(r.Body))
		}
	}
}

var bigBody = 100_000_000 // bytes

// raceDetector reports whether the tests were built with -race.
func raceDetector() bool {
	build, _ := debug.ReadBuildInfo()
	return slices.Contains(build.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// Property 8.
func TestBodyOf100MBArrivesWhole(t *testing.T) {
	if testing.Short() {
		t.Skip("this test takes 300 MB of memory")
	}
	noLeaks(t)
	size := bigBody
	if raceDetector() {
		size /= 10 // the race detector looks at every byte
	}
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
	responses := runAll[Response](t, HTTPGet(addr, "/"), neighbor(t, over))
	if got := strings.Count(responses[0].Body, "x"); got != size || len(responses[0].Body) != size {
		t.Errorf("%d of %d bytes in the body are right, want %d, all of them right: %v", got, len(responses[0].Body), size, responses[0].Err)
	}
	checkFault(t, Response{Status: 200, Body: "hello"}, "", responses[1])
	bigBody = 1_000_000 // the full size once is enough when tests are repeated
}

// limited is a request that's polled while the process may not open any descriptor.
type limited struct {
	*httpGet
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
	return l.httpGet.Poll(cx)
}

// Property 11: running out of descriptors fails one request, not the program. The other
// request is under way and already has its descriptor.
func TestDescriptorLimitIsErrorOfOneRequest(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux is known to refuse at once when the limit is lowered")
	}
	noLeaks(t)
	before, after := make(chan struct{}), make(chan struct{})
	other := HTTPGet(startPeer(t, func(c *net.TCPConn) {
		close(before)
		<-after
		answer(hello)(c)
	}), "/")
	responses := runAll[Response](t, other, limited{HTTPGet(address(listen(t)), "/").(*httpGet), t, before, after})
	checkFault(t, Response{}, `start: socket: too many open files \(ulimit -n`, responses[1])
	checkFault(t, Response{Status: 200, Body: "hello"}, "", responses[0])
	checkFault(t, Response{Status: 200, Body: "hello"}, "", runOne(t, HTTPGet(startPeer(t, answer(hello)), "/")))
}
