package main

import (
	"net"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// In the copy of socket.go these are what unix.Connect and unix.Getpeername are in
// the chapter, so that they can fail as other kernels' do.
var (
	kernelConnect     = unix.Connect
	kernelGetpeername = unix.Getpeername
)

// FreeBSD's connect says EAGAIN if no local port is left. Nothing is under way then.
func TestConnectWithoutALocalPort(t *testing.T) {
	noLeaks(t)
	kernelConnect = func(int, unix.Sockaddr) error { return unix.EAGAIN }
	defer func() { kernelConnect = unix.Connect }()
	addr := netip.MustParseAddrPort("127.0.0.1:1")
	within(t, "a request without a local port", func() {
		if r := runOne(t, HTTPGet(addr, "/")); r.Err == nil || !strings.Contains(r.Err.Error(), "no local port is free") {
			t.Errorf("got %+v, want an error that says what is missing", r)
		}
	})
}

// On macOS, getpeername says EINVAL if the connect has failed. The reason is in
// SO_ERROR, unless it was read before.
func TestFailedConnectOnMacOS(t *testing.T) {
	noLeaks(t)
	kernelGetpeername = func(int) (unix.Sockaddr, error) { return nil, unix.EINVAL }
	defer func() { kernelGetpeername = unix.Getpeername }()
	l := listen(t)
	addr := l.Addr().(*net.TCPAddr).AddrPort()
	fd, err := openSocket(addr)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	startConnect(fd, addr)
	c, err := l.AcceptTCP()
	if err != nil {
		t.Fatal(err)
	}
	c.SetLinger(0)
	c.Close()
	for _, want := range []error{unix.ECONNRESET, unix.ENOTCONN} {
		if err := connectResult(fd); err != want {
			t.Errorf("connectResult says %v, want %v", err, want)
		}
	}
}
