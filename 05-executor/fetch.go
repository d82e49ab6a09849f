package main

import (
	"fmt"
	"net/netip"
	"os"
	"strings"
	"time"
)

// parseTarget splits HOST:PORT/PATH.
func parseTarget(target string) (addr netip.AddrPort, path string, err error) {
	host, path, _ := strings.Cut(target, "/")
	if addr, err = netip.ParseAddrPort(host); err != nil || addr.Addr().Zone() != "" {
		err = fmt.Errorf("%q is not HOST:PORT/PATH with a numeric address; names come in chapter 06", target)
	}
	return addr, "/" + path, err
}

// fetch requests all targets at once, and prints a line for each, in their order.
func fetch(r *Reactor, targets []string) (status int) {
	gets, polls := make([]Future[Response], len(targets)), make([]int, len(targets))
	for i, target := range targets {
		addr, path, err := parseTarget(target)
		if err != nil {
			fmt.Fprintln(os.Stderr, "05-executor:", err)
			return 2
		}
		gets[i] = Counted(HTTPGet(addr, path), &polls[i])
	}
	// At its first timer, Go opens a poller of its own, and the process dies if no
	// descriptor is free for it. So start a timer now, while some are.
	time.Sleep(time.Nanosecond)
	for i, got := range runTasks(r, gets) {
		if got.Err != nil {
			fmt.Fprintln(os.Stderr, "05-executor:", got.Err)
			status = 1
			continue
		}
		fmt.Printf("%d %8d bytes %3d polls  %s\n", got.Status, len(got.Body), polls[i], targets[i])
	}
	return status
}
