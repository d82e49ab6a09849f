package main

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

// Property 15: the read stops at the urgent byte, and what follows has no edge
// of its own.
func TestWhatFollowsUrgentDataIsRead(t *testing.T) {
	noLeaks(t)
	rt := openRuntime(t)
	l := openListener(t, rt)
	peer, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	s := blockOn[Result[*Stream]](t, rt, l.Accept()).Value
	defer s.Close()
	cx := taskContext(rt)
	pollRead(s, cx, 10)
	conn, err := peer.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	conn.Control(func(fd uintptr) {
		if _, err := unix.SendmsgN(int(fd), []byte("ab!"), nil, nil, unix.MSG_OOB); err != nil {
			t.Error(err)
		}
	})
	peer.Write([]byte("cd"))
	for !s.ready[readable] {
		deliver(t, rt)
	}
	first := pollRead(s, cx, 10)
	if second := pollRead(s, cx, 10); first != "ab" || second != "cd" {
		t.Errorf("read: %s, then %s, want ab, then cd", first, second)
	}
}
