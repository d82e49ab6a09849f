package main

import "golang.org/x/sys/unix"

// another is a future that waits for a pair of sockets, which isn't drawn, and does something in
// each of its polls but the last one.
type another struct {
	pair   [2]int
	rounds []func()
	cx     *Context // of the latest poll
}

func newPair() [2]int { return must(unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)) }

func (a *another) Poll(cx *Context) (Response, bool) {
	a.cx = cx
	if len(a.rounds) == 0 {
		return Response{}, true
	}
	do := a.rounds[0]
	a.rounds = a.rounds[1:]
	wasOn := pause(true)
	must(0, cx.WakeWhenReadable(a.pair[0]))
	pause(!wasOn)
	do()
	return Response{}, false
}

// ready makes its descriptor ready, once.
func (a *another) ready() { must(unix.Write(a.pair[1], []byte{0})) }
