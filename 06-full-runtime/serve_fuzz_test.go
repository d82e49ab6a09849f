package main

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// Whatever comes, what goes back is replies that net/http can read, the last
// of them says that the connection ends, and others are served afterwards.
func FuzzServe(f *testing.F) {
	for _, seed := range []string{
		"", "G", getHello, getHello + getHello, "\r\n\r\n",
		"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + getHello,
		"POST /0/x HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc" + getHello,
		"PUT /0/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" + getHello,
		"GET / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
		"GET / HTTP/3.0\r\nHost: x\r\n\r\n", "GET /%2f HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 2\r\n\r\n",
	} {
		f.Add(seed)
	}
	slow := regexp.MustCompile(`/[^/\s]{3,}/`) // perhaps a long delay
	f.Fuzz(func(t *testing.T, wire string) {
		if slow.MatchString(wire) || strings.Contains(wire, "HEAD") {
			t.Skip() // whether a reply has a body depends on who asked
		}
		s := startServer(t, nil)
		c := s.dial().send(wire)
		c.CloseWrite()
		for closed := false; ; {
			if _, err := c.r.Peek(1); err == io.EOF {
				break
			}
			r, _ := c.reply(http.MethodGet)
			if closed {
				t.Fatalf("after the last reply comes %s", r.Status)
			}
			closed = r.Close
		}
		c.Close()
		s.dial().send(getHello).expect(200, "hello")
	})
}
