package main

var scenarios = map[string]func(){
	// The request has been sent, and the reply has been read up to its end. Then
	// another descriptor is ready, and so both futures are polled.
	"README.md": func() {
		r, p := must(NewReactor()), newPeer()
		get := HTTPGet(p.addr, "/50/hello").(*httpGet)
		showGet(get)
		show("r.waiting", "queue", func() string {
			if get.fd >= 0 && r.waiting[get.fd][readable] {
				return "socket: read"
			}
			return ""
		})
		show("epoll set", "queue", func() string { return epollSet(r.poller.fd, map[int]string{get.fd: "socket"}) })
		another := &another{pair: newPair()}
		another.rounds = []func(){
			func() {},
			func() { p.accept(); p.write() },
			func() {
				beginWith("E->>F: Poll", "", map[string][]func(){"Note over E,K: Wait sleeps": {p.close}})
				another.ready()
			},
		}
		BlockOn(r, JoinAll[Response](get, another))
	},
}
