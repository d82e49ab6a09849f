package main

import (
	"io"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// startDelayServer is the world outside: an ordinary web server on a free port,
// where GET /<ms>/<text> is answered with the text after that many milliseconds.
func startDelayServer() (addr netip.AddrPort, stop func() error, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return addr, nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{ms}/{text}", func(w http.ResponseWriter, r *http.Request) {
		delay, err := time.ParseDuration(r.PathValue("ms") + "ms")
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		select {
		case <-time.After(delay):
			io.WriteString(w, r.PathValue("text"))
		case <-r.Context().Done(): // nobody waits for the answer any more
		}
	})
	server := &http.Server{Handler: mux}
	go server.Serve(listener)
	return listener.Addr().(*net.TCPAddr).AddrPort(), server.Close, nil
}
