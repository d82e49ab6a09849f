package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const hello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

// replies are what a server may send, and what each of them means.
var replies = []struct {
	name, wire string
	want       Response
	toEOF      bool // its length isn't known before the connection ends
}{
	{name: "fixed length", wire: hello, want: helloResponse},
	{name: "no body", wire: ok + "Content-Length: 0\r\n\r\n", want: Response{Status: 200}},
	{name: "chunked", wire: ok + "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;a=b\r\nlo\r\n0\r\n\r\n", want: helloResponse},
	{
		name: "chunked with a trailer",
		wire: ok + "Transfer-Encoding: chunked\r\nTrailer: X\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n",
		want: helloResponse,
	},
	{name: "to EOF", wire: "HTTP/1.0 404 No\r\nX: y\r\n\r\nhello", want: Response{Status: 404, Body: "hello"}, toEOF: true},
	{name: "1xx first", wire: "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n" + hello, want: helloResponse},
	{name: "204", wire: "HTTP/1.1 204 No Content\r\nX: y\r\n\r\n", want: Response{Status: 204}},
	{name: "304", wire: "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", want: Response{Status: 304}},
}

// Property 8.
func TestReplySplitAtAnyByteIsTheSame(t *testing.T) {
	for _, reply := range replies {
		t.Run(reply.name, func(t *testing.T) {
			noLeaks(t)
			for cut := range len(reply.wire) {
				s := newScript(t, reply.wire, "t"+strings.Repeat("s", cut)+"t")
				checkFault(t, reply.want, "", getScripted(t, s, 0, 1<<20))
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
			checkFault(t, reply.want, "", runOne(t, HTTPGet(addr, "/")))
		})
	}
}

// A server may leave the connection open after its reply, whatever we ask for.
// The reply itself says where it ends.
func TestReplyEndsWhereItSays(t *testing.T) {
	for _, reply := range replies {
		if reply.toEOF {
			continue
		}
		t.Run(reply.name, func(t *testing.T) {
			noLeaks(t)
			addr := startPeer(t, both(answer(reply.wire), func(c *net.TCPConn) { untilClosed(c) }))
			checkFault(t, reply.want, "", runOne(t, HTTPGet(addr, "/")))
		})
	}
}

// Property 8: the first reply has begun its second chunk when the other one comes.
func TestReplyIsNotMixedWithAnother(t *testing.T) {
	noLeaks(t)
	begun, over := make(chan struct{}), make(chan struct{})
	first := startPeer(t, func(c *net.TCPConn) {
		readRequest(c)
		io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\n")
		close(begun)
		<-over
		io.WriteString(c, "world\r\n0\r\n\r\n")
		untilClosed(c)
	})
	second := startPeer(t, func(c *net.TCPConn) {
		<-begun
		answer("HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n" + strings.Repeat("x", 10_000))(c)
		untilClosed(c)
	})
	rt := openRuntime(t)
	h := SpawnRemote(rt, HTTPGet(first, "/"))
	blockOn(t, rt, HTTPGet(second, "/"))
	close(over)
	if r := blockOn(t, rt, h); r.Value.Body != "helloworld" {
		t.Errorf("got %+v, want a body of helloworld", r)
	}
}

// responseTo is what HTTPGet makes of a reply and of the end of its connection.
func responseTo(wire string, end error) Response {
	get := newHTTPGet(netip.MustParseAddrPort("127.0.0.1:1"), "/")
	return get.receive(new(bufio.Reader), io.MultiReader(strings.NewReader(wire), failing{end}))
}

// Property 10: only what says its length by the end of the connection is complete
// after a clean end, and never after a reset.
func TestReplyCutShortIsAnError(t *testing.T) {
	for _, reply := range replies {
		header := strings.LastIndex(reply.wire, "\r\n\r\n") + len("\r\n\r\n")
		for cut := range len(reply.wire) {
			complete := reply.toEOF && cut >= header
			if r := responseTo(reply.wire[:cut], io.EOF); (r.Err == nil) != complete {
				t.Errorf("%s, cut after %q: got %+v", reply.name, reply.wire[:cut], r)
			}
		}
		if r := responseTo(reply.wire, unix.ECONNRESET); (r.Err == nil) == reply.toEOF {
			t.Errorf("%s, then a reset: got %+v", reply.name, r)
		}
	}
}

// headerOf makes a header of n bytes, for a body of five.
func headerOf(n int) string {
	const start, end = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: ", "\r\n\r\n"
	return start + strings.Repeat("y", n-len(start+end)) + end
}

const chunked = ok + "Transfer-Encoding: chunked\r\n\r\n"

// limits are replies at our own limits, and at those that net/http checks for us.
var limits = []struct {
	name, wire string
	want       Response
	err        string // a regular expression, if an error is wanted instead
}{
	{name: "longest header", wire: headerOf(maxHeader) + "hello", want: helloResponse},
	{name: "header one byte too long", wire: headerOf(maxHeader+1) + "hello", err: `^header longer than 1048576 bytes$`},
	{name: "1xx without end", wire: strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", maxHeader/20), err: `^header longer than 1048576 bytes$`},

	{name: "one length twice", wire: ok + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", want: helloResponse},
	{name: "two lengths", wire: ok + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", err: `Content-Length`},
	{name: "two lengths in one line", wire: ok + "Content-Length: 5, 5\r\n\r\nhello", err: `bad Content-Length`},
	{name: "no length", wire: ok + "Content-Length:\r\n\r\nhello", err: `empty Content-Length`},
	{name: "length below zero", wire: ok + "Content-Length: -5\r\n\r\nhello", err: `bad Content-Length`},
	{name: "length with a sign", wire: ok + "Content-Length: +5\r\n\r\nhello", err: `bad Content-Length`},
	{name: "length of 64 bits", wire: ok + "Content-Length: 9223372036854775808\r\n\r\nhello", err: `bad Content-Length`},
	{name: "length of 63 bits", wire: ok + "Content-Length: 9223372036854775807\r\n\r\nhello", err: `unexpected EOF$`},
	{name: "length and chunks", wire: ok + "Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", want: helloResponse},

	{name: "chunks of another encoding", wire: ok + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", err: `unsupported transfer encoding`},
	{name: "chunk extension", wire: chunked + "5;" + strings.Repeat("x", 4000) + "\r\nhello\r\n0\r\n\r\n", want: helloResponse},
	{name: "long chunk extension", wire: chunked + "5;" + strings.Repeat("x", 5000) + "\r\nhello\r\n0\r\n\r\n", err: `line too long$`},
	{name: "chunk of 68 bits", wire: chunked + "fffffffffffffffff\r\nhello\r\n0\r\n\r\n", err: `chunk length too large$`},
	{name: "chunk below zero", wire: chunked + "-5\r\nhello\r\n0\r\n\r\n", err: `chunk length$`},
	{name: "chunk without a length", wire: chunked + "\r\nhello\r\n0\r\n\r\n", err: `chunk length$`},
	{name: "chunk longer than it says", wire: chunked + "5\r\nhello0\r\n\r\n", err: badChunk},
	{name: "chunk line without carriage return", wire: chunked + "5\nhello\r\n0\r\n\r\n", err: `bare LF|chunked`},
	{name: "trailer without colon", wire: chunked + "0\r\nX\r\n\r\n", err: `malformed MIME header`},

	{name: "status of two digits", wire: "HTTP/1.1 99 Less\r\n\r\n", err: `malformed HTTP status code`},
	{name: "status of four digits", wire: "HTTP/1.1 1000 More\r\n\r\n", err: `malformed HTTP status code`},
	{name: "status that is no number", wire: "HTTP/1.1 2x0 OK\r\n\r\n", err: `malformed HTTP status code`},
	{name: "unassigned status", wire: "HTTP/1.1 999 What\r\n\r\nhello", want: Response{Status: 999, Body: "hello"}},
	{name: "status without reason", wire: "HTTP/1.1 200\r\n\r\nhello", want: helloResponse},
	{name: "another protocol", wire: "ICY 200 OK\r\n\r\nhello", err: `malformed HTTP version`},
	{name: "version of two digits", wire: "HTTP/1.12 200 OK\r\n\r\nhello", err: `malformed HTTP version`},
	{name: "other protocol that wasn't asked for", wire: "HTTP/1.1 101 Switching Protocols\r\n\r\nhello", want: Response{Status: 101}},

	{name: "empty line first", wire: "\r\n" + hello, err: `malformed HTTP response`},
	{name: "line ends without carriage return", wire: strings.ReplaceAll(hello, "\r", ""), want: helloResponse},
	{name: "no colon", wire: ok + "no colon\r\n\r\nhello", err: `malformed MIME header`},
	{name: "no name", wire: ok + ": y\r\n\r\nhello", err: `malformed MIME header`},
	{name: "zero byte", wire: ok + "X: \x00\r\n\r\nhello", err: `malformed MIME header`},
}

const badChunk = `^malformed chunked encoding$`

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
		checkFault(t, helloResponse, "", getScripted(t, newScript(t, hello, steps), 0, 5))
		checkFault(t, Response{}, `^reply of more than 4 bytes$`, getScripted(t, newScript(t, hello, steps), 0, 4))
	}
}

// Properties 8 and 10: HTTPGet only ever sends GET. A server that answers as if it
// were HEAD has left out the body, wherever the segments end.
func TestReplyAsToHEADIsAnErrorHoweverItIsSplit(t *testing.T) {
	for cut := range len(hello) - len("hello") + 1 {
		s := newScript(t, strings.TrimSuffix(hello, "hello"), "t"+strings.Repeat("s", cut)+"t")
		checkFault(t, Response{}, cutShort, getScripted(t, s, 0, 1<<20))
	}
}

// A server may answer and hang up before it has read the whole request.
func TestReplyBeforeTheEndOfTheRequestIsRead(t *testing.T) {
	for _, steps := range []string{"S", "Sr", "StHStr"} {
		checkFault(t, helloResponse, "", getScripted(t, newScript(t, hello, steps), 50_000, 1<<20))
	}
}

// A script says what the other end of a connection does, step by step. Both ends
// are a pair of Unix sockets, and the test's goroutine uses both. What one end
// does is there for the other one at once, so the same steps always have the same
// events in the same order. A step is a letter:
//
//	s  sends a byte     h  reads a byte     f  has finished sending
//	S  sends 64         H  reads 4096       r  resets the connection
//	t  lets the end under test have a turn
//	w  lets a millisecond pass, where a test has a clock
//	i  interrupts the next call of the end under test
//	m  lets that call move only one byte
//
// Only some bits of a letter count, so that all bytes are a script. After the
// last step, the end sends and reads what is left, and finishes.
type script struct {
	fd, tested int    // the two ends
	steps      string // to come
	wire       string // to be sent
	said       string // has been sent
	request    string // of the end under test, or "": its last byte is never read
	heard      []byte // of the request
	end        error  // nil, io.EOF after it has finished, or ECONNRESET
	pause      func() // for w, or nil

	interrupted, minced bool // the next call
}

func newScript(t *testing.T, wire, steps string) *script {
	t.Helper()
	s := &script{wire: wire, steps: steps}
	s.fd, s.tested = socketPair(t)
	// As small as the kernel makes it, so longer messages are written in parts.
	if err := unix.SetsockoptInt(s.tested, unix.SOL_SOCKET, unix.SO_SNDBUF, 1); err != nil {
		t.Fatal(err)
	}
	meddle = s.meddle
	t.Cleanup(func() { meddle = leaveAlone; s.close() })
	return s
}

// run makes the steps up to the next turn of the end under test. It reports
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
	if s.fd < 0 {
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

// reset closes the connection while something on it is still unread, which makes it
// a reset. If the end under test has written less than was read, it's just an end.
func (s *script) reset() {
	if s.end != nil {
		return
	}
	s.end = io.EOF
	if n, _, _ := unix.Recvfrom(s.fd, make([]byte, 1), unix.MSG_PEEK); n == 1 {
		s.end = unix.ECONNRESET
	}
	s.close()
}

func (s *script) close() {
	if s.fd >= 0 {
		unix.Close(s.fd)
		s.fd = -1
	}
}

// meddle says how many of n bytes the next call may move, or how it fails.
func (s *script) meddle(fd, n int) (most int, err error) {
	switch {
	case fd != s.tested:
		return n, nil
	case s.interrupted:
		s.interrupted = false
		return 0, unix.EINTR
	case s.minced:
		s.minced = false
		return min(n, 1), nil
	}
	return n, nil
}

// meddle is asked before each read and write, but only in the copies of the
// chapters that internal/checks/fuzz_test.go makes. The kernel interrupts no call
// on demand, and a chapter has no hook for it.
var meddle = leaveAlone

func leaveAlone(_, n int) (most int, err error) { return n, nil }

// response is what net/http makes of what was said, and of how that ended.
func (s *script) response(t *testing.T, maxReply int) Response {
	t.Helper()
	if !strings.HasPrefix(s.request, string(s.heard)) {
		t.Errorf("the request comes as %q", s.heard)
	}
	r := bufio.NewReader(io.MultiReader(strings.NewReader(s.said), failing{cmp.Or(s.end, errors.New("no end yet"))}))
	head, err := http.ReadResponse(r, nil)
	for err == nil && head.StatusCode < 200 && head.StatusCode != http.StatusSwitchingProtocols {
		head, err = http.ReadResponse(r, nil)
	}
	if err != nil {
		return Response{Err: err}
	}
	if head.StatusCode == http.StatusSwitchingProtocols {
		return Response{Status: head.StatusCode}
	}
	body, err := io.ReadAll(head.Body)
	if len(body) > maxReply {
		err = fmt.Errorf("we allow %d bytes", maxReply)
	}
	return Response{Status: head.StatusCode, Body: string(body), Err: err}
}

// getScripted returns what an HTTPGet makes of a script. Its path is longer by so
// many bytes.
func getScripted(t *testing.T, s *script, longer, maxReply int) Response {
	t.Helper()
	rt := scriptedRuntime(t, func(time.Duration) (more bool) { return s.run() })
	get := newHTTPGet(netip.MustParseAddrPort("127.0.0.1:1"), "/"+strings.Repeat("x", longer))
	get.stream, get.maxReply, s.request = streamOf(t, rt, s.tested), maxReply, string(get.target.request)
	r := blockOn[Response](t, rt, get)
	if _, err := unix.Getsockname(s.tested); err != unix.EBADF {
		t.Errorf("the request is ready, so its descriptor should be closed, but Getsockname gives %v, want EBADF", err)
	}
	closeEmpty(t, rt) // many of them in one test would be too many descriptors
	s.close()
	return r
}

// Properties 8, 9, 10 and 15: however the request and the reply are split on their
// way, the result is what net/http makes of the whole reply.
func FuzzReply(f *testing.F) {
	for _, reply := range replies {
		f.Add(reply.wire, "", uint16(0))
		f.Add(reply.wire, strings.Repeat("st", len(reply.wire)), uint16(0))
	}
	f.Add("HTTP/1.0 200 OK\r\n\r\n"+strings.Repeat("more than a buffer", 5000), "StStttSt", uint16(20000))
	f.Fuzz(func(t *testing.T, wire, steps string, longer uint16) {
		mustEnd(t)
		const maxReply = 100_000
		s := newScript(t, wire, steps)
		got := getScripted(t, s, int(longer), maxReply)
		want := s.response(t, maxReply)
		if (got.Err != nil) != (want.Err != nil) || want.Err == nil && got != want {
			t.Errorf("the peer sends %.500q, then %v: got %.500q, %v, want %.500q, %v", s.said, s.end, got.Body, got.Err, want.Body, want.Err)
		}
	})
}

// A reply may be larger than memory: get counts its bytes, and keeps none.
func TestGetNeedsNoMemoryForABody(t *testing.T) {
	noLeaks(t)
	const size = 65 << 20
	addr := startPeer(t, func(c *net.TCPConn) {
		c.SetDeadline(time.Time{})
		answer(fmt.Sprintf("%sContent-Length: %d\r\n\r\n", ok, size))(c)
		for chunk, n := make([]byte, 1<<20), 0; n < size; n += len(chunk) {
			c.Write(chunk)
		}
	})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got := runHere(t, "get", "http://"+addr.String()+"/")
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; got.status != 0 || !strings.Contains(got.stdout, fmt.Sprint(size)) || took > size/2 {
		t.Errorf("%d bytes were allocated on the way: %+v", took, got)
	}
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
