package main

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	"flag"
	"fmt"
	"io"
	"maps"
	"math"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

var (
	soakTime = flag.Duration("soak", time.Second/2, "how long TestSoak goes on")
	soakSeed = flag.Uint64("seed", 0, "what TestSoak does at random; 0 is another each time")
)

// TestSoak has a thousand clients at the server of this chapter, most of them
// through a relay, which does to their connections what networks, peers and
// clients do. Either an answer is right, or somebody has interfered with the
// exchange. In the end nothing is left.
//
//	go test -timeout=0 -run=TestSoak -v ./06-full-runtime -soak=10m
//	go test -timeout=0 -run=TestSoak -v ./06-full-runtime -soak=10m -seed=7
//
// The seed says what each does, and not who comes first.
func TestSoak(t *testing.T) {
	clients, seed := 1000, cmp.Or(*soakSeed, rand.Uint64())
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	clients = min(clients, int(limit.Cur/10)) // who races has eight descriptors, with the other ends
	t.Logf("%d clients, -seed=%d", clients, seed)
	hangs := time.AfterFunc(*soakTime+2*time.Minute, func() {
		stacks := make([]byte, 1<<24)
		panic(fmt.Sprintf("TestSoak does not end. All goroutines:\n%s", stacks[:runtime.Stack(stacks, true)]))
	})
	defer hangs.Stop()

	server := startServer(t, func(o *serverOptions) { o.Read = soakRead })
	rt, err := NewRuntime()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeEmpty(t, rt) })
	s := &soak{
		t: t, runtime: rt, addr: netip.MustParseAddrPort(server.addr),
		end: time.Now().Add(*soakTime), seen: make(map[string]int),
	}
	s.relays = []*relay{newRelay(s, seed, false), newRelay(s, seed+1, true)}
	blockOn(t, rt, Async(func(co *Co) int {
		var all []Future[Result[struct{}]]
		for i := range clients {
			c := &soaked{soak: s, rand: rand.New(rand.NewPCG(seed, uint64(i)))}
			all = append(all, Spawn(co.cx, Async(c.run)))
		}
		for _, r := range Await(co, JoinAll(all...)) {
			if r.Err != nil {
				t.Error(r.Err)
			}
		}
		for _, r := range s.relays {
			r.stop(co)
		}
		return 0
	}))
	if cut := server.end(); cut != 0 {
		t.Errorf("the server had to cut off %d connections", cut)
	}
	s.report()
}

const soakRead = 5 * time.Second // is what the server gives to a request

// soak is what clients and relays have in common. They share a runtime.
type soak struct {
	t       *testing.T
	runtime *Runtime
	addr    netip.AddrPort // of the server
	relays  []*relay       // a harmless one, and one that is not
	end     time.Time
	seen    map[string]int // how often what has happened
}

func (s *soak) report() {
	for _, what := range slices.Sorted(maps.Keys(s.seen)) {
		s.t.Logf("%8d %s", s.seen[what], what)
	}
	if s.seen["answer: right"] == 0 {
		s.t.Error("no answer was right")
	}
	if *soakTime < 30*time.Second {
		return
	}
	for _, act := range interferences {
		for _, whose := range []string{"requests ", "replies "} {
			if s.seen["interference: "+whose+act] == 0 {
				s.t.Errorf("in all that time no %s%s", whose, act)
			}
		}
	}
}

// soaked is a client. Its exchanges end one after the other.
type soaked struct {
	*soak
	rand *rand.Rand
	to   netip.AddrPort // in this exchange
	safe bool           // nobody interferes with it
	from time.Time      // when it began
}

func (c *soaked) run(co *Co) struct{} {
	for time.Now().Before(c.end) {
		c.to, c.safe = c.addr, true
		if way := c.rand.IntN(1 + len(c.relays)); way > 0 {
			c.to, c.safe = c.relays[way-1].listener.Addr(), !c.relays[way-1].rough
		}
		c.from = time.Now()
		switch c.rand.IntN(5) {
		case 0:
			c.get(co)
		case 1:
			c.giveUp(co)
		case 2:
			c.cancel(co)
		case 3:
			c.race(co)
		case 4:
			c.talk(co)
		}
	}
	return struct{}{}
}

// question is a request, and the hash of its answer.
type question struct {
	request string
	sum     [sha256.Size]byte
}

func (c *soaked) question(longest int) question {
	if c.rand.IntN(10) > 0 {
		longest = 60
	}
	text := strings.Repeat(fmt.Sprintf("%016x", c.rand.Uint64()), longest/16+1)[:1+c.rand.IntN(longest)]
	ms := max(0, c.rand.IntN(40)-20)
	return question{fmt.Sprintf("GET /%d/%s HTTP/1.1\r\nHost: x\r\n", ms, text), sha256.Sum256([]byte(text))}
}

// newGet makes a request, and what checks its response.
func (c *soaked) newGet() (get *httpGet, check func(Response)) {
	q := c.question(60_000)
	get = &httpGet{
		target:   &target{addrs: []netip.AddrPort{c.to}, request: []byte(q.request + "Connection: close\r\n\r\n")},
		maxReply: 1 << 20,
	}
	return get, func(got Response) { c.check(q, got.Status, got.Body, got.Err) }
}

// check is where an answer is right or wrong.
func (c *soaked) check(q question, status int, body string, err error) {
	switch {
	case err == nil && status == http.StatusOK && sha256.Sum256([]byte(body)) == q.sum:
		c.seen["answer: right"]++
	case err == nil && status == http.StatusOK:
		c.t.Errorf("a wrong answer to %.100q: %.100q", q.request, body)
	case c.safe && time.Since(c.from) < soakRead:
		c.t.Errorf("nobody interferes, but to %.100q comes %d, %.100q, %v", q.request, status, body, err)
	case err != nil:
		c.seen["answer: none"]++
	default:
		c.seen[fmt.Sprint("answer: status ", status)]++
	}
}

// moment is a random time, up to most, and not much longer than the test.
func (c *soaked) moment(most time.Duration) time.Duration {
	return min(time.Duration(c.rand.Int64N(int64(most))), max(0, time.Until(c.end))+200*time.Millisecond)
}

// patience is a minute if nobody interferes. Otherwise there may be no answer.
func (c *soaked) patience() time.Duration {
	if c.safe {
		return time.Minute
	}
	return c.moment(10 * time.Second)
}

// get has time enough, unless somebody interferes.
func (c *soaked) get(co *Co) {
	f, check := c.newGet()
	patience := c.patience()
	r := Await(co, Timeout[Response](f, patience))
	switch {
	case r.Err == nil:
		check(r.Value)
	case c.safe:
		c.t.Errorf("nobody interferes, and no answer within %v to %.100q", patience, f.target.request)
	default:
		c.seen["exchange: patience lost"]++
	}
}

// giveUp has a timeout that may come first.
func (c *soaked) giveUp(co *Co) {
	f, check := c.newGet()
	if r := Await(co, Timeout[Response](f, c.moment(50*time.Millisecond))); r.Err != nil {
		c.seen["exchange: timeout"]++
	} else {
		check(r.Value)
	}
}

// cancel makes the exchange a task, which may be cancelled at any moment.
func (c *soaked) cancel(co *Co) {
	f, check := c.newGet()
	h := Spawn[Response](co.cx, f)
	Await(co, Sleep(c.moment(time.Second)))
	h.Cancel()
	switch r := Await(co, h); r.Err {
	case nil:
		check(r.Value)
	case ErrCancelled:
		c.seen["exchange: cancelled"]++
	default:
		c.t.Error(r.Err)
	}
}

// race has two exchanges, of which one is lost, and a timeout for both.
func (c *soaked) race(co *Co) {
	a, checkA := c.newGet()
	b, checkB := c.newGet()
	switch r := Await(co, Timeout(Race[Response, Response](a, b), c.moment(3*time.Second))); {
	case r.Err != nil:
		c.seen["exchange: timeout of a race"]++
	case r.Value.First:
		checkA(r.Value.A)
		c.seen["exchange: race"]++
	default:
		checkB(r.Value.B)
		c.seen["exchange: race"]++
	}
}

// talk has many exchanges on one connection, several of them at once.
func (c *soaked) talk(co *Co) {
	dialed := Await(co, Dial(c.to))
	if dialed.Err != nil {
		c.t.Error(dialed.Err)
		return
	}
	conn := co.Conn(dialed.Value)
	defer conn.Close()
	conn.SetTimeout(c.patience())
	r := bufio.NewReader(conn)
	for range 1 + c.rand.IntN(3) {
		c.from = time.Now()
		var asked []question
		var requests strings.Builder
		for range 1 + c.rand.IntN(4) {
			q := c.question(5000)
			asked = append(asked, q)
			requests.WriteString(q.request + "\r\n")
		}
		if _, err := io.WriteString(conn, requests.String()); err != nil {
			c.check(asked[0], 0, "", err)
			return
		}
		for _, q := range asked {
			status, body, err := readReply(r)
			if c.check(q, status, body, err); err != nil || status != http.StatusOK {
				return // after a refusal, such as 408 on a busy machine, the server closes
			}
			c.seen["exchange: on a connection that is kept"]++
		}
	}
}

func readReply(r *bufio.Reader) (status int, body string, err error) {
	reply, err := http.ReadResponse(r, nil)
	if err != nil {
		return 0, "", err
	}
	all, err := io.ReadAll(reply.Body)
	return reply.StatusCode, string(all), err
}

// relay passes on what clients and the server send to each other: in pieces,
// and late. A rough one also interferes with it.
type relay struct {
	*soak
	rough    bool
	rand     *rand.Rand
	listener *Listener
	accepts  *JoinHandle[struct{}]
	passages map[*passage]bool
}

// passage is a connection through a relay: two of its own.
type passage struct {
	*relay
	client, server *Stream // the server's is nil before it is dialed
	task           *JoinHandle[struct{}]
}

func newRelay(s *soak, seed uint64, rough bool) *relay {
	s.t.Helper()
	l, err := Listen(s.runtime, netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		s.t.Fatal(err)
	}
	r := &relay{soak: s, rough: rough, rand: rand.New(rand.NewPCG(0, seed)), listener: l, passages: make(map[*passage]bool)}
	r.accepts = SpawnRemote(s.runtime, Async(r.accept))
	return r
}

func (r *relay) accept(co *Co) struct{} {
	defer r.listener.Close()
	for {
		got := Await(co, r.listener.Accept())
		if got.Err != nil {
			r.t.Error(got.Err)
			return struct{}{}
		}
		p := &passage{relay: r, client: got.Value}
		r.passages[p] = true
		p.task = Spawn(co.cx, Async(p.run))
	}
}

// stop ends the passages, which may be stalled.
func (r *relay) stop(co *Co) {
	r.accepts.Cancel()
	Await(co, r.accepts)
	for p := range r.passages {
		p.task.Cancel()
		Await(co, p.task)
		p.client.Close() // in case it had not begun
	}
}

func (p *passage) run(co *Co) struct{} {
	defer delete(p.passages, p)
	defer p.client.Close()
	dialed := Await(co, Dial(p.addr))
	if dialed.Err != nil {
		p.t.Error(dialed.Err)
		return struct{}{}
	}
	p.server = dialed.Value
	defer p.server.Close()
	Await(co, JoinAll(p.pass("requests", p.client, p.server), p.pass("replies", p.server, p.client)))
	return struct{}{}
}

// pass is one direction of a passage.
func (p *passage) pass(what string, from, to *Stream) Future[struct{}] {
	act, until := p.interference()
	slow := p.rand.IntN(50) // bytes that go one or two at a time
	return Async(func(co *Co) struct{} {
		in, out, buffer := co.Conn(from), co.Conn(to), make([]byte, 4096)
		for passed := 0; passed < until; {
			piece := min(len(buffer), until-passed)
			if passed < slow {
				piece = min(piece, 1+p.rand.IntN(2))
			}
			n, err := in.Read(buffer[:piece])
			if err == nil {
				_, err = out.Write(buffer[:n])
			}
			if err != nil {
				to.CloseWrite()
				return struct{}{}
			}
			passed += n
			p.rest(co)
		}
		p.seen["interference: "+what+" "+act]++
		p.interfere(co, act, to, out)
		return struct{}{}
	})
}

// rest lets some time pass between two pieces.
func (p *passage) rest(co *Co) {
	switch p.rand.IntN(50) {
	case 0:
		Await(co, Sleep(time.Duration(p.rand.IntN(5e6))))
	case 1, 2, 3, 4:
		Await(co, Yield())
	}
}

// interferences are what may be done to requests, or replies.
var interferences = []string{"are rubbish", "end early", "are cut off", "are reset", "stall"}

// interference says what will be done in one direction, and after how many
// bytes.
func (p *passage) interference() (act string, until int) {
	if !p.rough || p.rand.IntN(2) == 0 {
		return "", math.MaxInt
	}
	act, until = interferences[p.rand.IntN(len(interferences))], p.rand.IntN(300)
	if act == "are rubbish" {
		until = 0
	}
	return act, until
}

func (p *passage) interfere(co *Co, act string, to *Stream, out *Conn) {
	switch act {
	case "are rubbish":
		io.WriteString(out, "\x16\x03\x01\x00\xff\x01\x00\r\n\r\n")
		fallthrough
	case "end early":
		to.CloseWrite()
		return
	case "stall":
		Await(co, Sleep(time.Duration(p.rand.ExpFloat64()*3e9)))
	}
	for _, s := range []*Stream{p.client, p.server} {
		if act == "are reset" && s.reactor != nil {
			unix.SetsockoptLinger(s.fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
		}
		s.Close()
	}
}

// Property 24.
func TestWakesWhileTheRuntimeClosesAreHarmless(t *testing.T) {
	for range 500 {
		rt := newRuntime(newFakePoller(t)) // which says if it's rung too late
		var wakers []Waker
		for range 8 {
			SpawnRemote(rt, until(func(cx *Context) bool { wakers = append(wakers, cx.Waker()); return false }))
		}
		blockOn(t, rt, Yield())
		var over atomic.Bool
		var waking sync.WaitGroup
		for _, w := range wakers {
			waking.Go(func() {
				for !over.Load() {
					w.Wake()
					runtime.Gosched() // or each turn of the executor would wait until all eight are interrupted
				}
			})
		}
		BlockOn(rt, Sleep(time.Microsecond))
		rt.Close()
		if n := len(rt.injected); n != 0 {
			t.Errorf("the closed runtime keeps %d wakes", n)
		}
		over.Store(true)
		waking.Wait()
	}
}
