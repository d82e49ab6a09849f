package main

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

type named string

func (named) Wake() {}

// init prints the table of the page: r.waiting and the kernel's set, while deliver
// does its work. The reactor has no goroutine here.
func init() {
	r := &Reactor{poller: must(newPoller()), waiting: make(map[int]waiters)}
	pair := must(unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0))
	fd := pair[0]
	must(0, unix.SetNonblock(fd, true))
	for err := error(nil); err == nil; { // until there's no room to write
		_, err = unix.Write(fd, make([]byte, 1<<16))
	}
	var got []event
	for _, step := range []func(){
		func() {
			must(0, r.Register(fd, readable, named("reader")))
			must(0, r.Register(fd, writable, named("writer")))
		},
		func() {
			must(unix.Write(pair[1], []byte("hello")))
			got = must(r.poller.wait())
		},
		func() {
			if woken := r.deliver(got[0].fd, got[0].ready); woken != (waiters{readable: named("reader")}) {
				fmt.Println("deliver returns", woken)
			}
		},
	} {
		step()
		var waiting []string
		for _, w := range r.waiting[fd] {
			if w != nil {
				waiting = append(waiting, string(w.(named)))
			}
		}
		fmt.Printf("%s | %s\n", strings.Join(waiting, ", "), kernelSet(r.poller.fd, fd))
	}
	os.Exit(0)
}
