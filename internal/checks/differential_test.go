package checks

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// oddRequest is what a client may send to serve, and what it and a server of
// net/http make of it: the statuses of the replies, and whether the connection
// is open after them.
type oddRequest struct {
	name, request string
	serve         string
	netHTTP       string // if that's another outcome
	why           string // then: who is right, and which section of RFC 9110 or 9112 says so
}

// Each of these is sent to serve and to net/http, in one piece and in many
// small ones. In the table, \r\n is ⏎.
func TestServeIsLikeNetHTTP(t *testing.T) {
	t.Parallel()
	ours := startProcess(t, exec.Command(buildChapter06(t), "serve", "-addr", "127.0.0.1:0"))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	theirs := &http.Server{Handler: http.HandlerFunc(likeServe), MaxHeaderBytes: 60 << 10} // plus 4 KiB of its own
	go theirs.Serve(l)
	defer theirs.Close()
	if len(oddRequests) < 80 {
		t.Errorf("%d requests, want 80 at least", len(oddRequests))
	}
	var all sync.WaitGroup
	for _, odd := range oddRequests {
		request := strings.ReplaceAll(odd.request, "⏎", "\r\n")
		check := func(name, addr, want string) {
			all.Go(func() {
				for _, whole := range []bool{true, false} {
					got := converse(addr, request, whole, 2*time.Second)
					if got != want { // perhaps only too late
						got = converse(addr, request, whole, 10*time.Second)
					}
					if got != want {
						t.Errorf("%s (in one piece: %t): %s says %q, want %q: %.200q", odd.name, whole, name, got, want, odd.request)
					}
				}
			})
		}
		if (odd.netHTTP == "") != (odd.why == "") || odd.netHTTP == odd.serve {
			t.Errorf("%s: a difference needs a reason, and nothing else does", odd.name)
		}
		check("serve", ours.addr, odd.serve)
		if odd.netHTTP == "" {
			odd.netHTTP = odd.serve
		}
		check("net/http", l.Addr().String(), odd.netHTTP)
	}
	all.Wait()
	ours.cmd.Process.Signal(os.Interrupt)
	if said, err := ours.wait(); err != nil || strings.Contains(said, "panic") {
		t.Errorf("serve: %v\n%s", err, said)
	}
}

// likeServe answers as serve does.
func likeServe(w http.ResponseWriter, r *http.Request) {
	ms, text, found := strings.Cut(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/")
	answer, err := url.PathUnescape(text)
	_, notANumber := strconv.Atoi(ms)
	switch {
	case r.URL.Path != "/" && (!found || text == "" || strings.Contains(text, "/")):
		w.WriteHeader(404)
	case r.Method != "GET" && r.Method != "HEAD":
		w.WriteHeader(405)
	case r.URL.Path != "/" && errors.Join(err, notANumber) != nil:
		w.WriteHeader(400)
	default:
		io.WriteString(w, answer)
	}
}

// converse sends a request and reads until the end, or until nothing comes for a while.
func converse(addr, request string, whole bool, patience time.Duration) string {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return err.Error()
	}
	defer c.Close()
	sent := make(chan struct{})
	defer func() { c.Close(); <-sent }()
	go func() {
		defer close(sent)
		if whole {
			io.WriteString(c, request)
			return
		}
		for part := range slices.Chunk([]byte(request), 1+len(request)/1000) {
			if _, err := c.Write(part); err != nil {
				return
			}
		}
	}()
	var got bytes.Buffer
	end := "open"
	for end == "open" {
		c.SetReadDeadline(time.Now().Add(patience))
		_, err := io.CopyN(&got, c, 1)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			break
		} else if err != nil {
			end = "closed"
		}
	}
	said, in := "", bufio.NewReader(&got)
	method, _, _ := strings.Cut(strings.TrimLeft(request, "\r\n"), " ")
	for {
		r, err := http.ReadResponse(in, &http.Request{Method: method})
		if err != nil {
			break
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return said + fmt.Sprintf("%d with %v", r.StatusCode, err)
		}
		if said += strconv.Itoa(r.StatusCode) + " "; r.StatusCode == 200 && len(body) < 20 && len(body) > 0 {
			said += string(body) + " "
		}
		method = "GET"
	}
	return said + end
}
