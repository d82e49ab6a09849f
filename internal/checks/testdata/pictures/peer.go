package main

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// A peer is a web server that does what the scenario says, and only then.
type peer struct {
	addr     netip.AddrPort
	listener int
	conn     int
}

func newPeer() *peer {
	fd := must(unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0))
	must(0, unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	must(0, unix.Listen(fd, 1))
	name := must(unix.Getsockname(fd)).(*unix.SockaddrInet4)
	return &peer{addr: netip.AddrPortFrom(netip.AddrFrom4(name.Addr), uint16(name.Port)), listener: fd}
}

func (p *peer) accept() {
	fd, _, err := unix.Accept(p.listener)
	p.conn = must(fd, err)
	must(unix.Read(fd, make([]byte, 4096))) // if it closed without, that would be a reset
}

func (p *peer) write() {
	must(unix.Write(p.conn, []byte("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello")))
}

func (p *peer) close() { must(0, unix.Close(p.conn)) }

func showGet(get *httpGet) {
	display("g.state", "value", func() string { return get.state })
	display("g.reply", "value", func() string {
		if n := len(get.reply); n > 0 {
			return fmt.Sprintf("%d bytes", n)
		}
		return ""
	})
}
