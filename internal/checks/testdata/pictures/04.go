package main

var scenarios = map[string]func(){
	// The request has been sent, and the reply has been read up to its end. Then
	// another descriptor is ready, and the future is polled when the reactor waits
	// again.
	"README.md": func() {
		r, p := must(NewReactor()), newPeer()
		get := HTTPGet(p.addr, "/50/hello").(*httpGet)
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
		showGet(get)
		show("r.waiting", "queue", func() string {
			if w := r.waiting[get.fd][readable]; w != nil && get.fd >= 0 {
				return "socket: wake the parker"
			}
			return ""
		})
		show("epoll set", "queue", func() string { return epollSet(r.poller.fd, map[int]string{get.fd: "socket"}) })
		show("token", "token", func() string { return []string{"0", "1"}[len(another.cx.waker.(*Parker).token)] })
		BlockOn(r, JoinAll[Response](get, another))
	},
}
