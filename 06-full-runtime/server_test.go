package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// misdeeds are what a client may do with its connection, and what it sees of
// the server in return.
var misdeeds = []struct {
	name  string
	play  func(c *client)
	limit func(o *serverOptions) // of the server's patience, nil if there is enough of it
}{
	{name: "connects and leaves", play: func(*client) {}},
	{name: "connects and resets", play: resets},
	{name: "half a request, then leaves", play: sends(getHello[:20])},
	{name: "half a request, then resets", play: func(c *client) { resets(c.send(getHello[:20])) }},
	{name: "half a request, then stalls", play: func(c *client) { c.send(getHello[:20]).refused(408) }, limit: func(o *serverOptions) { o.Read = 50 * time.Millisecond }},
	{name: "half a request, then finishes sending", play: func(c *client) { finishes(c.send(getHello[:20])).refused(400) }},
	{name: "a request, then leaves", play: sends(getLate)},
	{name: "a request, then resets", play: func(c *client) { resets(c.send(getLate)) }},
	{name: "a request, then finishes sending", play: func(c *client) {
		finishes(c.send(getLate)).expect(200, "late")
		c.expectEnd()
	}},
	{name: "leaves in the middle of the reply", play: func(c *client) { c.send(getLong).Read(make([]byte, 1)) }},
	{name: "resets in the middle of the reply", play: func(c *client) {
		c.send(getLong).Read(make([]byte, 1))
		resets(c)
	}},
	{name: "does not read", play: func(c *client) {
		for err := error(nil); err == nil; _, err = io.WriteString(c, getLong) {
		}
	}, limit: func(o *serverOptions) { o.Write = 50 * time.Millisecond }},
	{name: "a request in segments of one byte", play: func(c *client) {
		for i := range getHello {
			c.send(getHello[i : i+1])
		}
		c.expect(200, "hello")
	}},
	{name: "pipelined requests", play: func(c *client) {
		c.send(getHello+getLate+getHello).expect(200, "hello")
		c.expect(200, "late")
		c.expect(200, "hello")
	}},
	{name: "asks for figures, then leaves", play: sends(getLive)},
	{name: "pipelined requests, then leaves", play: sends(getHello + getLate + getHello)},
	{name: "a bad target", play: func(c *client) { c.send("GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n").refused(400) }},
	{name: "a bad header", play: func(c *client) { c.send("GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n").refused(400) }},
	{name: "a bad version", play: func(c *client) { c.send("GET / HTTP/3.0\r\nHost: x\r\n\r\n").refused(505) }},
	{name: "two Content-Lengths", play: func(c *client) {
		c.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab").refused(400)
	}},
	{name: "a bad chunk", play: func(c *client) {
		c.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n").refused(400)
	}},
	{name: "rubbish", play: func(c *client) { c.send("\x16\x03\x01\x00\xff\x01\x00\r\n\r\n").refused(400) }},
	{name: "a header of 1 MB", play: func(c *client) {
		c.send(getLine + host + "\r\nX: ")
		go c.Write(append(bytes.Repeat([]byte("x"), 1<<20), "\r\n\r\n"...))
		c.refused(431)
	}},
	{name: "a header without end", play: func(c *client) {
		c.send("GET / HTTP/1.1\r\nHost: x\r\nX: ")
		go c.Write(bytes.Repeat([]byte("x"), 10<<20)) // until the server has had enough
		c.expect(431, "")
	}},
	{name: "a body of 100 MB", play: func(c *client) {
		c.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n")
		go c.Write(make([]byte, 100_000_000))
		c.expect(405, "")
	}},
}

const getLate = "GET /20/late HTTP/1.1\r\nHost: x\r\n\r\n"

var getLong = "GET /0/" + strings.Repeat("x", maxRequestHeader-100) + " HTTP/1.1\r\nHost: x\r\n\r\n"

func sends(text string) func(c *client) { return func(c *client) { c.send(text) } }

// resets makes the Close that follows a reset.
func resets(c *client) { c.SetLinger(0) }

func finishes(c *client) *client {
	c.CloseWrite()
	return c
}

// refused expects that status, and that the server is done with the client.
func (c *client) refused(status int) {
	c.t.Helper()
	c.expect(status, "")
	c.expectEnd()
}

// Property 12. The neighbors are in the middle of something all the time: one
// is between two requests, the reply of the other one is yet to come.
func TestFaultOfOneClientIsOfOneConnection(t *testing.T) {
	for _, misdeed := range misdeeds {
		t.Run(misdeed.name, func(t *testing.T) {
			s := startServer(t, misdeed.limit)
			idle := s.dial().send(getHello)
			idle.expect(200, "hello")
			waits := s.dial().send("GET /10/first HTTP/1.1\r\nHost: x\r\n\r\nGET /20/second HTTP/1.1\r\nHost: x\r\n\r\n")
			bad := s.dial()
			misdeed.play(bad)
			bad.Close()
			waits.expect(200, "first")
			waits.expect(200, "second")
			idle.send(getHello).expect(200, "hello")
			s.dial().send(getHello).expect(200, "hello")
			if cut := s.end(); cut != 0 {
				t.Errorf("%d connections were cut off at the end", cut)
			}
		})
	}
}

// Property 41.
func TestDrainCutsOffWhateverAConnectionDoes(t *testing.T) {
	s := startServer(t, func(o *serverOptions) { o.Grace = 20 * time.Millisecond })
	unread := s.dial()
	for err := error(nil); err == nil; _, err = io.WriteString(unread, getLong) {
		unread.SetWriteDeadline(time.Now().Add(100 * time.Millisecond)) // until nothing more fits in
	}
	s.dial()
	s.dial().send(getHello[:20])
	s.dial().send("GET /60000/late HTTP/1.1\r\nHost: x\r\n\r\n" + getHello)
	s.dial().send(getHello).expect(200, "hello")
	if cut := s.end(); cut != 3 {
		t.Errorf("%d connections were cut off, want 3: the other ones are between two requests", cut)
	}
}

// Ctrl-Z, and then fg: the waits of the server are interrupted, and nothing else.
func TestStoppedServerGoesOn(t *testing.T) {
	p := startProcess(t, "")
	late, c := p.dial().send("GET /300/late HTTP/1.1\r\nHost: x\r\n\r\n"), p.dial()
	for range 20 {
		p.cmd.Process.Signal(syscall.SIGSTOP)
		p.cmd.Process.Signal(syscall.SIGCONT)
		c.send(getHello).expect(200, "hello")
	}
	late.expect(200, "late")
	p.interrupt(os.Interrupt, drainedLine)
}

// answered is a reply as far as it is the same at any time.
type answered struct {
	Status int
	Body   string
	Close  bool
	method string // which says whether there is a body
}

// netHTTPsAnswers are the replies to the requests that net/http reads from the
// bytes as a whole, if checkHeader lets them pass. Then the client has finished.
func netHTTPsAnswers(wire string) (all []answered) {
	for closed := false; !closed; {
		if wire = strings.TrimLeft(wire, "\r\n"); wire == "" {
			break
		}
		status := refusal(http.StatusBadRequest)
		a := answered{Status: int(status), Close: true}
		if end := endOfHeader([]byte(wire), 0); end > 0 {
			if err := checkHeader(wire[:end]); errors.As(err, &status) {
				a.Status = int(status)
			} else if r := bufio.NewReader(strings.NewReader(wire)); true {
				if req, err := http.ReadRequest(r); err == nil {
					a = answerTo(req)
				}
				rest, _ := io.ReadAll(r)
				wire = string(rest)
			}
		}
		all, closed = append(all, a), a.Close
	}
	return all
}

// answerTo reads the body, and says what the answer is.
func answerTo(req *http.Request) answered {
	bad := answered{Status: http.StatusBadRequest, Close: true}
	switch {
	case req.Header.Get("Expect") != "" && req.Body != http.NoBody:
		req.Close = true
	default:
		n, err := io.Copy(io.Discard, io.LimitReader(req.Body, maxBody+1))
		if err != nil {
			return bad
		}
		req.Close = req.Close || n > maxBody
	}
	a := answered{Status: http.StatusNotFound, Close: req.Close, method: req.Method}
	read := req.Method == http.MethodGet || req.Method == http.MethodHead
	path := req.URL.EscapedPath()
	parts := strings.Split(path, "/")
	switch {
	case path == "/" && read:
		a.Status, a.Body = http.StatusOK, page
	case slices.Contains(methods[path], req.Method):
		a.Status = http.StatusForbidden // this server shows nothing
	case methods[path] != nil, len(parts) == 3 && parts[0] == "" && parts[2] != "" && !read:
		a.Status = http.StatusMethodNotAllowed
	case len(parts) == 3 && parts[0] == "" && parts[2] != "":
		a.Status = http.StatusBadRequest
		text, err := url.PathUnescape(parts[2])
		if d, late := time.ParseDuration(parts[1] + "ms"); err == nil && late == nil && d <= maxDelay {
			a.Status, a.Body = http.StatusOK, text
		}
	}
	if a.Status != http.StatusOK || req.Method == http.MethodHead {
		a.Body = ""
	}
	return a
}

// repliesIn are the replies to these requests, and what comes after them.
func repliesIn(heard []byte, to []answered) (all []answered, rest string) {
	r := bufio.NewReader(bytes.NewReader(heard))
	for _, a := range to {
		reply, err := http.ReadResponse(r, &http.Request{Method: a.method})
		if err != nil {
			break
		}
		body, err := io.ReadAll(reply.Body)
		if err != nil {
			break
		}
		got := answered{reply.StatusCode, string(body), reply.Close, a.method}
		if a.Status != http.StatusOK {
			got.Body = "" // why not
		}
		all = append(all, got)
	}
	left, _ := io.ReadAll(r)
	return all, string(left)
}

// serveScripted lets clients and a server take turns until the connections are
// closed. The clock is the bubble's: it goes on if nothing else does.
func serveScripted(t *testing.T, clients ...*script) {
	t.Helper()
	scripts := make(map[int]*script)
	meddle = func(fd, n int) (int, error) {
		if s := scripts[fd]; s != nil {
			return s.meddle(fd, n)
		}
		return n, nil
	}
	pauses := 1000 // of a millisecond, so that no client is late
	for _, c := range clients {
		scripts[c.tested] = c
		c.pause = func() {
			if pauses--; pauses > 0 {
				time.Sleep(time.Millisecond)
			}
		}
	}
	rt := scriptedRuntime(t, func(timeout time.Duration) bool {
		moved := false
		for _, c := range clients {
			moved = c.run() || moved
		}
		if !moved && timeout > 0 {
			time.Sleep(timeout)
		}
		return moved || timeout > 0
	})
	l, err := Listen(rt, netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	cut, err := BlockOn(rt, Async(func(co *Co) int {
		s := newServer(co.cx, l, defaultOptions)
		var tasks []Future[Result[struct{}]]
		for _, client := range clients { // as if it came from accept
			Await(co, s.places.Send(struct{}{}))
			c := &connection{server: s, stream: streamOf(t, rt, client.tested), idle: sleep{d: s.options.Idle}}
			s.conns[c] = true
			c.task = Spawn[struct{}](co.cx, c)
			tasks = append(tasks, c.task)
		}
		Await(co, JoinAll(tasks...))
		return Await(co, s.drain())
	}))
	if cut != 0 || err != nil {
		t.Errorf("%d connections were cut off, %v", cut, err)
	}
	for _, c := range clients {
		for c.run() { // what was on its way
		}
	}
}

// requestWires are such as clients send, and some that are none.
var requestWires = []string{
	"", "G", "\r\n\r\n", "\r\n\r\n\r\n" + getHello, getHello, getHello + getHello, getHello + getHello[:20],
	"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + getHello,
	"HEAD /0/hello HTTP/1.1\r\nHost: x\r\n\r\n" + getHello + "HEAD / HTTP/1.0\r\n\r\n",
	"POST /0/x HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc" + getHello,
	"PUT /0/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nX: y\r\n\r\n" + getHello,
	"GET / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
	"GET /5000/late HTTP/1.1\r\nHost: x\r\n\r\n" + getHello,
	"GET / HTTP/3.0\r\nHost: x\r\n\r\n" + getHello,
	"GET /%2f HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 2\r\n\r\n" + getHello,
}

// Property 8.
func TestRequestsSplitAtAnyByteHaveTheSameReplies(t *testing.T) {
	mustEnd(t)
	for _, wire := range requestWires {
		for cut := range len(wire) + 1 {
			synctest.Test(t, func(t *testing.T) {
				c := newScript(t, wire, "t"+strings.Repeat("s", cut)+"t")
				serveScripted(t, c)
				checkReplies(t, c)
			})
		}
	}
}

// Properties 8, 12 and 15: whatever comes, and however, what goes back are the
// replies to the requests that net/http reads from the whole, or the first of
// them if the client resets. A neighbor has its replies.
func FuzzServe(f *testing.F) {
	large := "GET /0/" + strings.Repeat("large", 2000) + " HTTP/1.1\r\nHost: x\r\n\r\n"
	for _, wire := range append(requestWires, large+getHello) {
		f.Add(wire, "", "")
		f.Add(wire, strings.Repeat("st", 40)+"ShtSiwth", "SttSt")
	}
	f.Fuzz(func(t *testing.T, wire, steps, neighborSteps string) {
		mustEnd(t)
		synctest.Test(t, func(t *testing.T) {
			c, neighbor := newScript(t, wire, steps), newScript(t, neighborWire, keepTurns(neighborSteps))
			serveScripted(t, c, neighbor)
			checkReplies(t, c)
			checkReplies(t, neighbor)
		})
	})
}

const neighborWire = getHello + "POST /0/x HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc" + "HEAD / HTTP/1.0\r\n\r\n"

// keepTurns makes turns of the steps that would end a script.
func keepTurns(steps string) string {
	turns := []byte(steps)
	for i, step := range turns {
		if step&7 == 'f'&7 || step&7 == 'r'&7 {
			turns[i] = 't'
		}
	}
	return string(turns)
}

func checkReplies(t *testing.T, c *script) {
	t.Helper()
	want := netHTTPsAnswers(c.said)
	got, rest := repliesIn(c.heard, want)
	if c.fd < 0 {
		want, rest = want[:len(got)], ""
	}
	if !slices.Equal(got, want) || rest != "" {
		t.Errorf("to %.200q came %.200q\ngot  %+v, then %.100q\nwant %+v", c.said, c.heard, got, rest, want)
	}
}

// Property 41.
func TestDrainFinishesWhatIsUnderWay(t *testing.T) {
	s := startServer(t, nil)
	idle, fresh, late, many := s.dial().send(getHello), s.dial(), s.dial(), s.dial()
	idle.expect(200, "hello")
	late.send(getHello).expect(200, "hello")
	late.send("GET /300/late HTTP/1.1\r\nHost: x\r\n\r\n")
	many.send("GET /300/many HTTP/1.1\r\nHost: x\r\n\r\n" + getHello + getHello)
	s.dial().send(getHello).expect(200, "hello") // by now those are being served
	done := make(chan int)
	go func() { done <- s.end() }()
	idle.expectEnd()
	fresh.expectEnd()
	if r := late.expect(200, "late"); !r.Close {
		t.Error("the last reply does not say that the connection ends")
	}
	many.expect(200, "many")
	many.expect(200, "hello")
	if r := many.expect(200, "hello"); !r.Close {
		t.Error("the last of three replies does not say that the connection ends")
	}
	for _, c := range []*client{late, many} {
		c.expectEnd()
		c.Close()
	}
	if cut := <-done; cut != 0 {
		t.Errorf("%d connections were cut off", cut)
	}
	if c, err := net.Dial("tcp", s.addr); err == nil {
		c.Close()
		t.Error("somebody still accepts")
	}
}

// Property 41: no event has told of it yet.
func TestRequestThatArrivesAsTheServerDrainsIsAnswered(t *testing.T) {
	rt := openRuntime(t)
	l := openListener(t, rt)
	client := (&serving{t: t, addr: l.Addr().String()}).dial()
	var answered sync.WaitGroup
	blockOn(t, rt, Async(func(co *Co) int {
		s := newServer(co.cx, l, defaultOptions)
		for idle := false; !idle; {
			Await(co, Sleep(time.Millisecond))
			for c := range s.conns {
				idle = !c.stream.ready[readable] // it has found nothing, and waits
			}
		}
		client.send(getHello)
		answered.Go(func() {
			client.expect(200, "hello")
			client.expectEnd()
			client.Close() // else the server lingers
		})
		return Await(co, s.drain())
	}))
	answered.Wait()
}

// Property 41.
func TestDrainEndsWithTheGracePeriod(t *testing.T) {
	s := startServer(t, func(o *serverOptions) { o.Grace = 50 * time.Millisecond })
	s.dial().send("GET /60000/late HTTP/1.1\r\nHost: x\r\n\r\n")
	s.dial().send(getHello[:20])
	s.dial().send(getHello).expect(200, "hello")
	if cut := s.end(); cut != 2 {
		t.Errorf("%d connections were cut off, want 2", cut)
	}
}

// The worker of a client that has left serves others, who want no figures.
func TestFiguresEndWithTheirClient(t *testing.T) {
	noLeaks(t)
	rt := openRuntime(t)
	o, l := defaultOptions, openListener(t, rt)
	o.Live = watch(rt)
	client := (&serving{t: t, addr: l.Addr().String()}).dial().send(getLive)
	blockOn(t, rt, Async(func(co *Co) int {
		s := newServer(co.cx, l, o)
		for len(s.free) == 0 {
			if s.replies > 0 {
				client.Close()
			}
			Await(co, Sleep(time.Millisecond))
		}
		if len(s.conns) > 0 || s.free[0].streaming {
			t.Errorf("%d connections, and the free worker is live: %t", len(s.conns), s.free[0].streaming)
		}
		return Await(co, s.drain())
	}))
}

// Close without drain is what happens if the program fails.
func TestClosedRuntimeLeavesNothingOfAServer(t *testing.T) {
	noLeaks(t)
	rt := openRuntime(t)
	l := openListener(t, rt)
	for range 2 { // before and after the first poll of its task
		blockOn(t, rt, until(func(cx *Context) bool { newServer(cx, l, defaultOptions); return true }))
		blockOn(t, rt, Yield())
	}
}

func TestClientsThatLeaveDoNoHarm(t *testing.T) {
	s := startServer(t, impatient)
	for i := range 200 {
		c := s.dial()
		c.send([]string{"", "G", getHello, getHello + getHello, "GET /60000/x HTTP/1.1\r\nHost: x\r\n\r\n"}[i%5])
		if i%3 == 0 {
			c.SetLinger(0) // a reset
		}
		c.Close()
	}
	s.dial().send(getHello).expect(200, "hello")
}
