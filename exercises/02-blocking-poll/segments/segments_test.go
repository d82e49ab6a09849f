package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

const (
	testPatience = 3 * time.Second
	testBlocks   = "Poll must return when there is nothing to read, also in the middle of a reply; does something in it read again and again?"

	testHello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
)

// testFetch makes a request and gives it the parts of a reply: each when all of
// the one before has been read, so that no two of them come in one read.
func testFetch(t testing.TB, parts ...string) Response {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	get := NewHTTPGet(l.Addr().(*net.TCPAddr).AddrPort(), "/")
	defer get.Close()
	get.Poll(new(Context))
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	asked := make(chan bool)
	go testReadRequest(c, asked)
	testUntil(t, "the request has been sent", func() bool {
		if r, ready := get.Poll(new(Context)); ready {
			t.Fatalf("before the peer had answered, Poll was ready, with %s", testTold(r))
		}
		select {
		case <-asked:
			return true
		default:
			return false
		}
	})
	for i, part := range parts {
		io.WriteString(c, part)
		testUntil(t, "the part has come", func() bool { return testWaiting(get.fd, len(part)) == len(part) })
		if r, ready := testPollUntilRead(t, get); ready && i == len(parts)-1 {
			return r
		} else if ready {
			t.Fatalf("after %d of %d parts Poll was ready, with %s: the peer has not finished, it has only paused; only a read of 0 bytes is the end", i+1, len(parts), testTold(r))
		}
	}
	c.Close()
	testUntil(t, "the end has come", func() bool { return testWaiting(get.fd, 1) == 0 })
	var last Response
	testUntil(t, "Poll is ready: the peer has finished, and every further read gives 0 bytes", func() (ready bool) {
		last, ready = get.Poll(new(Context))
		return ready
	})
	return last
}

func testReadRequest(c net.Conn, over chan<- bool) {
	var request []byte
	buf := make([]byte, 4096)
	for !bytes.HasSuffix(request, []byte("\r\n\r\n")) {
		n, err := c.Read(buf)
		if request = append(request, buf[:n]...); err != nil {
			return
		}
	}
	close(over)
}

// testPollUntilRead polls until nothing is left to read, or the future is ready.
func testPollUntilRead(t testing.TB, get *HTTPGet) (r Response, ready bool) {
	t.Helper()
	testUntil(t, "Poll reads what has come", func() bool {
		r, ready = get.Poll(new(Context))
		return ready || testWaiting(get.fd, 1) < 0
	})
	return r, ready
}

// testWaiting says how many bytes can be read, without reading them: at most max,
// -1 if there are none yet, and 0 at the end.
func testWaiting(fd, max int) int {
	n, _, err := unix.Recvfrom(fd, make([]byte, max), unix.MSG_PEEK)
	if err != nil {
		return -1
	}
	return n
}

func testUntil(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for began := time.Now(); !condition(); runtime.Gosched() {
		if time.Since(began) > testPatience {
			check.Hangs(t, testPatience, "the test goes on when "+what)
		}
	}
}

// testTold is a Response in few words.
func testTold(r Response) string {
	if r.Err == nil {
		return fmt.Sprintf("status %d and a body of %d bytes", r.Status, len(r.Body))
	}
	_, err, _ := strings.Cut(r.Err.Error(), "/: ")
	return fmt.Sprintf("the error %.60q", err)
}

func TestReplyInOnePart(t *testing.T) {
	check.Within(t, testPatience+time.Second, testBlocks, func(t testing.TB) {
		if r := testFetch(t, testHello); r.Err != nil || r.Body != "hello" {
			t.Errorf("of a reply that came at once HTTPGet made %s, want status 200 and hello", testTold(r))
		}
	})
}

func TestReplyInTwoParts(t *testing.T) {
	check.Within(t, testPatience+time.Second, testBlocks, func(t testing.TB) {
		for _, cut := range []int{1, 17, 20, 37, 38, len(testHello) - 1} {
			if r := testFetch(t, testHello[:cut], testHello[cut:]); r.Err != nil || r.Body != "hello" {
				t.Fatalf("of a reply that was cut after byte %d HTTPGet made %s, want status 200 and hello: when the second part is read, where is the first?", cut, testTold(r))
			}
		}
	})
}

func TestReplyInManyParts(t *testing.T) {
	check.Within(t, testPatience+time.Second, testBlocks, func(t testing.TB) {
		if r := testFetch(t, strings.Split(testHello, "")...); r.Err != nil || r.Body != "hello" {
			t.Errorf("of a reply that came one byte at a time HTTPGet made %s, want status 200 and hello: what has come is what all reads gave, in this order", testTold(r))
		}
	})
}

func TestLongReply(t *testing.T) {
	check.Within(t, testPatience+time.Second, testBlocks, func(t testing.TB) {
		body := strings.Repeat("0123456789", 1000)
		head := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", len(body))
		for _, parts := range [][]string{{head + body}, {head, body}, {head + body[:6000], body[6000:]}} {
			if r := testFetch(t, parts...); r.Err != nil || r.Body != body {
				t.Fatalf("of a reply with a body of %d bytes, %d parts in all, HTTPGet made %s: is there always room for what comes next, behind what has come?", len(body), len(parts), testTold(r))
			}
		}
	})
}
