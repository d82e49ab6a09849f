package main

import (
	"fmt"
	"net/netip"
	"os"
	"strings"
)

// parseTarget takes HOST:PORT/PATH apart.
func parseTarget(target string) (addr netip.AddrPort, path string, err error) {
	host, path, _ := strings.Cut(target, "/")
	if addr, err = netip.ParseAddrPort(host); err != nil {
		err = fmt.Errorf("%q is not HOST:PORT/PATH with a numeric address; names come in chapter 06", target)
	}
	return addr, "/" + path, err
}

// fetch gets all targets at once, and prints a line for each in their order.
func fetch(r *Reactor, targets []string) (status int) {
	responses, polls := make([]Response, len(targets)), make([]int, len(targets))
	e := NewExecutor(r)
	for i, target := range targets {
		addr, path, err := parseTarget(target)
		if err != nil {
			fmt.Fprintln(os.Stderr, "05-executor:", err)
			return 2
		}
		Spawn(e, into[Response]{Counted[Response]{NewHTTPGet(addr, path), &polls[i]}, &responses[i]})
	}
	e.Run()
	for i, r := range responses {
		if r.Err != nil {
			fmt.Fprintln(os.Stderr, "05-executor:", r.Err)
			status = 1
			continue
		}
		fmt.Printf("%d %8d bytes %3d polls  %s\n", r.Status, len(r.Body), polls[i], targets[i])
	}
	return status
}
