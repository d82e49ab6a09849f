package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// ran is how a command ended.
type ran struct {
	status         int
	stdout, stderr string
}

// runHere runs a command in this process.
func runHere(t *testing.T, args ...string) ran {
	t.Helper()
	var stdout, stderr bytes.Buffer
	status := run(args, &stdout, &stderr)
	return ran{status, stdout.String(), stderr.String()}
}

// programCommand is the program in a process of its own. That is the test binary
// again, in which TestIsTheProgram is the program.
func programCommand(args string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], "-test.run=^TestIsTheProgram$")
	cmd.Env = append(os.Environ(), "PROGRAM_ARGS="+args)
	return cmd
}

func TestIsTheProgram(t *testing.T) {
	if args, is := os.LookupEnv("PROGRAM_ARGS"); is {
		os.Exit(run(strings.Fields(args), os.Stdout, os.Stderr))
	}
}

func TestDemonstration(t *testing.T) {
	t.Parallel()
	var outputs [2]string
	var both sync.WaitGroup
	for i := range outputs {
		both.Go(func() {
			cmd := programCommand("")
			var stderr strings.Builder
			cmd.Stderr = &stderr
			out, err := cmd.Output()
			if outputs[i] = string(out); err != nil || stderr.Len() > 0 {
				t.Errorf("it ends with %v, and prints on standard error:\n%s", err, &stderr)
			}
		})
	}
	both.Wait()
	for _, want := range []string{
		`(?m)^10 responses in \S+: (\d+) polls, \d+ switches, \S+ of CPU$`,
		`(?m)^1000 responses in \S+: (\d+) polls, \d+ switches, \S+ of CPU$`,
		`(?m)^  relay_hand\.go  \d+ lines, +[\d.]+ ns a poll, +\d+ bytes while it waits$`,
		`(?m)^  relay_await\.go \d+ lines, +[\d.]+ ns a poll, +\d+ bytes while it waits$`,
		`\n  the server drains, with 1 request under way\n  it was answered: 200 later; 0 connections were cut off\n`,
		`\n0 tasks, 0 timers, 0 descriptors\n$`,
	} {
		match := regexp.MustCompile(want).FindStringSubmatch(outputs[0])
		if match == nil {
			t.Fatalf("nothing matches %s in:\n%s", want, outputs[0])
		}
		if len(match) == 2 {
			n, _ := strconv.Atoi(match[0][:strings.Index(match[0], " ")])
			if polls, _ := strconv.Atoi(match[1]); polls < n || polls > 5*n {
				t.Errorf("%q: want between %d and %d polls", match[0], n, 5*n)
			}
		}
	}
	first, _, _ := strings.Cut(outputs[0], "\n\n")
	second, _, _ := strings.Cut(outputs[1], "\n\n")
	if first != second {
		t.Errorf("the narration should be the same every time, but first it is:\n%s\nthen:\n%s", first, second)
	}
}

func TestMisuseIsSaidWithTheUsage(t *testing.T) {
	t.Parallel()
	for args, word := range map[string]string{
		"bogus": "bogus", "-x": "-x", "get": "URL", "get -n 0 http://x/": "more than 0", "get -n -1 http://x/": "more than 0",
		"get -n many http://x/": "such as 100", "get -x http://x/": "-x", "get -timeout 0 http://x/": "more than 0",
		"get -timeout soon http://x/": "such as 5s", "get -timeout -1s http://x/": "more than 0", "get -timeout 5 http://x/": "such as 5s",
		"echo -x": "-x", "echo something": "something", "echo -addr nonsense": "nonsense",
		"serve -nonsense": "nonsense", "serve -grace soon": "grace", "serve -connections 0": "more than 0",
		"serve -addr nowhere": "nowhere", "serve here": "here", "sleep": "sleep", "sched": "sched",
	} {
		got := runHere(t, strings.Fields(args)...)
		line, rest, _ := strings.Cut(got.stderr, "\n")
		if got.status != 2 || got.stdout != "" || !strings.HasPrefix(line, "06-full-runtime: ") || !strings.Contains(line, word) || rest != usage {
			t.Errorf("%s: %+v, want status 2, a line with %q, and the usage", args, got, word)
		}
	}
}

func TestHelpIsNoMisuse(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"help", "-h", "-help", "--help", "get -h", "get help", "serve --help", "echo -h", "echo help"} {
		if got := runHere(t, strings.Fields(args)...); got != (ran{0, usage, ""}) {
			t.Errorf("%s: %+v, want status 0 and the usage", args, got)
		}
	}
	for command := range commands {
		if !strings.Contains(usage, "06-full-runtime "+command+" ") {
			t.Errorf("the usage doesn't name the command %s", command)
		}
	}
}

func TestTakenPortIsSaid(t *testing.T) {
	taken := listen(t).Addr().String()
	for _, command := range []string{"serve", "echo"} {
		open := openNow()
		got := runHere(t, command, "-addr", taken)
		want := "06-full-runtime: listen " + taken + ": bind: address already in use (another address: -addr HOST:PORT)"
		if got.status != 1 || got.stdout != "" || !strings.HasPrefix(got.stderr, want) || strings.Count(got.stderr, "\n") != 1 {
			t.Errorf("%s: %+v, want status 1 and %q", command, got, want)
		}
		if now := openNow(); now > open {
			t.Errorf("%s: %d descriptors are open, %d before", command, now, open)
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
7 requests: 7 ok, 0 failed, \d+ bytes, \S+
$`, url)
	if got.status != 0 || got.stderr != "" || !regexp.MustCompile(want).MatchString(got.stdout) {
		t.Errorf("status %d, %q; want 0, and what matches\n%s\ngot:\n%s", got.status, got.stderr, want, got.stdout)
	}
}

func TestGetLooksUpNamesAndIPv6(t *testing.T) {
	t.Parallel()
	name := strings.Replace(startPages(t, "127.0.0.1:0"), "127.0.0.1", "localhost", 1)
	for _, url := range []string{name, startPages(t, "[::1]:0")} {
		if got := runHere(t, "get", url+"/hello"); got.status != 0 || !strings.HasPrefix(got.stdout, "200        5 bytes") {
			t.Errorf("%+v", got)
		}
	}
}

// refusing returns an address where nothing listens, or will until the end of the
// test: the port is bound, but not open.
func refusing(t *testing.T) netip.AddrPort {
	_, addr := bound(t)
	return addr
}

func TestGetTriesEveryAddress(t *testing.T) {
	noLeaks(t)
	addr, bad := startPeer(t, answer(hello)), refusing(t)
	get := newHTTPGet(addr, "/")
	get.target.addrs = []netip.AddrPort{refusing(t), bad, addr}
	checkFault(t, helloResponse, "", runOne[Response](t, get))
	get = newHTTPGet(addr, "/")
	get.target.addrs = []netip.AddrPort{refusing(t), bad}
	checkFault(t, Response{}, `^dial `+bad.String()+`: connection refused$`, runOne[Response](t, get))
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
		"http://127.0.0.1:99999/":         "a port below 65536",
		"http://no-such-host.invalid/":    "lookup no-such-host.invalid",
		"http://127.0.0.1/a\r\nX: y":      "invalid control character",
		rubbish(t, "SSH-2.0-OpenSSH\r\n"): "malformed HTTP",
		rubbish(t, ""):                    "reply cut short in its header",
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
			if !strings.HasPrefix(got.stdout, "200        5 bytes") || !strings.Contains(got.stdout, "\n2 requests: 1 ok, 1 failed, 5 bytes, ") {
				t.Errorf("want the other reply, and a total; got:\n%s", got.stdout)
			}
		})
	}
}

// rubbish is a server that answers every request with the same bytes.
func rubbish(t *testing.T, reply string) (url string) {
	t.Helper()
	return "http://" + startPeer(t, answer(reply)).String()
}

func TestGetCounts(t *testing.T) {
	t.Parallel()
	url := startPages(t, "127.0.0.1:0")
	got := runHere(t, "get", "-n", "200", url+"/hello", url+"/slow")
	if got.status != 0 || got.stderr != "" || !strings.HasPrefix(got.stdout, "400 requests: 400 ok, 0 failed, 1800 bytes, ") {
		t.Errorf("%+v", got)
	}
	if got := runHere(t, "get", "-n", "1", url+"/hello"); got.status != 0 || got.stderr != "" || !strings.HasPrefix(got.stdout, "200        5 bytes ") {
		t.Errorf("once: %+v", got)
	}
	for path, want := range map[string]string{
		"/nothing": "status 404, 19 bytes",
		"/empty":   "status 200, 0 bytes",
		"/short":   "reply cut short",
		"/never":   "no complete reply within 500ms",
	} {
		timeout := "1m"
		if path == "/never" {
			timeout = "500ms"
		}
		got := runHere(t, "get", "-n", "20", "-timeout", timeout, url+path)
		if got.status != 1 || !strings.HasPrefix(got.stdout, "20 requests: 0 ok, 20 failed, ") ||
			!strings.Contains(got.stderr, want) || !strings.HasSuffix(got.stderr, "(20 of 20)\n") || strings.Count(got.stderr, "\n") != 1 {
			t.Errorf("%s: %+v, want one line about %q", path, got, want)
		}
	}
	// The requests begin in turns, and the time is over before the last ones have begun.
	got = runHere(t, "get", "-n", "3000", "-timeout", "1us", url+"/slow")
	if !strings.HasPrefix(got.stdout, "3000 requests: 0 ok, 3000 failed, 0 bytes, ") {
		t.Errorf("%+v", got)
	}
}

// lateReader is a pipe whose other end isn't read before all requests are answered.
type lateReader struct {
	strings.Builder
	answered *atomic.Int64
	early    int64
}

func (l *lateReader) Write(p []byte) (int, error) {
	if n := l.answered.Load(); l.early == 0 && n < 100 {
		l.early = 100 - n
	}
	return l.Builder.Write(p)
}

// Otherwise a pipe that is read slowly would hold up the runtime.
func TestGetPrintsNothingWhileRequestsAreUnderWay(t *testing.T) {
	noLeaks(t)
	var answered atomic.Int64
	addr := startPeer(t, func(c *net.TCPConn) {
		readRequest(c)
		time.Sleep(10 * time.Millisecond)
		answered.Add(1)
		io.WriteString(c, hello)
	})
	args := []string{"get"}
	for i := range 100 {
		args = append(args, fmt.Sprintf("http://%s/%d", addr, i))
	}
	stdout, stderr := lateReader{answered: &answered}, strings.Builder{}
	if status := run(args, &stdout, &stderr); status != 0 || stdout.early > 0 || strings.Count(stdout.String(), "\n") != 101 {
		t.Errorf("status %d, %d requests were under way at the first line, and it prints\n%s%s", status, stdout.early, &stdout, &stderr)
	}
}

// The server answers when all requests have come.
func TestGetWithTenThousandConnectionsAtOnce(t *testing.T) {
	noLeaks(t)
	const crowd = 10_000
	needDescriptors(t, crowd)
	cmd := exec.Command(os.Args[0], "-test.run=^TestCrowdServer$")
	cmd.Env = append(os.Environ(), fmt.Sprint(crowdVariable, "=", crowd))
	got := runHere(t, "get", "-n", fmt.Sprint(crowd), "http://"+startCommand(t, cmd).addr+"/")
	if got.status != 0 || got.stderr != "" || !strings.HasPrefix(got.stdout, "10000 requests: 10000 ok, 0 failed, 50000 bytes, ") {
		t.Errorf("%+v", got)
	}
}

// crowdVariable makes the test binary a server, so that it has a limit of
// descriptors of its own. The value is how many requests it waits for.
const crowdVariable = "CROWD"

func TestCrowdServer(t *testing.T) {
	crowd, err := strconv.Atoi(os.Getenv(crowdVariable))
	if err != nil {
		t.Skip("this is a server for another test")
	}
	var asked sync.WaitGroup
	asked.Add(crowd)
	l := listen(t)
	fmt.Printf("listening on http://%s\n", l.Addr())
	for {
		c, err := l.AcceptTCP()
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			defer c.Close()
			readRequest(c)
			asked.Done()
			asked.Wait()
			io.WriteString(c, hello)
		}()
	}
}

func TestTraceTellsOfTasks(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		var got []string
		note := func(what string) func(*Task) {
			return func(task *Task) {
				if task.ID > 1 || what == "waits for another task" {
					got = append(got, what)
				}
			}
		}
		rt.Trace.Spawn, rt.Trace.Poll, rt.Trace.Woken, rt.Trace.End = note("spawned"), note("polled"), note("woken"), note("ended")
		rt.Trace.Wait = func(task *Task, what string) { note("waits for " + what)(task) }
		parked := 0
		rt.Trace.Park, rt.Trace.Unpark = func() { parked++ }, func() { parked-- }
		blockOn(t, rt, Async(func(co *Co) int {
			c := NewChannel[int](1)
			Await(co, c.Send(1))
			Await(co, Spawn(co.cx, Timeout(c.Send(2), time.Second)))
			Await(co, Spawn(co.cx, Timeout(NewChannel[int](1).Receive(), time.Second)))
			return parked
		}))
		want := []string{"spawned", "waits for another task", "polled", "waits for a channel", "waits for a timer", "woken", "polled", "waits for a channel", "ended"}
		if diff := cmp.Diff(slices.Repeat(want, 2), got); diff != "" {
			t.Errorf("tasks 2 and 3 (-want +got):\n%s", diff)
		}
		if parked != 0 {
			t.Errorf("%d parks without an unpark", parked)
		}
	})
}

func TestTaskCancelledBeforeItIsSpawnedIsTracedInOrder(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		var got []string
		rt.Trace.Spawn = func(task *Task) { got = append(got, fmt.Sprint("spawned ", task.ID)) }
		rt.Trace.Woken = func(task *Task) { got = append(got, fmt.Sprint("woken ", task.ID)) }
		SpawnRemote(rt, new(never)).Cancel()
		blockOn(t, rt, Yield())
		blockOn(t, rt, Blocking(func() int { return 1 }))
		if diff := cmp.Diff([]string{"spawned 1", "spawned 2", "woken 2", "spawned 3", "woken 3"}, got); diff != "" {
			t.Errorf("trace (-want +got):\n%s", diff)
		}
	})
}

func TestFiguresOfATaskStayAsTheyAreUntilItIsPolled(t *testing.T) {
	rt := openRuntime(t)
	s := &server{options: serverOptions{Live: watch(rt)}}
	stream, _ := openStream(t, rt)
	SpawnRemote(rt, stream.Read(make([]byte, 1)))
	blockOn(t, rt, Yield())
	for tick := range 2 {
		if text := s.figures(rt); !strings.Contains(text, `[[1,"input",1,`) {
			t.Errorf("tick %d: %s, want task 1 to wait for input", tick, text)
		}
	}
}

// Property 19: Ctrl-Z, and then fg, end a wait although no handler runs.
func TestStopAndContinueDoNotEndWait(t *testing.T) {
	const rounds, asChild = 20, "WAIT_FOR_STANDARD_INPUT"
	noLeaks(t)
	if os.Getenv(asChild) != "" {
		waitForStandardInput(t, rounds)
		return
	}
	child := exec.Command(os.Args[0], "-test.run=^TestStopAndContinueDoNotEndWait$", "-test.count=1")
	child.Env = append(os.Environ(), asChild+"=yes")
	child.Stderr = os.Stderr
	in, _ := child.StdinPipe()
	out, _ := child.StdoutPipe()
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	within(t, "the child", func() {
		for range rounds {
			child.Process.Signal(unix.SIGSTOP)
			child.Process.Signal(unix.SIGCONT)
			in.Write([]byte("x"))
			if !lines.Scan() || lines.Text() != "heard" {
				t.Errorf("the child says %q", lines.Text())
				break
			}
		}
		for lines.Scan() {
		}
		if err := child.Wait(); err != nil {
			t.Error(err)
		}
	})
}

func waitForStandardInput(t *testing.T, bytes int) {
	if err := unix.SetNonblock(0, true); err != nil {
		t.Fatal(err)
	}
	rt := openRuntime(t)
	in := streamOf(t, rt, 0)
	defer in.Close()
	for range bytes {
		if got := blockOn(t, rt, in.Read(make([]byte, 1))); got.Err != nil {
			t.Fatal(got.Err)
		}
		fmt.Println("heard")
	}
}

// The shell calls a program by its name, and PATH=. leads to it; exec.Command refuses that.
func TestProgramIsCalledByNameThenItFindsItself(t *testing.T) {
	was := os.Args[0]
	defer func() { os.Args[0] = was }()
	os.Args[0] = "06-full-runtime"
	_, stop := startDelayServer()
	if err := stop(); err != nil {
		t.Error(err)
	}
}
