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
	o.Counts = watch(rt)
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
			s := newServer(rt, l, o)
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

func TestEachRequestHasItsStatus(t *testing.T) {
	s := startServer(t, nil)
	for _, test := range []struct {
		request string
		status  int
		close   bool
	}{
		{"GET /0/hello HTTP/1.1\r\nHost: x\r\n\r\n", 200, false},
		{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 200, false},
		{"GET http://x/0/hello HTTP/1.1\r\nHost: x\r\n\r\n", 200, false},
		{"GET /0/hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 200, true},
		{"GET /0/hello HTTP/1.0\r\n\r\n", 200, true},
		{"GET /0/hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200, false},
		{"GET /0/hello HTTP/1.2\r\nHost: x\r\n\r\n", 200, false},
		{"GET /0/a%2Fb HTTP/1.1\r\nHost: x\r\n\r\n", 200, false},
		{"GET /0/hello HTTP/1.1\r\nHost: x\r\nContent-Length : 1\r\n\r\na", 400, true},
		{"GET /0/hello HTTP/1.1\r\nHost: x y\r\n\r\n", 400, true},
		{"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n", 404, false},
		{"GET /0/ HTTP/1.1\r\nHost: x\r\n\r\n", 404, false},
		{"GET /0/a/b HTTP/1.1\r\nHost: x\r\n\r\n", 404, false},
		{"GET /0/hello?a=b HTTP/1.1\r\nHost: x\r\n\r\n", 200, false},
		{"GET /-1/hello HTTP/1.1\r\nHost: x\r\n\r\n", 200, false},
		{"GET /0/hello HTTP/1.1\nHost: x\n\n", 200, false},
		{"GET /0/hello HTTP/1.1\r\nHost: x\r\nX: y\r\n z\r\n\r\n", 200, false},
		{"GET /0/hello HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", 200, false},
		{"GET /0/hello HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 200, false},
		{"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 404, false},
		{"GET * HTTP/1.1\r\nHost: x\r\n\r\n", 404, false},
		{"GET //0/hello HTTP/1.1\r\nHost: x\r\n\r\n", 404, false},
		{"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n", 404, false},
		{"GET /soon/hello HTTP/1.1\r\nHost: x\r\n\r\n", 400, false},
		{"GET /60001/hello HTTP/1.1\r\nHost: x\r\n\r\n", 400, false},
		{"GET /1e3/hello HTTP/1.1\r\nHost: x\r\n\r\n", 400, false},
		{"get /0/hello HTTP/1.1\r\nHost: x\r\n\r\n", 405, false},
		{"DELETE /0/hello HTTP/1.1\r\nHost: x\r\n\r\n", 405, false},
		{"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", 405, false},
		{"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 405, false},
		{"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n", 405, true},
		{"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nrubbish\r\n", 400, true},
		{"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", 400, true},
		{"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 400, true},
		{"G@T / HTTP/1.1\r\nHost: x\r\n\r\n", 400, true},
		{" / HTTP/1.1\r\nHost: x\r\n\r\n", 400, true},
		{"GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400, true},
		{"GET /0/a b HTTP/1.1\r\nHost: x\r\n\r\n", 400, true},
		{"GET /0/\x01 HTTP/1.1\r\nHost: x\r\n\r\n", 400, true},
		{"GET / HTTP/1.1\r\n\r\n", 400, true},
		{"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400, true},
		{"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400, true},
		{"GET hello HTTP/1.1\r\nHost: x\r\n\r\n", 400, true},
		{"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n", 400, true},
		{"GET /\r\n\r\n", 400, true},
		{"GET / HTTP\r\nHost: x\r\n\r\n", 400, true},
		{"GET / http/1.1\r\nHost: x\r\n\r\n", 400, true},
		{"GET / HTTP/1.10\r\nHost: x\r\n\r\n", 400, true},
		{"\r\n\r\n", 400, true},
		{"GET / HTTP/1.1\r\n X: y\r\nHost: x\r\n\r\n", 400, true},
		{"GET / HTTP/1.1\r\nHost: x\r\nX: \x00\r\n\r\n", 400, true},
		{"GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n", 400, true},
		{"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400, true},
		{"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 1\r\n\r\na", 400, true},
		{"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400, true},
		{"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\na", 400, true},
		{"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 9223372036854775808\r\n\r\n", 400, true},
		{"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505, true},
		{"GET / HTTP/0.9\r\nHost: x\r\n\r\n", 505, true},
		{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, true},
	} {
		c := s.dial().send(test.request)
		r := c.expect(test.status, "")
		if allow := r.Header.Get("Allow"); (allow == "GET, HEAD") != (test.status == 405) {
			t.Errorf("%.40q: Allow: %q", test.request, allow)
		}
		if keep := !r.Close && !(r.ProtoMinor == 0 && r.Header.Get("Connection") != "keep-alive"); keep == test.close {
			t.Errorf("%.40q: the reply says Connection: %q", test.request, r.Header["Connection"])
		}
		if !test.close {
			c.send(getHello).expect(200, "hello")
		} else {
			c.expectEnd()
		}
		c.Close()
	}
}

func TestHeaderOfMoreThanAMegabyteIsRefused(t *testing.T) {
	s := startServer(t, nil)
	for _, start := range []string{"GET /0/", "GET / HTTP/1.1\r\nHost: x\r\nX: ", "GET / HTTP/1.1\r\nHost: x\r\n"} {
		c := s.dial().send(start)
		go c.Write(bytes.Repeat([]byte("x: y\r\n"), 2*maxHeader/6)) // fails when the server has had enough
		if start == "GET /0/" {
			c.expect(431-31, "") // a line end in the first line ends it
		} else {
			c.expect(431, "longer than")
		}
		c.Close()
	}
	c := s.dial()
	go c.Write(bytes.Repeat([]byte("x"), 2*maxHeader)) // no line end at all
	c.expect(431, "longer than")
	c.Close()
}

// requestOf makes a request whose header has n bytes.
func requestOf(n int) string {
	const start, end = "GET /0/hello HTTP/1.1\r\nHost: x\r\nX: ", "\r\n\r\n"
	return start + strings.Repeat("x", n-len(start+end)) + end
}

func TestHeaderMayHaveAMegabyteAndNoByteMore(t *testing.T) {
	c := startServer(t, nil).dial()
	for range 2 {
		c.send(requestOf(maxHeader)).expect(200, "hello")
	}
	c.send(requestOf(maxHeader+1)).expect(431, "longer than")
	c.expectEnd()
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
	const requests = 100
	text := strings.Repeat("x", 200_000) // more than all buffers hold
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
	request := fmt.Sprintf("GET /0/%s HTTP/1.1\r\nHost: x\r\n\r\n", strings.Repeat("x", 500_000))
	for err := error(nil); err == nil; _, err = io.WriteString(c, request) {
	}
	if err := c.SetDeadline(time.Now().Add(serveWatchdog)); err != nil {
		t.Fatal(err)
	}
	if cut := s.end(); cut != 0 {
		t.Errorf("%d connections were still there", cut)
	}
}

func TestOneConnectionTooManyWaitsForAPlace(t *testing.T) {
	s := startServer(t, func(o *serverOptions) { o.Connections = 2 })
	a, b := s.dial(), s.dial()
	a.send(getHello).expect(200, "hello")
	b.send(getHello).expect(200, "hello")
	waits := s.dial().send(getHello)
	waits.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if n, err := waits.Read(make([]byte, 1)); !os.IsTimeout(err) {
		t.Fatalf("got %d bytes and %v, with no place free", n, err)
	}
	waits.SetReadDeadline(time.Now().Add(serveWatchdog))
	a.send(getHello).expect(200, "hello")
	b.Close()
	waits.expect(200, "hello")
}

func TestPageShowsWhatTheRuntimeDoes(t *testing.T) {
	s := startServer(t, impatient)
	waits := s.dial().send("GET /60000/x HTTP/1.1\r\nHost: x\r\n\r\n")
	c := s.dial()
	for c.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n"); ; c.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n") {
		r, body := c.reply("GET")
		if kind := r.Header.Get("Content-Type"); kind != "text/html; charset=utf-8" {
			t.Fatal("Content-Type is ", kind)
		}
		// Main, the server, and a task for each connection.
		if strings.Contains(body, "<td>4<td>tasks") && strings.Contains(body, "<td>1<td>timers") &&
			strings.Contains(body, "<td>3<td>descriptors") && strings.Contains(body, "<td>2<td>of them") {
			break // the first one has been seen
		}
	}
	waits.Close()
	c.Close()
}

func TestManyClientsOfNetHTTP(t *testing.T) {
	s := startServer(t, nil)
	transport := &http.Transport{MaxIdleConnsPerHost: 50}
	defer transport.CloseIdleConnections()
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			for j := range 20 {
				want := fmt.Sprint(i, "-", j)
				r, err := (&http.Client{Transport: transport}).Get(fmt.Sprintf("http://%s/%d/%s", s.addr, j%3, want))
				if err != nil {
					t.Error(err)
					return
				}
				if body, err := io.ReadAll(r.Body); err != nil || string(body) != want {
					t.Errorf("got %q and %v, want %q", body, err, want)
				}
				r.Body.Close()
			}
		})
	}
	all.Wait()
}
