package main

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// openSocket returns a TCP socket whose calls never wait. A call that would have
// to wait fails instead: connect with EINPROGRESS, any other with EAGAIN.
func openSocket(addr netip.AddrPort) (fd int, err error) {
	family := unix.AF_INET6
	if addr.Addr().Is4() {
		family = unix.AF_INET
	}
	fd, err = newSocket(family)
	if err == unix.EMFILE {
		err = fmt.Errorf("%w (ulimit -n shows and raises the limit)", err)
	}
	return fd, os.NewSyscallError("socket", err)
}

// startConnect returns EAGAIN if a connect is under way; at its end, fd becomes
// writable. A signal (EINTR) doesn't stop it, and a second connect would fail.
func startConnect(fd int, addr netip.AddrPort) error {
	to, err := sockaddr(addr)
	if err != nil {
		return err
	}
	switch err := unix.Connect(fd, to); err {
	case unix.EINPROGRESS, unix.EINTR:
		return unix.EAGAIN
	case unix.EAGAIN: // from the kernel, it means that nothing is under way
		return fmt.Errorf("no local port is free (%v)", err)
	default:
		return err
	}
}

// sockaddr is addr for the kernel, which knows a zone such as eth0 by its number.
func sockaddr(addr netip.AddrPort) (unix.Sockaddr, error) {
	ip, port := addr.Addr(), int(addr.Port())
	if ip.Is4() {
		return &unix.SockaddrInet4{Addr: ip.As4(), Port: port}, nil
	}
	number, err := strconv.ParseUint(cmp.Or(ip.Zone(), "0"), 10, 32)
	if i, failure := net.InterfaceByName(ip.Zone()); failure == nil { // a name goes before a number
		number, err = uint64(i.Index), nil
	}
	if err != nil {
		return nil, fmt.Errorf("there is no network interface %q", ip.Zone())
	}
	return &unix.SockaddrInet6{Addr: ip.As16(), Port: port, ZoneId: uint32(number)}, nil
}

// addrPort converts an address from the kernel; a zone stays a number.
func addrPort(sa unix.Sockaddr) netip.AddrPort {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *unix.SockaddrInet6:
		ip := netip.AddrFrom16(sa.Addr)
		if sa.ZoneId != 0 {
			ip = ip.WithZone(strconv.Itoa(int(sa.ZoneId)))
		}
		return netip.AddrPortFrom(ip, uint16(sa.Port))
	}
	return netip.AddrPort{}
}

// connectResult returns nil if fd is connected, EAGAIN if the connect is still
// under way, or else why it failed. SO_ERROR is 0 in both of the first two cases.
func connectResult(fd int) error {
	_, err := unix.Getpeername(fd) // before SO_ERROR, which says why if the connect fails in between
	code, _ := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	switch {
	case code != 0:
		return unix.Errno(code)
	case err == unix.ENOTCONN:
		return unix.EAGAIN
	case err == unix.EINVAL: // macOS says so after a failure whose SO_ERROR has been read
		return unix.ENOTCONN
	}
	return err
}

// ignoringEINTR calls a read or a write, again if a signal interrupted it.
// Either may do only a part. Read returns 0 if the peer has finished sending.
func ignoringEINTR(call func(int, []byte) (int, error), fd int, p []byte) (int, error) {
	n, err := call(fd, p)
	for err == unix.EINTR {
		n, err = call(fd, p)
	}
	return max(n, 0), err
}
