package main

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// init prints the table of the page: the kernel's set, and what a wait would do.
func init() {
	p := must(newPoller())
	pair := must(unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0))
	fd := pair[0]
	arm := func() { must(0, p.arm(fd, directions{readable: true})) }
	for _, step := range []func(){
		func() {},
		arm,
		func() { must(unix.Write(pair[1], []byte("hello"))) },
		func() {
			if got := must(p.wait()); len(got) != 1 || !got[0].ready[readable] || got[0].ready[writable] {
				fmt.Println("wait returns", got)
			}
		},
		arm,
		func() { must(0, unix.Close(fd)) },
	} {
		step()
		waits := "sleeps"
		if must(unix.Poll([]unix.PollFd{{Fd: int32(p.fd), Events: unix.POLLIN}}, 0)) > 0 {
			waits = "returns"
		}
		fmt.Printf("%s | %s\n", kernelSet(p.fd, fd), waits)
	}
	os.Exit(0)
}
