package main

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

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
