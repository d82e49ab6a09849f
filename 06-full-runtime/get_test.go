package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// startPages serves pages with net/http, on an address such as "[::1]:0".
func startPages(t *testing.T, addr string) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Skipf("no %s here: %v", addr, err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/hello", func(w http.ResponseWriter, r *http.Request) {
		if !r.Close || r.Host == "" {
			http.Error(w, "want Connection: close and a Host", http.StatusBadRequest)
		}
		io.WriteString(w, "hello")
	})
	mux.HandleFunc("/empty", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/query", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.URL.RawQuery) })
	mux.Handle("/elsewhere", http.RedirectHandler("/hello", http.StatusFound))
	mux.HandleFunc("/chunked", func(w http.ResponseWriter, r *http.Request) {
		for range 3 {
			io.WriteString(w, strings.Repeat("x", 100_000))
			w.(http.Flusher).Flush()
		}
	})
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(50 * time.Millisecond)
		io.WriteString(w, "slow")
	})
	mux.HandleFunc("/never", func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("/short", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100")
		io.WriteString(w, "short")
	})
	server := httptest.NewUnstartedServer(mux)
	server.Listener.Close()
	server.Listener = l
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}

func TestGetPrintsRepliesInTheOrderOfTheArguments(t *testing.T) {
	t.Parallel()
	url := startPages(t, "127.0.0.1:0")
	got := runHere(t, "get", url+"/slow", url+"/hello", url+"/elsewhere", url+"/chunked", url+"/nothing", url+"/query?a=b%20c", url+"/empty")
	want := fmt.Sprintf(`^200 +4 bytes +\S+  %[1]s/slow
200 +5 bytes +\S+  %[1]s/hello
302 +\d+ bytes +\S+  %[1]s/elsewhere
200 +300000 bytes +\S+  %[1]s/chunked
404 +19 bytes +\S+  %[1]s/nothing
200 +7 bytes +\S+  %[1]s/query\?a=b%%20c
200 +0 bytes +\S+  %[1]s/empty
7 of 7 replies, \d+ bytes, \S+
$`, url)
	if got.status != 0 || got.stderr != "" || !regexp.MustCompile(want).MatchString(got.stdout) {
		t.Errorf("status %d, %q; want 0, and what matches\n%s\ngot:\n%s", got.status, got.stderr, want, got.stdout)
	}
}

func TestGetFromIPv6(t *testing.T) {
	t.Parallel()
	url := startPages(t, "[::1]:0")
	if got := runHere(t, "get", url+"/hello"); got.status != 0 || !strings.HasPrefix(got.stdout, "200        5 bytes") {
		t.Errorf("%+v", got)
	}
}

func TestGetLooksUpNames(t *testing.T) {
	t.Parallel()
	url := strings.Replace(startPages(t, "127.0.0.1:0"), "127.0.0.1", "localhost", 1)
	if got := runHere(t, "get", url+"/hello"); got.status != 0 || !strings.HasPrefix(got.stdout, "200        5 bytes") {
		t.Errorf("%+v", got)
	}
}

func newFetch(path string, addrs ...netip.AddrPort) *Fetch {
	request := "GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
	return &Fetch{target: &target{addrs, []byte(request), 4 << 20}, buffer: new(buffer)}
}

// fetchFrom gets /hello from the first of the addresses that answers.
func fetchFrom(t *testing.T, addrs ...netip.AddrPort) Fetched {
	t.Helper()
	rt, err := NewRuntime()
	if err != nil {
		t.Fatal(err)
	}
	got, err := BlockOn(rt, newFetch("/hello", addrs...))
	if err != nil {
		t.Error(err)
	}
	if left := rt.Close(); left != (Report{}) {
		t.Errorf("left behind: %+v", left)
	}
	return got
}

// refusing returns an address where nobody listens, or will until the end of
// the test: the port is bound, but not open.
func refusing(t *testing.T) netip.AddrPort {
	t.Helper()
	fd, err := openSocket(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return addrPort(name)
}

func TestGetTriesEveryAddress(t *testing.T) {
	t.Parallel()
	url := startPages(t, "127.0.0.1:0")
	good := netip.MustParseAddrPort(strings.TrimPrefix(url, "http://"))
	if got := fetchFrom(t, refusing(t), refusing(t), good); got.Err != nil || got.Status != 200 {
		t.Errorf("%+v", got)
	}
	bad := refusing(t)
	if got := fetchFrom(t, refusing(t), bad); got.Err == nil || !strings.Contains(got.Err.Error(), bad.String()) {
		t.Errorf("%v, want an error that names %v", got.Err, bad)
	}
}

func TestGetSaysWhatFailed(t *testing.T) {
	t.Parallel()
	url := startPages(t, "127.0.0.1:0")
	for target, want := range map[string]string{
		url + "/never":                    "no complete reply within 5s",
		url + "/short":                    "reply cut short",
		"http://" + refusing(t).String():  "connection refused",
		"https://127.0.0.1/":              "no TLS",
		"ftp://127.0.0.1/":                "want a URL such as http://",
		"127.0.0.1:80/hello":              "first path segment",
		"localhost:80/hello":              "want a URL such as http://",
		"http:///hello":                   "want a URL such as http://",
		"http://127.0.0.1:99999/":         "port 99999",
		"http://no-such-host.invalid/":    "lookup no-such-host.invalid",
		"http://127.0.0.1/a\r\nX: y":      "invalid control character",
		rubbish(t, "SSH-2.0-OpenSSH\r\n"): "malformed HTTP",
		rubbish(t, ""):                    "reply cut short after 0 bytes",
		rubbish(t, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nX"): "reply cut short",
	} {
		t.Run(strings.NewReplacer("/", "_").Replace(target), func(t *testing.T) {
			t.Parallel()
			timeout := "1m"
			if strings.HasSuffix(target, "/never") {
				timeout = "5s" // in which the other one is answered
			}
			got := runHere(t, "get", "-timeout", timeout, target, url+"/hello")
			line := strings.TrimPrefix(got.stderr, fmt.Sprintf("06-full-runtime: GET %s: ", target))
			if got.status != 1 || line == got.stderr || !strings.Contains(line, want) || strings.Count(line, "\n") != 1 {
				t.Errorf("status %d, %q; want 1 and a line about %q", got.status, got.stderr, want)
			}
			if !strings.HasPrefix(got.stdout, "200        5 bytes") || !strings.Contains(got.stdout, "\n1 of 2 replies, 5 bytes, ") {
				t.Errorf("want the other reply, and a total; got:\n%s", got.stdout)
			}
		})
	}
}

// rubbish is a server that answers every request with the same bytes.
func rubbish(t *testing.T, reply string) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Read(make([]byte, 4096))
			io.WriteString(c, reply)
			c.Close()
		}
	}()
	return "http://" + l.Addr().String()
}

func TestGetCounts(t *testing.T) {
	t.Parallel()
	url := startPages(t, "127.0.0.1:0")
	got := runHere(t, "get", "-n", "200", url+"/hello", url+"/slow")
	first, result, _ := strings.Cut(got.stdout, "\n")
	if got.status != 0 || got.stderr != "" || first != "GET ok=400 fail=0" {
		t.Errorf("%+v", got)
	}
	checkResult(t, result, "get", 400)
}

func TestGetCountsFailures(t *testing.T) {
	t.Parallel()
	url := startPages(t, "127.0.0.1:0")
	for path, want := range map[string]string{
		"/nothing": "status 404",
		"/empty":   "no body",
		"/short":   "reply cut short",
		"/never":   "no complete reply within 500ms",
	} {
		timeout := "1m"
		if path == "/never" {
			timeout = "500ms"
		}
		got := runHere(t, "get", "-n", "20", "-timeout", timeout, url+path)
		if got.status != 1 || !strings.HasPrefix(got.stdout, "GET ok=0 fail=20\nRESULT ") {
			t.Errorf("%s: %+v", path, got)
		}
		if !strings.Contains(got.stderr, want) || !strings.HasSuffix(got.stderr, "(20 of 20)\n") || strings.Count(got.stderr, "\n") != 1 {
			t.Errorf("%s: %q, want one line about %q", path, got.stderr, want)
		}
	}
}

// They begin in turns, and the time is over before the last have begun.
func TestGetGivesUpOnThoseThatHaveNotBegun(t *testing.T) {
	t.Parallel()
	url := startPages(t, "127.0.0.1:0")
	if got := runHere(t, "get", "-n", "3000", "-timeout", "1us", url+"/slow"); !strings.HasPrefix(got.stdout, "GET ok=0 fail=3000\n") {
		t.Errorf("%+v", got)
	}
}

// The server answers when all have asked.
func TestGetWithTenThousandConnectionsAtOnce(t *testing.T) {
	noLeaks(t)
	needDescriptors(t, 10_000)
	got := runHere(t, "get", "-n", "10000", "http://"+startCrowdServer(t, 10_000).String()+"/x")
	if got.status != 0 || got.stderr != "" || !strings.HasPrefix(got.stdout, "GET ok=10000 fail=0\n") {
		t.Errorf("%+v", got)
	}
}
