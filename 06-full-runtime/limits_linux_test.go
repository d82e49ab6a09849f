package main

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

// limited is a request that is polled when the process may open nothing.
type limited struct {
	*HTTPGet
	t             *testing.T
	before, after chan struct{}
}

func (l limited) Poll(cx *Context) (Response, bool) {
	<-l.before
	defer close(l.after)
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		l.t.Error(err)
	}
	none := unix.Rlimit{Cur: 0, Max: limit.Max}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &none); err != nil {
		l.t.Error(err)
	}
	defer unix.Setrlimit(unix.RLIMIT_NOFILE, &limit)
	return l.HTTPGet.Poll(cx)
}

// Property 11: no descriptor is no reason to end. The request beside it is
// under way, and has got one before.
func TestDescriptorLimitIsErrorOfOneRequest(t *testing.T) {
	noLeaks(t)
	before, after := make(chan struct{}), make(chan struct{})
	other := NewHTTPGet(startPeer(t, func(c *net.TCPConn) {
		close(before)
		<-after
		answer(hello)(c)
	}), "/")
	responses := runAll[Response](t, other, limited{NewHTTPGet(address(listen(t)), "/"), t, before, after})
	checkFault(t, Response{}, `start: socket: too many open files`, responses[1])
	checkFault(t, Response{Status: 200, Body: "hello"}, "", responses[0])
	checkFault(t, Response{Status: 200, Body: "hello"}, "", runOne(t, NewHTTPGet(startPeer(t, answer(hello)), "/")))
}
