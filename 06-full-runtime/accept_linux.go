package main

import "golang.org/x/sys/unix"

// acceptSocket makes the connection non-blocking and close-on-exec at once.
func acceptSocket(fd int) (int, unix.Sockaddr, error) {
	for {
		conn, peer, err := unix.Accept4(fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		if err != unix.EINTR {
			return conn, peer, err
		}
	}
}
