package main

import (
	"io"
	"math"
	"math/rand/v2"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

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
	r.accepts = Spawn(s.runtime, Async(r.accept))
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
		p.task = Spawn(r.runtime, Async(p.run))
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
		Await(co, NewSleep(time.Duration(p.rand.IntN(5e6))))
	case 1, 2, 3, 4:
		Await(co, new(Yield))
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
		Await(co, NewSleep(time.Duration(p.rand.ExpFloat64()*3e9)))
	}
	for _, s := range []*Stream{p.client, p.server} {
		if act == "are reset" && !s.closed {
			unix.SetsockoptLinger(s.fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
		}
		s.Close()
	}
}
