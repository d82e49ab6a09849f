package main

import (
	"maps"
	"slices"
	"strings"
)

var scenarios = map[string]func(){
	// The request has been sent, and the reply has been read up to its end. Then
	// another descriptor is ready, and so both futures are polled.
	"README.md": func() {
		r, p := must(NewReactor()), newPeer()
		get := HTTPGet(p.addr, "/50/hello").(*httpGet)
		showGet(get)
		another := &another{pair: newPair()}
		names := func() map[int]string { return map[int]string{get.fd: "socket", another.pair[0]: "another one"} }
		display("r.waiting", "queue", func() string {
			var all []string
			for _, fd := range slices.Sorted(maps.Keys(r.waiting)) {
				for dir, name := range []string{"read", "write"} {
					if r.waiting[fd][dir] {
						all = append(all, names()[fd]+": "+name)
					}
				}
			}
			return strings.Join(all, ", ")
		})
		display("epoll set", "queue", func() string { return epollSet(r.poller.fd, names()) })
		another.rounds = []func(){
			func() {},
			func() { p.accept(); p.write() },
			func() {
				if !watching {
					beginWith("E->>F: Poll", "", map[string][]func(){"Note over E,K: Wait sleeps": {p.close}})
				}
				another.ready()
			},
		}
		if watching { // from the beginning
			nothing := func() {}
			begin(map[string][]func(){"Note over E,K: Wait sleeps": {nothing, nothing, nothing, p.close}})
		}
		BlockOn(r, JoinAll[Response](get, another))
	},
}
