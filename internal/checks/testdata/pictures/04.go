package main

import (
	"fmt"
	"time"
)

var scenarios = map[string]func(){
	"README.md": func() {
		r, p := must(NewReactor()), newPeer()
		get := HTTPGet(p.addr, "/50/hello").(*httpGet)
		if watching {
			watchWake(r, p, get)
		} else {
			drawWake(r, p, get)
		}
	},
}

// The request has been sent, and the reply has been read up to its end. Then
// another descriptor is ready, and the future is polled when the reactor waits
// again.
func drawWake(r *Reactor, p *peer, get *httpGet) {
	another := &another{pair: newPair()}
	another.rounds = []func(){
		func() {},
		func() { p.accept(); p.write() },
		func() {
			waitFor("R->>K: wait", 3) // after the connect, and after the reply
			go func() {
				waitFor("Note over E: Park", 3) // after this poll
				beginWith("R->>K: wait", "E->>F: Poll", map[string][]func(){"Note over E: Park": {p.close}})
				another.ready()
			}()
		},
	}
	BlockOn(r, JoinAll[Response](get, another))
}

// From the end of the connect on.
func watchWake(r *Reactor, p *peer, get *httpGet) {
	var parker *Parker
	showGet(get)
	display("r.waiting", "queue", func() string {
		if get.fd >= 0 && r.waiting[get.fd][readable] != nil {
			return "socket: read → the parker"
		}
		return ""
	})
	display("epoll set", "queue", func() string { return epollSet(r.poller.fd, map[int]string{get.fd: "socket"}) })
	display("token", "token", func() string {
		if parker == nil && get.cx != nil {
			parker = get.cx.waker.(*Parker)
		}
		if parker == nil {
			return "0"
		}
		return fmt.Sprint(len(parker.token))
	})
	drawing.again = true
	drawing.first = map[string]func(n int){
		"E->>F: Poll": func(n int) { waitFor("R->>K: wait", n) },
		"R->>E: Wake": func(int) { time.Sleep(5 * time.Millisecond) }, // main is asleep by then
		"K-->>R: event": func(n int) {
			if n == 1 {
				waitFor("Note over E: Park", 1)
				beginWith("R->>K: wait", "E->>F: Poll", map[string][]func(){
					"Note over E: Park": {func() { p.accept(); p.write() }, p.close},
				})
			}
		},
	}
	BlockOn(r, get)
}
