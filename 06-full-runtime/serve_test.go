package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// serving is a server under test. Its runtime has a goroutine of its own.
type serving struct {
	t    *testing.T
	addr string
	end  func() (cut int) // drains it, once
}

const serveWatchdog = time.Minute

// startServer drains the server at the end of the test. Then nothing may be
// left of it: no task, timer, descriptor or goroutine.
func startServer(t *testing.T, change func(o *serverOptions)) *serving {
	t.Helper()
	listen(t).Close() // Go's own poller stays open from now on
	goroutines, open := runtime.NumGoroutine(), openNow()

	rt, err := NewRuntime()
	if err != nil {
		t.Fatal(err)
	}
	o := defaultOptions
	o.Live = watch(rt)
	if change != nil {
		change(&o)
	}
	l, err := Listen(rt, netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	stop, ended := make(chan struct{}), make(chan int, 1)
	go func() {
		cut, err := BlockOn(rt, Async(func(co *Co) int {
			s := newServer(co.cx, l, o)
			Await(co, Blocking(func() int { <-stop; return 0 }))
			return Await(co, s.drain())
		}))
		if err != nil {
			t.Error(err)
		}
		ended <- cut
	}()
	s := &serving{t: t, addr: l.Addr().String()}
	s.end = sync.OnceValue(func() int {
		close(stop)
		select {
		case cut := <-ended:
			return cut
		case <-time.After(serveWatchdog):
			t.Error("the server does not drain")
			return -1
		}
	})
	t.Cleanup(func() {
		s.end()
		if r := rt.Close(); r != (Report{}) {
			t.Errorf("left after drain and Close: %+v", r)
		}
		deadline := time.Now().Add(serveWatchdog)
		for runtime.NumGoroutine() > goroutines && time.Now().Before(deadline) {
			time.Sleep(time.Millisecond)
		}
		if n := runtime.NumGoroutine(); n > goroutines {
			stacks := make([]byte, 1<<20)
			t.Errorf("%d goroutines, %d before:\n%s", n, goroutines, stacks[:runtime.Stack(stacks, true)])
		}
		if now := openNow(); now > open {
			t.Errorf("%d descriptors are open, %d before", now, open)
		}
	})
	return s
}

// impatient is for tests that leave requests behind.
func impatient(o *serverOptions) { o.Grace = time.Millisecond }

// openNow counts the descriptors of the process, where there is a /proc.
func openNow() int {
	fds, _ := os.ReadDir("/proc/self/fd")
	return len(fds)
}

// client is one end of a connection, which does as it is told, byte by byte.
type client struct {
	*net.TCPConn
	t *testing.T
	r *bufio.Reader
}

func (s *serving) dial() *client {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(serveWatchdog))
	return &client{conn.(*net.TCPConn), s.t, bufio.NewReader(conn)}
}

func (c *client) send(text string) *client {
	c.t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		c.t.Fatal(err)
	}
	return c
}

// reply reads one reply to a request with that method.
func (c *client) reply(method string) (*http.Response, string) {
	c.t.Helper()
	r, err := http.ReadResponse(c.r, &http.Request{Method: method})
	if err != nil {
		c.t.Fatal("reading a reply: ", err)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		c.t.Fatal("reading the body of a reply: ", err)
	}
	return r, string(body)
}

func (c *client) expect(status int, text string) *http.Response {
	c.t.Helper()
	r, body := c.reply("GET")
	if r.StatusCode != status || !strings.Contains(body, text) {
		c.t.Fatalf("got %s with %.80q, want %d with %q", r.Status, body, status, text)
	}
	return r
}

// expectEnd fails the test if there is more to come, or a reset.
func (c *client) expectEnd() {
	c.t.Helper()
	if rest, err := io.ReadAll(c.r); err != nil || len(rest) > 0 {
		c.t.Fatalf("got %.80q and %v where the connection should end", rest, err)
	}
}

const getHello = "GET /0/hello HTTP/1.1\r\nHost: x\r\n\r\n"

// statuses are heads of requests, without the empty line at their end, and then
// perhaps a body. Which status has the reply, and does the connection end?
var statuses = []struct {
	head, body string
	status     int
	close      bool
}{
	{getLine + host, "", 200, false},
	{"GET / HTTP/1.1" + host, "", 200, false},
	{"GET http://x/0/hello HTTP/1.1" + host, "", 200, false},
	{getLine + host + "\r\nConnection: close", "", 200, true},
	{"GET /0/hello HTTP/1.0", "", 200, true},
	{"GET /0/hello HTTP/1.0" + host + "\r\nConnection: keep-alive", "", 200, false},
	{"GET /0/hello HTTP/1.2" + host, "", 200, false},
	{"GET /0/a%2Fb HTTP/1.1" + host, "", 200, false},
	{"GET /0/hello?a=b HTTP/1.1" + host, "", 200, false},
	{getLine + "\nHost: x\n", "", 200, false},
	{getLine + host + "\r\nX: caf\xc3\xa9", "", 200, false},
	{getLine + host + "\r\nX: \t y \t", "", 200, false},

	{"GET /nothing HTTP/1.1" + host, "", 404, false},
	{"GET /0/ HTTP/1.1" + host, "", 404, false},
	{"GET /0/a/b HTTP/1.1" + host, "", 404, false},
	{"GET //0/hello HTTP/1.1" + host, "", 404, false},
	{"OPTIONS * HTTP/1.1" + host, "", 404, false},
	{"GET * HTTP/1.1" + host, "", 404, false},
	{"CONNECT x:80 HTTP/1.1" + host, "", 404, false},
	{"GET /soon/hello HTTP/1.1" + host, "", 400, false},
	{"GET /60001/hello HTTP/1.1" + host, "", 400, false},
	{"GET /1e3/hello HTTP/1.1" + host, "", 400, false},
	{"GET /-1/hello HTTP/1.1" + host, "", 400, false},
	{"GET /0s1/hello HTTP/1.1" + host, "", 400, false},
	{"get /0/hello HTTP/1.1" + host, "", 405, false},
	{"DELETE /0/hello HTTP/1.1" + host, "", 405, false},
	{"GET /live HTTP/1.1" + host, "", 403, false},
	{"POST /block HTTP/1.1" + host, "", 403, false},
	{postLine + host + "\r\nContent-Length: 3", "abc", 405, false},
	{postLine + host + chunks, "3\r\nabc\r\n0\r\n\r\n", 405, false},
	{postLine + host + chunks, "3;a=b\r\nabc\r\n0\r\nX: y\r\n\r\n", 405, false},
	{postLine + host + "\r\nExpect: 100-continue\r\nContent-Length: 3", "", 405, true},

	// What a proxy may read in another way than we do (RFC 9112, 6.3 and 11.2).
	{postLine + host + "\r\nContent-Length: 3" + chunks, "0\r\n\r\n", 400, true},
	{postLine + host + chunks + "\r\nContent-Length: 3", "0\r\n\r\n", 400, true},
	{postLine + host + chunks + chunks, "0\r\n\r\n", 400, true},
	{"POST / HTTP/1.0" + host + chunks, "0\r\n\r\n", 400, true},
	{postLine + host + "\r\nTransfer-Encoding: gzip", "", 501, true},
	{postLine + host + "\r\nTransfer-Encoding: gzip, chunked", "0\r\n\r\n", 501, true},
	{postLine + host + "\r\nTransfer-Encoding: identity", "", 501, true},
	{postLine + host + "\r\nTransfer-Encoding:", "", 501, true},
	{postLine + host + "\r\nContent-Length: 1\r\nContent-Length: 2", "ab", 400, true},
	{postLine + host + "\r\nContent-Length: 1\r\nContent-Length: 1", "a", 400, true},
	{postLine + host + "\r\nContent-Length: 1, 1", "a", 400, true},
	{postLine + host + "\r\nContent-Length: -1", "", 400, true},
	{postLine + host + "\r\nContent-Length: +1", "a", 400, true},
	{postLine + host + "\r\nContent-Length: 9223372036854775808", "", 400, true},
	{postLine + host + "\r\nContent-Length : 1", "a", 400, true},
	{postLine + host + chunks, "rubbish\r\n", 400, true},
	{postLine + host + chunks, "fffffffffffffffff\r\n", 400, true},
	{postLine + host + "\r\nExpect: the unexpected", "", 417, true},

	{getLine, "", 400, true},
	{"GET http://x/0/hello HTTP/1.1", "", 400, true},
	{getLine + "\r\nHost:", "", 400, true},
	{getLine + "\r\nHost: x y", "", 400, true},
	{getLine + "\r\nHost: x\ty", "", 400, true},
	{getLine + "\r\nHost: x/y", "", 400, true},
	{getLine + "\r\nHost: me@x", "", 400, true},
	{getLine + host + host, "", 400, true},
	{getLine + host + "\r\nhost: y", "", 400, true},
	{"GET /0/hello HTTP/1.0" + host + host, "", 400, true},
	{getLine + host + "\r\nX: y\r\n z", "", 400, true},
	{getLine + "\r\n X: y" + host, "", 400, true},
	{getLine + host + "\r\nX: \x00", "", 400, true},
	{getLine + host + "\r\nX: \x7f", "", 400, true},
	{getLine + host + "\r\nX: a\rb", "", 400, true},
	{getLine + host + "\r\nno colon", "", 400, true},
	{getLine + host + "\r\n: no name", "", 400, true},
	{getLine + host + "\r\nX(: y", "", 400, true},

	{"G@T / HTTP/1.1" + host, "", 400, true},
	{" / HTTP/1.1" + host, "", 400, true},
	{"GET  / HTTP/1.1" + host, "", 400, true},
	{"GET /0/a b HTTP/1.1" + host, "", 400, true},
	{"GET /0/\x01 HTTP/1.1" + host, "", 400, true},
	{"GET /0/caf\xc3\xa9 HTTP/1.1" + host, "", 400, true},
	{"GET hello HTTP/1.1" + host, "", 400, true},
	{"GET /%zz HTTP/1.1" + host, "", 400, true},
	{"GET /", "", 400, true},
	{"GET / HTTP" + host, "", 400, true},
	{"GET / http/1.1" + host, "", 400, true},
	{"GET / HTTP/1.10" + host, "", 400, true},
	{"GET / HTTP/2.0" + host, "", 505, true},
	{"GET / HTTP/0.9" + host, "", 505, true},
	{"PRI * HTTP/2.0", "SM\r\n\r\n", 505, true},
}

const (
	getLine  = "GET /0/hello HTTP/1.1"
	postLine = "POST / HTTP/1.1"
	host     = "\r\nHost: x"
	chunks   = "\r\nTransfer-Encoding: chunked"
)

func TestEachRequestHasItsStatus(t *testing.T) {
	s := startServer(t, nil)
	for _, test := range statuses {
		c := s.dial().send(test.head + "\r\n\r\n" + test.body)
		r, body := c.reply("GET")
		if r.StatusCode != test.status {
			t.Errorf("%.60q: got %s, want %d", test.head, r.Status, test.status)
		}
		want := map[int]string{404: ": there are / and /<milliseconds>/<text>", 405: ": only GET, HEAD",
			403: ": only for the page of a server on a loopback address"}[test.status]
		if test.status == 400 && !test.close {
			want = ": want 0 to 60000 milliseconds"
		}
		if want = fmt.Sprintf("%d %s%s\n", test.status, http.StatusText(test.status), want); test.status >= 400 && body != want {
			t.Errorf("%.60q: the reply is %q, want %q, and nothing of what the client has sent", test.head, body, want)
		}
		if allow := r.Header.Get("Allow"); (allow == "GET, HEAD") != (test.status == 405) {
			t.Errorf("%.60q: the reply says Allow: %q", test.head, allow)
		}
		if keep := !r.Close && !(r.ProtoMinor == 0 && r.Header.Get("Connection") != "keep-alive"); keep == test.close {
			t.Errorf("%.60q: the reply says Connection: %q", test.head, r.Header["Connection"])
		} else if !test.close {
			c.send(getHello).expect(200, "hello")
		} else {
			c.expectEnd()
		}
		c.Close()
	}
}

// RFC 9112, 2.2. Some clients send an empty line after a body.
func TestEmptyLinesBeforeARequestAreIgnored(t *testing.T) {
	s := startServer(t, func(o *serverOptions) { o.Read, o.Idle = time.Hour, 300*time.Millisecond })
	for _, empty := range []string{"\r\n", "\n", "\r\n\r\n"} {
		c := s.dial().send(empty + getHello)
		c.expect(200, "hello")
		c.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"+empty+getHello).expect(405, "")
		c.expect(200, "hello")
		c.send(empty)
		c.expectEnd() // an empty line is no request, so there's no reply that says 408
	}
}

func TestConnectionIsIdleAgainAfterAnEmptyLine(t *testing.T) {
	s := startServer(t, func(o *serverOptions) { o.Read = 50 * time.Millisecond })
	c := s.dial().send(getHello + "\r\n")
	c.expect(200, "hello")
	time.Sleep(100 * time.Millisecond) // a worker would give up
	c.send(getHello).expect(200, "hello")
}

// requestOf makes a request whose header has n bytes.
func requestOf(n int) string {
	const start, end = getLine + host + "\r\nX: ", "\r\n\r\n"
	return start + strings.Repeat("x", n-len(start+end)) + end
}

func TestHeaderMayHave64KiBAndNoByteMore(t *testing.T) {
	s := startServer(t, nil)
	c := s.dial()
	for range 2 {
		c.send(requestOf(64<<10)).expect(200, "hello")
		c.send(getHello).expect(200, "hello")
	}
	c.send(requestOf(64<<10+1)).expect(431, "")
	c.expectEnd()
	for _, start := range []string{"GET /0/", getLine + host + "\r\nX: ", getLine + host + "\r\n"} {
		c := s.dial().send(start)
		go c.Write(bytes.Repeat([]byte(strings.Repeat("x", 98)+": "), 20_000)) // fails when the server has had enough
		c.expect(431, "")
		c.Close()
	}
}

func TestHeadHasNoBody(t *testing.T) {
	s := startServer(t, nil)
	c := s.dial().send("HEAD /0/hello HTTP/1.1\r\nHost: x\r\n\r\nHEAD / HTTP/1.1\r\nHost: x\r\n\r\nHEAD /no HTTP/1.1\r\nHost: x\r\n\r\n")
	for _, length := range []int64{5, -1, -1} {
		r, body := c.reply("HEAD")
		if body != "" || r.ContentLength <= 0 || length > 0 && r.ContentLength != length {
			t.Errorf("%s: Content-Length %d, body %q", r.Status, r.ContentLength, body)
		}
	}
	c.send(getHello).expect(200, "hello") // which a body would be in front of
}

func TestRequestSplitAtEveryByte(t *testing.T) {
	c := startServer(t, nil).dial()
	c.SetNoDelay(true)
	for i := range len(getHello) {
		c.send(getHello[:i])
		runtime.Gosched()
		c.send(getHello[i:]).expect(200, "hello")
	}
}

func TestPipelinedRequestsAreAnsweredInOrder(t *testing.T) {
	c := startServer(t, nil).dial()
	var all, want []string
	for i := range 1000 {
		ms := 0
		if i%100 == 7 {
			ms = 5 // those behind it may not overtake
		}
		want = append(want, fmt.Sprint("reply-", i))
		all = append(all, fmt.Sprintf("GET /%d/reply-%d HTTP/1.1\r\nHost: x\r\n\r\n", ms, i))
	}
	go io.WriteString(c, strings.Join(all, ""))
	var got []string
	for range all {
		_, body := c.reply("GET")
		got = append(got, body)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

// A reply does not wait for a request of which only a part is there.
func TestReplyComesBeforeTheNextRequestIsComplete(t *testing.T) {
	c := startServer(t, impatient).dial().send(getHello + getHello[:20])
	c.expect(200, "hello")
	c.send(getHello[20:]).expect(200, "hello")
	c.send(getHello+"GET /60000/later HTTP/1.1\r\nHost: x\r\n\r\n").expect(200, "hello")
	c.Close()
}

func TestPipeliningClientThatReadsLate(t *testing.T) {
	s := startServer(t, nil)
	c := s.dial()
	const requests = 300
	text := strings.Repeat("x", 60_000) // together more than all buffers hold
	sent := make(chan error)
	go func() {
		for i := range requests {
			if _, err := fmt.Fprintf(c, "GET /0/%d-%s HTTP/1.1\r\nHost: x\r\n\r\n", i, text); err != nil {
				sent <- err
				return
			}
		}
		sent <- nil
	}()
	s.dial().send(getHello).expect(200, "hello") // others are served meanwhile
	for i := range requests {
		c.expect(200, fmt.Sprintf("%d-%s", i, text))
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
}

func TestClientThatHasFinishedSendingIsAnswered(t *testing.T) {
	s := startServer(t, nil)
	for _, ms := range []int{0, 50} {
		c := s.dial().send(fmt.Sprintf("GET /%d/hello HTTP/1.1\r\nHost: x\r\n\r\n%s", ms, getHello))
		c.CloseWrite()
		c.expect(200, "hello")
		c.expect(200, "hello")
		c.expectEnd()
	}
	c := s.dial().send(getHello[:20])
	c.CloseWrite()
	c.expect(400, "")
	c.expectEnd()
}

func TestBodiesAreReadOrRefused(t *testing.T) {
	s := startServer(t, nil)
	c := s.dial()
	for range 2 { // one that can be read leaves the connection as it was
		c.send("POST /0/x HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n"+strings.Repeat("x", 200_000)).expect(405, "")
	}
	for more := range 2 { // the longest, and one byte more
		c := s.dial()
		r := c.send(fmt.Sprintf("POST /0/x HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", maxBody+more, strings.Repeat("x", maxBody+more))).expect(405, "")
		if r.Close != (more > 0) {
			t.Errorf("a body of %d bytes: Connection: %q", maxBody+more, r.Header["Connection"])
		}
		c.Close()
	}
	// One that is too long is refused, and the client that sends on learns why.
	large := strings.Repeat("x", 10_000_000)
	go fmt.Fprintf(c, "POST /0/x HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(large), large)
	if r := c.expect(405, ""); !r.Close {
		t.Error("the reply does not say that the connection ends")
	}
	c.Close()
}

func TestClientThatStallsIsToldSo(t *testing.T) {
	s := startServer(t, func(o *serverOptions) { o.Read = 50 * time.Millisecond })
	for _, part := range []string{"G", getHello[:20], "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc", getHello + getHello[:9]} {
		c := s.dial().send(part)
		if strings.HasPrefix(part, getHello) {
			c.expect(200, "hello")
		}
		c.expect(408, "")
		c.expectEnd()
		c.Close()
	}
}

func TestClientThatTricklesDoesNotStretchItsTime(t *testing.T) {
	s := startServer(t, func(o *serverOptions) { o.Read = 50 * time.Millisecond })
	for _, start := range []string{"GET / HTTP/1.1\r\nX: ", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"} {
		c := s.dial().send(start)
		go func() { // until the server closes
			for err := error(nil); err == nil; _, err = c.Write([]byte("x")) {
				time.Sleep(5 * time.Millisecond)
			}
		}()
		c.expect(408, "")
		c.Close()
	}
}

func TestIdleConnectionsAreClosedInSilence(t *testing.T) {
	s := startServer(t, func(o *serverOptions) { o.Idle = 50 * time.Millisecond })
	s.dial().expectEnd()
	c := s.dial().send(getHello)
	c.expect(200, "hello")
	c.expectEnd()
}

func TestClientThatDoesNotReadIsCutOff(t *testing.T) {
	s := startServer(t, func(o *serverOptions) { o.Write = 50 * time.Millisecond })
	c := s.dial()
	request := fmt.Sprintf("GET /0/%s HTTP/1.1\r\nHost: x\r\n\r\n", strings.Repeat("x", 60_000))
	for err := error(nil); err == nil; _, err = io.WriteString(c, request) {
	}
	if err := c.SetDeadline(time.Now().Add(serveWatchdog)); err != nil {
		t.Fatal(err)
	}
	if cut := s.end(); cut != 0 {
		t.Errorf("%d connections were still there", cut)
	}
}
