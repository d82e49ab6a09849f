package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// echo is a server with a goroutine for each connection.
func echo() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	fmt.Println("echo listens at", l.Addr())
	for {
		conn, err := l.Accept()
		must(err)
		go func() {
			defer conn.Close()
			buffer := make([]byte, 4096)
			for {
				n, err := conn.Read(buffer)
				if err != nil {
					return
				}
				if _, err := conn.Write(buffer[:n]); err != nil {
					return
				}
			}
		}()
	}
}

// get calls fetch n times, all at once.
func get(kind, address string, n int, fetch func(u *url.URL) error) {
	u, err := url.Parse(address)
	must(err)
	before, start := cpuTime(0), time.Now()
	var all sync.WaitGroup
	for range n {
		all.Go(func() { must(fetch(u)) })
	}
	all.Wait()
	result(kind, n, time.Since(start), cpuTime(0)-before)
}

// byNet sends the request itself, and reads the reply with net/http.
func byNet(u *url.URL) error {
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", u.RequestURI(), u.Host); err != nil {
		return err
	}
	reply, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return err
	}
	return check(reply)
}

func byHTTP(u *url.URL) error {
	reply, err := client.Get(u.String())
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	return check(reply)
}

var client = http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

func check(reply *http.Response) error {
	body, err := io.ReadAll(reply.Body)
	if err == nil && (reply.StatusCode != 200 || len(body) == 0) {
		err = fmt.Errorf("status %d, %d bytes", reply.StatusCode, len(body))
	}
	return err
}

// serve answers like 06-full-runtime, but without the delay.
func serve() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	fmt.Println("serve listens at", l.Addr())
	must(http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		io.WriteString(w, r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:])
	})))
}
