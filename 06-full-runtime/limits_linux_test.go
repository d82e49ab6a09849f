package main

import (
	"testing"

	"golang.org/x/sys/unix"
)

// Property 11: no descriptor is no reason to end.
func TestDescriptorLimitIsErrorOfOneRequest(t *testing.T) {
	noLeaks(t)
	cx, get := newContext(t), NewHTTPGet(address(listen(t)), "/")
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	none := unix.Rlimit{Cur: 0, Max: limit.Max}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &none); err != nil {
		t.Fatal(err)
	}
	r, _ := get.Poll(cx)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	checkFault(t, Response{}, `start: socket: too many open files`, r)
	checkFault(t, Response{Status: 200, Body: "hello"}, "", runOne(t, NewHTTPGet(startPeer(t, answer(hello)), "/")))
}
