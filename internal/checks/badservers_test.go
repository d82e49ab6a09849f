package checks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// badServer is a server of bad manners, and what get and a client of net/http
// make of it: the status and the length of the body, "fails", or "late" if they
// still wait when the time is over.
type badServer struct {
	name, reply string // ‖ in the reply is a pause
	end         serverEnd
	get         string
	netHTTP     string // if that's another outcome
	why         string // then
}

// serverEnd is what a server does after its reply.
type serverEnd string

const (
	closes serverEnd = "closes"
	stays  serverEnd = "stays" // leaves the connection open
	resets serverEnd = "resets"
	halves serverEnd = "halves" // only finishes sending
)

const replyOK = "HTTP/1.1 200 OK⏎"

var badServers = []badServer{
	// A client that knows when it's done.
	{"fixed length", replyOK + "Content-Length: 5⏎⏎hello", stays, "200 5", "", ""},
	{"no body", replyOK + "Content-Length: 0⏎⏎", stays, "200 0", "", ""},
	{"204", "HTTP/1.1 204 No Content⏎⏎", stays, "204 0", "", ""},
	{"204 with a length", "HTTP/1.1 204 No Content⏎Content-Length: 5⏎⏎", stays, "204 0", "", ""},
	{"204 with a body", "HTTP/1.1 204 No Content⏎Content-Length: 5⏎⏎hello", closes, "204 0", "", ""},
	{"304", "HTTP/1.1 304 Not Modified⏎Content-Length: 5⏎⏎", stays, "304 0", "", ""},
	{"304, chunked", "HTTP/1.1 304 Not Modified⏎Transfer-Encoding: chunked⏎⏎", stays, "304 0", "", ""},
	{"chunked", replyOK + "Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎⏎", stays, "200 5", "", ""},
	{"chunked, slowly", replyOK + "Transfer-Encoding: chunked⏎⏎‖5⏎‖hel‖lo⏎‖0‖⏎⏎", stays, "200 5", "", ""},
	{"chunked, in twos", replyOK + "Transfer-Encoding: chunked⏎⏎2⏎he⏎2⏎‖ll⏎1⏎o⏎0⏎⏎", stays, "200 5", "", ""},
	{"more than its length", replyOK + "Content-Length: 5⏎⏎hello, world", stays, "200 5", "", ""},
	{"a second reply", replyOK + "Content-Length: 5⏎⏎hello" + replyOK + "Content-Length: 2⏎⏎no", stays, "200 5", "", ""},
	{"keep-alive", replyOK + "Connection: keep-alive⏎Content-Length: 5⏎⏎hello", stays, "200 5", "", ""},
	{"says close, and doesn't", replyOK + "Connection: close⏎Content-Length: 5⏎⏎hello", stays, "200 5", "", ""},
	{"length, then a reset", replyOK + "Content-Length: 5⏎⏎hello", resets, "200 5", "", ""},
	{"chunked, then a reset", replyOK + "Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎⏎", resets, "200 5", "", ""},

	// Until the end of the connection.
	{"no length", replyOK + "⏎hello", closes, "200 5", "", ""},
	{"no length, half-close", replyOK + "⏎hello", halves, "200 5", "", ""},
	{"no length, stays", replyOK + "⏎hello", stays, "late", "", ""},
	{"no length, reset", replyOK + "⏎hello‖", resets, "fails", "", ""},
	{"no length, no body", replyOK + "⏎", closes, "200 0", "", ""},
	{"HTTP/1.0", "HTTP/1.0 200 OK⏎⏎hello", closes, "200 5", "", ""},
	{"HTTP/1.0, keep-alive, no length", "HTTP/1.0 200 OK⏎Connection: keep-alive⏎⏎hello", closes, "200 5", "", ""},

	// Cut short.
	{"body cut short", replyOK + "Content-Length: 50⏎⏎hello", closes, "fails", "", ""},
	{"body cut short, stays", replyOK + "Content-Length: 50⏎⏎hello", stays, "late", "", ""},
	{"body cut short, reset", replyOK + "Content-Length: 50⏎⏎hello", resets, "fails", "", ""},
	{"chunk cut short", replyOK + "Transfer-Encoding: chunked⏎⏎50⏎hello", closes, "fails", "", ""},
	{"no last chunk", replyOK + "Transfer-Encoding: chunked⏎⏎5⏎hello⏎", closes, "fails", "", ""},
	{"no end of the trailer", replyOK + "Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎", closes, "fails", "", ""},
	{"no end of the trailer, stays", replyOK + "Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎", stays, "late", "", ""},
	{"half a header", replyOK + "Content-Le", closes, "fails", "", ""},
	{"header without its end", replyOK + "Content-Length: 5⏎", closes, "fails", "", ""},
	{"half a status line", "HTTP/1.1 2", closes, "fails", "", ""},
	{"nothing", "", closes, "fails", "", ""},
	{"nothing, reset", "", resets, "fails", "", ""},
	{"nothing, stays", "", stays, "late", "", ""},
	{"nothing, half-close", "", halves, "fails", "", ""},
	{"an empty line", "⏎", closes, "fails", "", ""},

	// Status lines.
	{"rubbish", "rubbish⏎⏎", closes, "fails", "", ""},
	{"rubbish, stays", "rubbish", stays, "late", "", ""},
	{"HTTP/0.9", "hello", closes, "fails", "", ""},
	{"another protocol", "SSH-2.0-OpenSSH_9.6⏎", stays, "fails", "", ""},
	{"HTTP/2.0", "HTTP/2.0 200 OK⏎Content-Length: 5⏎⏎hello", closes, "200 5", "", ""},
	{"HTTP/1.2", "HTTP/1.2 200 OK⏎Content-Length: 5⏎⏎hello", closes, "200 5", "", ""},
	{"ICY", "ICY 200 OK⏎⏎hello", closes, "fails", "", ""},
	{"small letters", "http/1.1 200 OK⏎Content-Length: 5⏎⏎hello", closes, "fails", "", ""},
	{"no reason", "HTTP/1.1 200⏎Content-Length: 5⏎⏎hello", closes, "200 5", "", ""},
	{"no reason, a space", "HTTP/1.1 200 ⏎Content-Length: 5⏎⏎hello", closes, "200 5", "", ""},
	{"two spaces", "HTTP/1.1  200 OK⏎Content-Length: 5⏎⏎hello", closes, "200 5", "", ""},
	{"status of two digits", "HTTP/1.1 20 OK⏎Content-Length: 5⏎⏎hello", closes, "fails", "", ""},
	{"status of four digits", "HTTP/1.1 2000 OK⏎Content-Length: 5⏎⏎hello", closes, "fails", "", ""},
	{"status of letters", "HTTP/1.1 abc OK⏎Content-Length: 5⏎⏎hello", closes, "fails", "", ""},
	{"status 999", "HTTP/1.1 999 No⏎Content-Length: 5⏎⏎hello", closes, "999 5", "", ""},
	{"status 000", "HTTP/1.1 000 No⏎Content-Length: 5⏎⏎hello", closes, "fails", "0 5", "get: 9110, 15: a status is 100 at least, and below 200 another reply follows"},
	{"bare LF", "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", closes, "200 5", "", ""},
	{"an empty line first", "⏎" + replyOK + "Content-Length: 5⏎⏎hello", closes, "fails", "", ""},

	// Headers.
	{"name without a colon", replyOK + "X⏎Content-Length: 5⏎⏎hello", closes, "fails", "", ""},
	{"space before the colon", replyOK + "Content-Length : 5⏎⏎hello", closes, "200 5", "", ""},
	{"continued line", replyOK + "X: a⏎ b⏎Content-Length: 5⏎⏎hello", closes, "200 5", "", ""},
	{"NUL in a value", replyOK + "X: \x00⏎Content-Length: 5⏎⏎hello", closes, "fails", "", ""},
	{"two lengths", replyOK + "Content-Length: 5⏎Content-Length: 6⏎⏎hello", closes, "fails", "", ""},
	{"the same length twice", replyOK + "Content-Length: 5⏎Content-Length: 5⏎⏎hello", closes, "200 5", "", ""},
	{"negative length", replyOK + "Content-Length: -5⏎⏎hello", closes, "fails", "", ""},
	{"length with a plus", replyOK + "Content-Length: +5⏎⏎hello", closes, "fails", "", ""},
	{"length of words", replyOK + "Content-Length: five⏎⏎hello", closes, "fails", "", ""},
	{"huge length", replyOK + "Content-Length: 99999999999999999999⏎⏎hello", closes, "fails", "", ""},
	{"empty length", replyOK + "Content-Length:⏎⏎hello", closes, "fails", "", ""},
	{"chunked and a length", replyOK + "Content-Length: 2⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎⏎", stays, "200 5", "", ""},
	{"chunked twice", replyOK + "Transfer-Encoding: chunked⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎⏎", closes, "fails", "", ""},
	{"gzip, chunked", replyOK + "Transfer-Encoding: gzip, chunked⏎⏎5⏎hello⏎0⏎⏎", closes, "fails", "", ""},
	{"another coding", replyOK + "Transfer-Encoding: x⏎⏎hello", closes, "fails", "", ""},
	{"chunked, 1.0", "HTTP/1.0 200 OK⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎⏎", closes, "200 15", "", ""},
	{"header of 900 KB", replyOK + strings.Repeat("X: "+strings.Repeat("x", 997)+"⏎", 900) + "Content-Length: 5⏎⏎hello", closes, "200 5", "", ""},
	{"header of 2 MB", replyOK + strings.Repeat("X: "+strings.Repeat("x", 997)+"⏎", 2000) + "Content-Length: 5⏎⏎hello", closes, "fails", "", ""},
	{"says gzip", replyOK + "Content-Encoding: gzip⏎Content-Length: 5⏎⏎hello", closes, "200 5", "", ""},

	// Chunks.
	{"bad size", replyOK + "Transfer-Encoding: chunked⏎⏎x⏎hello⏎0⏎⏎", closes, "fails", "", ""},
	{"negative size", replyOK + "Transfer-Encoding: chunked⏎⏎-5⏎hello⏎0⏎⏎", closes, "fails", "", ""},
	{"empty size", replyOK + "Transfer-Encoding: chunked⏎⏎⏎hello⏎0⏎⏎", closes, "fails", "", ""},
	{"huge size", replyOK + "Transfer-Encoding: chunked⏎⏎fffffffffffffffff⏎hello", closes, "fails", "", ""},
	{"size with zeros", replyOK + "Transfer-Encoding: chunked⏎⏎0005⏎hello⏎0⏎⏎", closes, "200 5", "", ""},
	{"size and spaces", replyOK + "Transfer-Encoding: chunked⏎⏎5  ⏎hello⏎0⏎⏎", closes, "200 5", "", ""},
	{"space before the size", replyOK + "Transfer-Encoding: chunked⏎⏎ 5⏎hello⏎0⏎⏎", closes, "fails", "", ""},
	{"extension", replyOK + "Transfer-Encoding: chunked⏎⏎5;a=\"b\"⏎hello⏎0⏎⏎", stays, "200 5", "", ""},
	{"long extension", replyOK + "Transfer-Encoding: chunked⏎⏎5;" + strings.Repeat("x", 5000) + "⏎hello⏎0⏎⏎", closes, "fails", "", ""},
	{"chunk too long", replyOK + "Transfer-Encoding: chunked⏎⏎4⏎hello⏎0⏎⏎", closes, "fails", "", ""},
	{"chunk too short", replyOK + "Transfer-Encoding: chunked⏎⏎6⏎hello⏎0⏎⏎", closes, "fails", "", ""},
	{"chunks with bare LF", replyOK + "Transfer-Encoding: chunked⏎⏎5\nhello\n0\n\n", closes, "fails", "", ""},
	{"trailer", replyOK + "Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎X: y⏎⏎", stays, "200 5", "", ""},
	{"bad trailer", replyOK + "Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎rubbish⏎⏎", closes, "fails", "", ""},

	// Interim replies.
	{"100 first", "HTTP/1.1 100 Continue⏎⏎" + replyOK + "Content-Length: 5⏎⏎hello", stays, "200 5", "", ""},
	{"103 first, slowly", "HTTP/1.1 103 Early Hints⏎Link: x⏎⏎‖" + replyOK + "Content-Length: 5⏎⏎hello", stays, "200 5", "", ""},
	{"five interim replies", strings.Repeat("HTTP/1.1 102 Processing⏎⏎", 5) + replyOK + "Content-Length: 5⏎⏎hello", stays, "200 5", "", ""},
	{"only an interim reply", "HTTP/1.1 100 Continue⏎⏎", closes, "fails", "", ""},
	{"101", "HTTP/1.1 101 Switching Protocols⏎Upgrade: x⏎Connection: Upgrade⏎⏎hello", closes, "101 0", "101 5", "both: 9110, 7.8: what follows isn't HTTP, and get asked for no other protocol"},
	{"100 with a length", "HTTP/1.1 100 Continue⏎Content-Length: 5⏎⏎" + replyOK + "Content-Length: 5⏎⏎hello", stays, "200 5", "", ""},

	// Others.
	{"redirect", "HTTP/1.1 302 Found⏎Location: /⏎Content-Length: 0⏎⏎", stays, "302 0", "", ""},
	{"404", "HTTP/1.1 404 Not Found⏎Content-Length: 5⏎⏎hello", stays, "404 5", "", ""},
	{"one byte at a time", strings.Join(strings.Split(replyOK+"Content-Length: 5⏎⏎hello", ""), "‖"), stays, "200 5", "", ""},
	{"reply before the end of the request", replyOK + "Content-Length: 5⏎⏎hello", "hasty", "200 5", "", ""},
}

func TestGetIsLikeNetHTTP(t *testing.T) {
	t.Parallel()
	if len(badServers) < 70 {
		t.Errorf("%d servers, want 70 at least", len(badServers))
	}
	const limit = 8 * time.Second
	var addresses []string
	for _, s := range badServers {
		addresses = append(addresses, "http://"+s.start(t)+"/")
	}
	theirs := make([]chan string, len(badServers))
	for i, address := range addresses {
		theirs[i] = make(chan string, 1)
		go func() { theirs[i] <- getWithNetHTTP(address, limit) }()
	}
	get := exec.Command(buildChapter06(t), slices.Concat([]string{"get", "-timeout", limit.String()}, addresses)...)
	said, _ := get.CombinedOutput()
	for i, s := range badServers {
		want := s.netHTTP
		if want == "" {
			want = s.get
		}
		if (s.netHTTP == "") != (s.why == "") || s.netHTTP == s.get {
			t.Errorf("%s: a difference needs a reason, and nothing else does", s.name)
		}
		if got := saidOf(string(said), addresses[i]); got != s.get {
			t.Errorf("%s: get says %q, want %q", s.name, got, s.get)
		}
		if got := <-theirs[i]; got != want {
			t.Errorf("%s: net/http says %q, want %q", s.name, got, want)
		}
	}
}

// start starts the server and returns its address.
func (s badServer) start(t *testing.T) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	serve := func(c *net.TCPConn) {
		defer c.Close()
		if s.end == "hasty" { // a reply before the first byte would be unsolicited, says net/http, if it comes soon enough
			c.Read(make([]byte, 1))
		} else {
			for request := ""; !strings.HasSuffix(request, "\r\n\r\n"); {
				p := make([]byte, 1000)
				n, err := c.Read(p)
				if request += string(p[:n]); err != nil {
					return
				}
			}
		}
		for i, part := range strings.Split(strings.ReplaceAll(s.reply, "⏎", "\r\n"), "‖") {
			if i > 0 {
				time.Sleep(5 * time.Millisecond)
			}
			io.WriteString(c, part)
		}
		switch s.end {
		case resets:
			time.Sleep(100 * time.Millisecond) // or the reset overtakes the reply
			c.SetLinger(0)
			return
		case halves:
			c.CloseWrite()
		case closes:
			return
		}
		io.Copy(io.Discard, c) // until the client closes
	}
	go func() {
		for c, err := l.Accept(); err == nil; c, err = l.Accept() {
			go serve(c.(*net.TCPConn))
		}
	}()
	return l.Addr().String()
}

// saidOf finds in the output of get what it says of an address.
func saidOf(output, address string) string {
	if m := regexp.MustCompile(`(?m)^(\d+) +(\d+) bytes .* ` + regexp.QuoteMeta(address) + `$`).FindStringSubmatch(output); m != nil {
		return m[1] + " " + m[2]
	}
	_, failure, found := strings.Cut(output, "GET "+address+": ")
	if failure, _, _ = strings.Cut(failure, "\n"); !found {
		return "nothing"
	}
	if strings.HasPrefix(failure, "no complete reply within") {
		return "late"
	}
	return "fails"
}

func getWithNetHTTP(address string, limit time.Duration) string {
	cx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	request, err := http.NewRequestWithContext(cx, "GET", address, nil)
	if err != nil {
		return err.Error()
	}
	client := http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true, DisableCompression: true, MaxResponseHeaderBytes: 1 << 20},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	r, err := client.Do(request)
	var body []byte
	if err == nil {
		defer r.Body.Close()
		body, err = io.ReadAll(r.Body)
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "late"
	case err != nil:
		return "fails"
	}
	return fmt.Sprintf("%d %d", r.StatusCode, len(body))
}
