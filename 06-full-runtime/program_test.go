package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// ran is how a command ended.
type ran struct {
	status         int
	stdout, stderr string
}

func runHere(t *testing.T, args ...string) ran {
	t.Helper()
	var stdout, stderr bytes.Buffer
	status := run(args, &stdout, &stderr)
	return ran{status, stdout.String(), stderr.String()}
}

// runProcess runs the program in a process of its own, which is this test's
// program again: see TestIsTheProgram.
func runProcess(t *testing.T, args ...string) ran {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestIsTheProgram$")
	cmd.Env = append(os.Environ(), "PROGRAM_ARGS="+strings.Join(args, " "))
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		t.Fatal(err)
	}
	return ran{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

func TestIsTheProgram(t *testing.T) {
	if args, is := os.LookupEnv("PROGRAM_ARGS"); is {
		os.Exit(run(strings.Fields(args), os.Stdout, os.Stderr))
	}
}

func TestDemonstration(t *testing.T) {
	t.Parallel()
	got := runProcess(t)
	if got.status != 0 || got.stderr != "" {
		t.Errorf("status %d, on standard error:\n%s", got.status, got.stderr)
	}
	for _, want := range []string{
		`(?m)^10 responses in \S+: (\d+) polls, \d+ switches, \S+ of CPU$`,
		`(?m)^1000 responses in \S+: (\d+) polls, \d+ switches, \S+ of CPU$`,
		`go run \./05-executor`,
		`(?m)^by hand +sum 55, 40 lines, +[\d.]+ ns a poll, +\d+ bytes`,
		`(?m)^Await +sum 55, 12 lines, +[\d.]+ ns a poll, +\d+ bytes`,
		`second\n +it has stopped, and cut off 0 connections\n`,
		`0 tasks, 0 timers, 0 descriptors\n$`,
	} {
		match := regexp.MustCompile(want).FindStringSubmatch(got.stdout)
		if match == nil {
			t.Fatalf("nothing matches %s in:\n%s", want, got.stdout)
		}
		if len(match) == 2 {
			n, _ := strconv.Atoi(match[0][:strings.Index(match[0], " ")])
			if polls, _ := strconv.Atoi(match[1]); polls < n || polls > 5*n {
				t.Errorf("%q: want between %d and %d polls", match[0], n, 5*n)
			}
		}
	}
}

func TestNarrationTellsTheSameEveryTime(t *testing.T) {
	t.Parallel()
	var first, second string
	var both sync.WaitGroup
	both.Go(func() { first = runProcess(t).stdout })
	both.Go(func() { second = runProcess(t).stdout })
	both.Wait()
	first, _, _ = strings.Cut(first, "\n\n")
	second, _, _ = strings.Cut(second, "\n\n")
	if first != second {
		t.Errorf("first:\n%s\nthen:\n%s", first, second)
	}
}

func TestMisuse(t *testing.T) {
	t.Parallel()
	for _, args := range []string{
		"bogus", "-x", "get", "get -n 0 http://x/", "get -n -1 http://x/", "get -n many http://x/", "get -x http://x/",
		"get -timeout 0 http://x/", "get -timeout soon http://x/", "echo -x", "echo something", "echo -addr nonsense",
		"sleep", "sleep -n 1", "sleep -ms 1", "sleep -n 0 -ms 1", "sleep -n 1 -ms -1", "sleep -n 1 -ms 1 more",
		"sched", "sched -n 1", "sched bogus -n 1", "sched spawn", "sched spawn -n 0", "sched spawn -n 1 more",
	} {
		got := runHere(t, strings.Fields(args)...)
		if got.status != 2 || got.stdout != "" {
			t.Errorf("%s: status %d, output %q; want 2 and none", args, got.status, got.stdout)
		}
		said, rest, _ := strings.Cut(got.stderr, "\n")
		if !strings.HasPrefix(said, "06-full-runtime: ") || rest != usage {
			t.Errorf("%s: want a line that says what is wrong, and the usage; got:\n%s", args, got.stderr)
		}
	}
}

func TestHelpIsNoMisuse(t *testing.T) {
	t.Parallel()
	for command := range commands {
		if got := runHere(t, command, "-h"); command != "sched" && (got.status != 0 || got.stderr != usage) {
			t.Errorf("%s -h: status %d, %q; want 0 and the usage", command, got.status, got.stderr)
		}
	}
}

func TestUsageNamesEveryCommandAndKind(t *testing.T) {
	t.Parallel()
	for command := range commands {
		if !strings.Contains(usage, "06-full-runtime "+command+" ") {
			t.Errorf("the usage does not name the command %s", command)
		}
	}
	for kind := range kinds {
		if !regexp.MustCompile(`\b` + kind + `\b`).MatchString(usage) {
			t.Errorf("the usage does not name the kind %s", kind)
		}
	}
}

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

// crowdVariable tells the test binary to be the server of a crowd, so that it
// has a limit of descriptors of its own. Its value is the crowd's size.
const crowdVariable = "CROWD"

// TestCrowdServer is no test but that server: it answers when all have asked.
// Each is told its own path.
func TestCrowdServer(t *testing.T) {
	var crowd int
	if _, err := fmt.Sscan(os.Getenv(crowdVariable), &crowd); err != nil {
		t.Skip("this is the server's process of another test")
	}
	go func() { // until the test ends, however it ends
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println(listener.Addr())
	var asked sync.WaitGroup
	asked.Add(crowd)
	for {
		conn, err := listener.Accept()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		go answerTogether(conn, &asked)
	}
}

func answerTogether(conn net.Conn, asked *sync.WaitGroup) {
	defer conn.Close()
	request := make([]byte, 0, 256)
	for !strings.HasSuffix(string(request), "\r\n\r\n") {
		n, err := conn.Read(request[len(request):cap(request)])
		if err != nil {
			return
		}
		request = request[:len(request)+n]
	}
	path := strings.Fields(string(request))[1]
	asked.Done()
	asked.Wait()
	fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(path), path)
}

// startCrowdServer starts TestCrowdServer in a process of its own.
func startCrowdServer(t *testing.T, crowd int) netip.AddrPort {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	server := exec.Command(program, "-test.run=^TestCrowdServer$")
	server.Env = append(os.Environ(), fmt.Sprint(crowdVariable, "=", crowd))
	server.Stderr = os.Stderr
	stdin, err := server.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		server.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	addr, err := netip.ParseAddrPort(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	return addr
}
