package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// faults are what a peer may do with a connection, and what its request yields.
var faults = []struct {
	name string
	play func(*net.TCPConn)
	want Response
	err  string // instead of want: a regular expression
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
			get := NewHTTPGet(startPeer(t, func(c *net.TCPConn) {
				defer close(over)
				fault.play(c)
				c.Close()
			}), "/")
			get.MaxReply = 4 << 20
			responses := runAll[Response](t, get, neighbor(t, over))
			checkFault(t, fault.want, fault.err, responses[0])
			if want := (Response{Status: 200, Body: "hello"}); responses[1] != want {
				t.Errorf("the request beside it: got %+v, want %+v", responses[1], want)
			}
		})
	}
}

// neighbor is a request that is under way until something is over.
func neighbor(t *testing.T, over <-chan struct{}) *HTTPGet {
	return NewHTTPGet(startPeer(t, func(c *net.TCPConn) {
		<-over
		answer(hello)(c)
	}), "/")
}

func checkFault(t *testing.T, want Response, wantErr string, got Response) {
	t.Helper()
	if wantErr == "" {
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	} else if got.Err == nil || !regexp.MustCompile(wantErr).MatchString(got.Err.Error()) {
		t.Errorf("got %+v, want an error that matches %s", got, wantErr)
	}
}

// besides polls a future until another one is ready, and then abandons it.
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
func TestConnectThatHangsHoldsUpNobody(t *testing.T) {
	noLeaks(t)
	over := make(chan struct{})
	close(over)
	r := runOne[Response](t, besides{NewHTTPGet(fullBacklog(t), "/"), neighbor(t, over)})
	if r.Body != "hello" {
		t.Errorf("the request beside it: got %+v", r)
	}
}

// Property 12.
func TestRefusedConnectIsErrorOfOneRequest(t *testing.T) {
	noLeaks(t)
	over := make(chan struct{})
	close(over)
	_, addr := bound(t)
	responses := runAll[Response](t, NewHTTPGet(addr, "/"), neighbor(t, over))
	checkFault(t, Response{}, `connect: connection refused$`, responses[0])
	checkFault(t, Response{Status: 200, Body: "hello"}, "", responses[1])
}

// A script is what the other end of a connection does, step by step. The ends
// are a pair of Unix sockets, and both are on the goroutine of the test: what
// one does, the other finds at once, so the same steps are always the same
// order of events. A step is a letter:
//
//	s  sends a byte     h  reads a byte     f  has finished sending
//	S  sends 64         H  reads 4096       r  resets the connection
//	t  lets the end under test have a turn
//	w  lets a millisecond pass, where a test has a clock
//	i  interrupts the next call of the end under test
//	m  lets that move one byte
//
// Only some bits of a letter count, so that all bytes are a script. After the
// last step it sends and reads what is left, and finishes.
type script struct {
	fd, tested int    // the two ends
	steps      string // to come
	wire       string // to be sent
	said       string // has been sent
	request    string // of the end under test, or "": its last byte is never read
	heard      []byte // of it
	asked      bool   // all of it had come when the connection was reset
	end        error  // nil, io.EOF when it has finished, or ECONNRESET
	pause      func() // for w, or nil

	interrupted, minced bool // the next call
}

func newScript(t *testing.T, wire, steps string) *script {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	s := &script{fd: pair[0], tested: pair[1], wire: wire, steps: steps}
	for _, fd := range pair {
		if err := unix.SetNonblock(fd, true); err != nil {
			t.Fatal(err)
		}
	}
	// As small as the kernel makes it: what is longer is written in parts.
	if err := unix.SetsockoptInt(s.tested, unix.SOL_SOCKET, unix.SO_SNDBUF, 1); err != nil {
		t.Fatal(err)
	}
	meddle = s.meddle
	t.Cleanup(func() {
		meddle = leaveAlone
		if s.end != unix.ECONNRESET {
			unix.Close(s.fd)
		}
	})
	return s
}

// run makes the steps up to the next turn of the end under test. It says
// whether there was anything to do.
func (s *script) run() (moved bool) {
	for len(s.steps) > 0 {
		moved = true
		step := s.steps[0]
		s.steps = s.steps[1:]
		capital := step&('a'-'A') == 0
		switch step & 7 {
		case 's' & 7:
			s.say(size(capital, 64))
		case 'h' & 7:
			s.hear(size(capital, 4096))
		case 'f' & 7:
			s.finish()
		case 'r' & 7:
			s.reset()
		case 't' & 7:
			return moved
		case 'w' & 7:
			if s.pause != nil {
				s.pause()
			}
		case 'i' & 7:
			s.interrupted = true
		case 'm' & 7:
			s.minced = true
		}
	}
	moved = s.say(len(s.wire)) || moved
	moved = s.hear(1<<16) || moved
	return s.wire == "" && s.finish() || moved
}

func size(capital bool, many int) int {
	if capital {
		return many
	}
	return 1
}

func (s *script) say(n int) (moved bool) {
	if s.end != nil {
		return false
	}
	n, _ = ignoringEINTR(unix.Write, s.fd, []byte(s.wire[:min(n, len(s.wire))]))
	s.said, s.wire = s.said+s.wire[:n], s.wire[n:]
	return n > 0
}

func (s *script) hear(n int) (moved bool) {
	if s.request != "" {
		n = min(n, len(s.request)-1-len(s.heard))
	}
	if s.end == unix.ECONNRESET {
		return false
	}
	p := make([]byte, n)
	n, _ = ignoringEINTR(unix.Read, s.fd, p)
	s.heard = append(s.heard, p[:n]...)
	return n > 0
}

func (s *script) finish() (moved bool) {
	if s.end != nil {
		return false
	}
	unix.Shutdown(s.fd, unix.SHUT_WR)
	s.end = io.EOF
	return true
}

// reset closes a connection on which something has not been read: that is what
// makes it a reset.
func (s *script) reset() {
	if s.end != nil {
		return
	}
	if s.request != "" {
		s.hear(len(s.request))
		n, _, _ := unix.Recvfrom(s.fd, make([]byte, 1), unix.MSG_PEEK)
		s.asked = n == 1 && len(s.heard) == len(s.request)-1
	}
	unix.Close(s.fd)
	s.end = unix.ECONNRESET
}

// meddle says how many of n bytes the next call may move, or how it fails.
func (s *script) meddle(fd, n int) (most int, err error) {
	if fd != s.tested {
		return n, nil
	}
	if s.interrupted {
		s.interrupted = false
		return 0, unix.EINTR
	}
	if s.minced {
		s.minced = false
		return min(n, 1), nil
	}
	return n, nil
}

// meddle is asked before each read and write, but only in the copies of the
// chapters that fuzz_test.go in the root makes. The kernel interrupts no call
// on demand, and a chapter has no hook for it.
var meddle = leaveAlone

func leaveAlone(_, n int) (most int, err error) { return n, nil }

// response is what net/http makes of what was said, and of how that ended.
func (s *script) response(t *testing.T) Response {
	t.Helper()
	if !strings.HasPrefix(s.request, string(s.heard)) {
		t.Errorf("the request comes as %q", s.heard)
	}
	if s.end == nil {
		t.Errorf("after %q it was over, although the other end had not finished", s.said)
		return Response{}
	}
	if s.end == unix.ECONNRESET && !s.asked {
		return Response{Err: errors.New("reset before the request had come")}
	}
	r := bufio.NewReader(io.MultiReader(strings.NewReader(s.said), failing{s.end}))
	head, err := http.ReadResponse(r, nil)
	for err == nil && head.StatusCode < 200 && head.StatusCode != http.StatusSwitchingProtocols {
		head, err = http.ReadResponse(r, nil)
	}
	if err != nil {
		return Response{Err: err}
	}
	body, err := io.ReadAll(head.Body)
	return Response{Status: head.StatusCode, Body: string(body), Err: err}
}

// failing is a reader of nothing.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// getScripted is what an HTTPGet makes of a script. It is polled before each
// turn of that, which is more often than is needed. The request is longer than
// it need be.
func getScripted(t *testing.T, s *script, longer, maxReply int) Response {
	t.Helper()
	cx, addr, path := newContext(t), netip.MustParseAddrPort("127.0.0.1:1"), "/"+strings.Repeat("x", longer)
	s.request = fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, addr)
	get := NewHTTPGet(addr, path)
	get.state, get.fd, get.rest, get.MaxReply = sending, s.tested, []byte(s.request), maxReply
	defer get.Close()
	for idle := 0; idle < 1000; {
		if r, ready := get.Poll(cx); ready {
			if _, err := unix.Getsockname(s.tested); err != unix.EBADF {
				t.Errorf("its descriptor is still open: %v", err)
			}
			return r
		} else if r != (Response{}) {
			t.Fatalf("Poll gives %+v and is not ready", r)
		}
		if !s.run() {
			idle++
		}
	}
	t.Fatalf("after all there is, it is in state %q, with %.1000q", get.state, get.reply)
	return Response{}
}

// Properties 8, 9 and 10: however the request goes and the reply comes, it
// is read as net/http reads the whole.
func FuzzReply(f *testing.F) {
	for _, reply := range replies {
		f.Add(reply.wire, "", uint16(0))
		f.Add(reply.wire, strings.Repeat("st", len(reply.wire)), uint16(0))
	}
	f.Fuzz(func(t *testing.T, wire, steps string, longer uint16) {
		const maxReply = 4096
		s := newScript(t, wire, steps)
		got, want := getScripted(t, s, int(longer), maxReply), Response{Err: errors.New("longer than is allowed")}
		if len(s.said) <= maxReply {
			want = s.response(t)
		}
		if (got.Err != nil) != (want.Err != nil) || want.Err == nil && got != want {
			t.Errorf("of %q, then %v, is made %+v, want %+v", s.said, s.end, got, want)
		}
	})
}

// Properties 8 and 10. HTTPGet asks with GET only. Who answers that as if it
// were HEAD has left out the body, wherever the segments end.
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

// limits are replies at our own limits, and at those of net/http, which we
// leave to it.
var limits = []struct {
	name, wire string
	want       Response
	err        string // instead of want: a regular expression
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
	{name: "status that nobody knows", wire: "HTTP/1.1 999 What\r\n\r\nhello", want: Response{Status: 999, Body: "hello"}},
	{name: "status without reason", wire: "HTTP/1.1 200\r\n\r\nhello", want: Response{Status: 200, Body: "hello"}},
	{name: "another protocol", wire: "ICY 200 OK\r\n\r\nhello", err: `malformed HTTP version`},
	{name: "version of two digits", wire: "HTTP/1.12 200 OK\r\n\r\nhello", err: `malformed HTTP version`},
	{name: "other protocol asked for by nobody", wire: "HTTP/1.1 101 Switching Protocols\r\n\r\nhello", want: Response{Status: 101}},

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
