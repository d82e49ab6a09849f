package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestServeProcess is no test but the program that the tests below start.
func TestServeProcess(t *testing.T) {
	args := os.Getenv("SERVE")
	if args == "" {
		t.Skip("this is the server's process of other tests")
	}
	os.Exit(serve(strings.Fields(args), os.Stdout, os.Stderr))
}

// process is the program as its user has it.
type process struct {
	*serving
	cmd  *exec.Cmd
	wait func() (rest string, err error) // returns what it has said after its first line, on stderr too
}

func startProcess(t *testing.T, flags string) *process {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestServeProcess$")
	cmd.Env = append(os.Environ(), "SERVE=-addr 127.0.0.1:0 "+flags)
	return startCommand(t, cmd)
}

// buildProgram makes the program that its user has: it has none of the tests'
// timers and descriptors.
func buildProgram(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "06-full-runtime")
	if said, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, said)
	}
	return path
}

var firstLine = regexp.MustCompile(`^(?:listening on http://|echo listens at )(\S+)\n$`)

// startCommand starts a server, and waits until it says where it listens.
func startCommand(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	output, err := cmd.StdoutPipe()
	cmd.Stderr = cmd.Stdout
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(3*serveWatchdog, func() { cmd.Process.Signal(syscall.SIGQUIT) })
	lines := bufio.NewReader(output)
	first, _ := lines.ReadString('\n')
	p := &process{serving: &serving{t: t}, cmd: cmd}
	p.wait = sync.OnceValues(func() (string, error) {
		rest, _ := io.ReadAll(lines)
		err := cmd.Wait()
		late.Stop()
		return string(rest), err
	})
	t.Cleanup(func() {
		p.cmd.Process.Kill()
		if rest, err := p.wait(); t.Failed() {
			t.Logf("the process has ended with %v, and said %.5000s", err, rest)
		}
	})
	said := firstLine.FindStringSubmatch(first)
	if said == nil {
		t.Fatalf("its first line is %q", first)
	}
	p.addr = said[1]
	return p
}

const drainedLine = "drained: 0 tasks, 0 timers, 0 descriptors\n"

// interrupt ends the process, and expects that it says no more than that.
func (p *process) interrupt(sig os.Signal, want string) {
	p.t.Helper()
	p.cmd.Process.Signal(sig)
	if rest, err := p.wait(); err != nil || rest != want {
		p.t.Errorf("it ends with %v and says %q, want %q", err, rest, want)
	}
}

func TestInterruptDrains(t *testing.T) {
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		p := startProcess(t, "")
		idle, late := p.dial().send(getHello), p.dial().send(getHello+"GET /300/late HTTP/1.1\r\nHost: x\r\n\r\n")
		idle.expect(200, "hello")
		late.expect(200, "hello")
		p.cmd.Process.Signal(sig)
		idle.expectEnd()
		late.expect(200, "late")
		late.expectEnd()
		late.Close()
		if rest, err := p.wait(); err != nil || rest != drainedLine {
			t.Errorf("%v: it ends with %v and says %q", sig, err, rest)
		}
	}
}

func TestInterruptOfServerWithoutClients(t *testing.T) {
	startProcess(t, "").interrupt(os.Interrupt, drainedLine)
}

func TestSecondInterruptEndsAtOnce(t *testing.T) {
	p := startProcess(t, "-grace 10m")
	late := p.dial().send("GET /60000/late HTTP/1.1\r\nHost: x\r\n\r\n")
	idle := p.dial().send(getHello)
	idle.expect(200, "hello") // by now the late one is being served
	p.cmd.Process.Signal(os.Interrupt)
	idle.expectEnd() // so the first has arrived
	p.cmd.Process.Signal(os.Interrupt)
	if rest, err := p.wait(); err == nil || rest != "" {
		t.Errorf("it ends with %v and says %q", err, rest)
	}
	late.Close()
}

func TestGracePeriodOfTheProcessEnds(t *testing.T) {
	p := startProcess(t, "-grace 50ms")
	c := p.dial().send("GET /60000/late HTTP/1.1\r\nHost: x\r\n\r\n")
	p.dial().send(getHello).expect(200, "hello")
	p.interrupt(syscall.SIGTERM, "cut off after 50ms: 1 of the connections\n"+drainedLine)
	c.expectEnd()
}

func TestServeSaysWhatIsWrong(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, test := range []struct {
		args   string
		status int
		lines  int // of the message, 0 if the usage follows
		word   string
	}{
		{"-addr " + taken.Addr().String(), 1, 1, "address already in use"},
		{"-nonsense", 2, 0, "nonsense"},
		{"-grace soon", 2, 0, "grace"},
		{"-connections 0", 2, 0, "connection"},
		{"-addr nowhere", 2, 0, "nowhere"},
		{"here", 2, 0, "here"},
	} {
		var stdout, stderr strings.Builder
		before := openNow()
		status := serve(strings.Fields(test.args), &stdout, &stderr)
		said := stderr.String()
		if status != test.status || stdout.Len() > 0 || !strings.Contains(said, test.word) ||
			test.lines > 0 && strings.Count(said, "\n") != test.lines ||
			test.lines == 0 && !strings.Contains(said, "usage") {
			t.Errorf("serve %s: status %d, says %q and %q", test.args, status, stdout.String(), said)
		}
		if now := openNow(); now > before {
			t.Errorf("serve %s: %d descriptors are open, %d before", test.args, now, before)
		}
	}
}

func needDescriptors(t *testing.T, connections uint64) {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || uint64(limit.Cur) < connections+200 {
		t.Skipf("at most %d descriptors (%v): ulimit -n raises that", limit.Cur, err)
	}
}

// TestTenThousandIdleConnections asks on each connection, lets them be, and
// asks on each again.
func TestTenThousandIdleConnections(t *testing.T) {
	const connections = 10_000
	needDescriptors(t, connections)
	p := startProcess(t, "-idle 10m")
	p.dial().send(getHello).expect(200, "hello")
	before := p.resident()
	clients := make([]net.Conn, connections)
	for i := range clients {
		c, err := net.Dial("tcp", p.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		clients[i] = c
	}
	for round := range 2 {
		for i, c := range clients {
			c.SetDeadline(time.Now().Add(serveWatchdog))
			fmt.Fprintf(c, "GET /0/%d-%d HTTP/1.1\r\nHost: x\r\n\r\n", round, i)
		}
		buf := make([]byte, 1000)
		for i, c := range clients {
			if n, err := c.Read(buf); err != nil || !strings.HasSuffix(string(buf[:n]), fmt.Sprintf("\r\n\r\n%d-%d", round, i)) {
				t.Fatalf("connection %d is answered %q, %v", i, buf[:n], err)
			}
		}
		each := (p.resident() - before) / connections
		t.Logf("%d bytes of resident memory for each connection", each)
		if each > 8<<10 {
			t.Error("that is more than 8 KiB")
		}
	}
	p.interrupt(os.Interrupt, drainedLine)
}

// resident returns the bytes of memory that the process has, 0 without /proc.
func (p *process) resident() (bytes int) {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if _, rss, ok := strings.Cut(string(status), "VmRSS:"); ok {
		kib, err := strconv.Atoi(strings.Fields(rss)[0])
		if err != nil {
			p.t.Fatal(err)
		}
		bytes = kib << 10
	}
	return bytes
}

// inLimit is the program in a process that may open 32 descriptors.
func inLimit(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	return exec.Command("sh", append([]string{"-c", `ulimit -n 32 && exec "$0" "$@"`, buildProgram(t)}, args...)...)
}

// counted reads what the server's page says of itself.
func (c *client) counted(what string) (n int) {
	c.t.Helper()
	c.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	_, page := c.reply("GET")
	row := regexp.MustCompile(`<td>(\d+)<td>` + what).FindStringSubmatch(page)
	if row == nil {
		c.t.Fatalf("the page does not count %s:\n%s", what, page)
	}
	fmt.Sscan(row[1], &n)
	return n
}

// Property 39, in a process of its own: twice as many clients as descriptors.
// Those who are in are served, with garbage collected meanwhile: Go's runtime
// may need descriptors for that too. Those who are not wait, and cost next to
// nothing. Each has its reply in the end.
func TestServerAtItsLimitOfDescriptorsServesAll(t *testing.T) {
	t.Parallel()
	cmd := inLimit(t, "serve", "-addr", "127.0.0.1:0")
	cmd.Env = append(os.Environ(), "GOGC=10") // garbage is collected often
	p := startCommand(t, cmd)
	clients := make([]*client, 64)
	for i := range clients {
		clients[i] = p.dial().send(fmt.Sprintf("GET /0/%d HTTP/1.1\r\nHost: x\r\n\r\n", i))
	}
	first := clients[0]
	first.expect(200, "0")
	for in, before := 0, -1; in != before; time.Sleep(2 * acceptPause) {
		in, before = first.counted("connections"), in
	}

	long := strings.Repeat("x", 100_000)
	for range 40 {
		first.send("GET /0/"+long+" HTTP/1.1\r\nHost: x\r\n\r\n").expect(200, long)
	}

	polls, start := first.counted("polls"), time.Now()
	time.Sleep(10 * acceptPause)
	polls = first.counted("polls") - polls
	if most := 10 + 2*int(time.Since(start)/acceptPause); polls > most {
		t.Errorf("%d polls in %v at the limit, want at most %d", polls, time.Since(start), most)
	}

	first.Close()
	for i, c := range clients[1:] { // each that leaves makes room for another one
		c.expect(200, fmt.Sprint(i+1))
		c.Close()
	}
	p.interrupt(os.Interrupt, drainedLine)
}

func TestGetAtItsLimitOfDescriptorsSaysHowToRaiseIt(t *testing.T) {
	t.Parallel()
	url := startPages(t, "127.0.0.1:0") + "/slow"
	cmd := inLimit(t, "get", "-n", "64", url)
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.Run()
	var ok, failed int
	fmt.Sscanf(stdout.String(), "GET ok=%d fail=%d\n", &ok, &failed)
	if status := cmd.ProcessState.ExitCode(); status != 1 || ok == 0 || failed == 0 || ok+failed != 64 {
		t.Errorf("status %d, and it says %q; want 1, some of 64 ok, some not", status, &stdout)
	}
	want := fmt.Sprintf(`^06-full-runtime: GET %s: dial \S+: socket: too many open files \(ulimit -n shows and raises the limit\): it is 32 \(%d of 64\)\n$`, url, failed)
	if !regexp.MustCompile(want).MatchString(stderr.String()) {
		t.Errorf("on stderr it says %q, want what matches %s", &stderr, want)
	}
}

// These are programs that nobody here wrote.

// program runs it to its end. In CI it must be there.
func program(t *testing.T, name string, args ...string) (output string) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatal(err)
	} else if err != nil {
		t.Skip(err)
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Stdin = strings.NewReader("a body that comes in chunks")
	said, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, said)
	}
	return string(said)
}

func TestCurl(t *testing.T) {
	s := startServer(t, nil)
	small, large := t.TempDir()+"/small", t.TempDir()+"/large"
	for name, size := range map[string]int{small: 2_000, large: 2_000_000} {
		if err := os.WriteFile(name, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	hello, long := "http://"+s.addr+"/0/hello", "http://"+s.addr+"/0/"+strings.Repeat("x", 30_000)
	for _, test := range []struct {
		name string
		args []string
		want string
	}{
		{"plain", []string{hello}, "hello[200 1]"},
		{"the page", []string{"-o", os.DevNull, "http://" + s.addr}, "[200 1]"},
		{"HTTP/1.0", []string{"--http1.0", hello}, "hello[200 1]"},
		{"HTTP/1.0, kept alive", []string{"--http1.0", "-H", "Connection: keep-alive", hello, hello}, "hello[200 1]hello[200 0]"},
		{"two URLs, one connection", []string{hello, hello + "2"}, "hello[200 1]hello2[200 0]"},
		{"HEAD", []string{"-I", "-o", os.DevNull, hello, "-o", os.DevNull, hello}, "[200 1][200 0]"},
		{"POST with a body, then GET", []string{"-X", "POST", "-d", "abc", "-o", os.DevNull, hello, "--next", "-w", "[%{http_code} %{num_connects}]", hello}, "[405 1]hello[200 0]"},
		{"slowly", []string{"--limit-rate", "20k", "-o", os.DevNull, long}, "[200 1]"},
		{"a chunked upload", []string{"-T", "-", "-o", os.DevNull, hello}, "[405 1]"},
		{"an upload that is too long", []string{"-T", large, "-o", os.DevNull, hello}, "[405 1]"},
		{"an upload that does not ask first", []string{"-H", "Expect:", "-T", large, "-o", os.DevNull, hello}, "[405 1]"},
		{"an upload that asks first", []string{"-H", "Expect: 100-continue", "-T", small, "-o", os.DevNull, hello}, "[405 1]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			args := append([]string{"-sS", "--max-time", "60", "-w", "[%{http_code} %{num_connects}]"}, test.args...)
			if got := program(t, "curl", args...); got != test.want {
				t.Errorf("curl says %q, want %q", got, test.want)
			}
		})
	}
}

func TestCurlWithManyRequestsAtOnce(t *testing.T) {
	s := startServer(t, nil)
	got := program(t, "curl", "-sS", "--max-time", "60", "-Z", "http://"+s.addr+"/[1-20]/x")
	if !strings.Contains(got, strings.Repeat("x", 20)) { // beside a table
		t.Errorf("curl says %q", got)
	}
}

func TestApacheBench(t *testing.T) {
	s := startServer(t, nil)
	for _, flags := range [][]string{{"-k"}, {}} {
		args := append(flags, "-q", "-n", "5000", "-c", "50", "http://"+s.addr+"/0/hello")
		said := program(t, "ab", args...)
		for _, want := range []string{`Complete requests: +5000\n`, `Failed requests: +0\n`, `HTML transferred: +25000 `} {
			if !regexp.MustCompile(want).MatchString(said) {
				t.Errorf("ab %q does not say %q but\n%s", flags, want, said)
			}
		}
		if strings.Contains(said, "Non-2xx") || len(flags) > 0 && !regexp.MustCompile(`Keep-Alive requests: +5000\n`).MatchString(said) {
			t.Errorf("ab %q says\n%s", flags, said)
		}
	}
}

func TestWrk(t *testing.T) {
	s := startServer(t, nil)
	said := program(t, "wrk", "-t1", "-c64", "-d1s", "http://"+s.addr+"/0/hello")
	var requests int
	if lines := strings.Split(said, "\n"); len(lines) > 4 {
		for _, line := range lines {
			if strings.Contains(line, " requests in ") {
				fmt.Sscan(line, &requests)
			}
		}
	}
	if requests == 0 || strings.Contains(said, "Socket errors") || strings.Contains(said, "Non-2xx") {
		t.Errorf("wrk says\n%s", said)
	}
}

const nginxConfig = `
daemon off; master_process off; pid nginx.pid; error_log stderr;
events { worker_connections 2048; }
http {
	access_log off;
	client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp; uwsgi_temp_path tmp; scgi_temp_path tmp;
	server { listen %s; root pages; location /listing/ { autoindex on; } }
}`

// startNginx is a server that nobody here wrote. Where work is judged it must
// be there; elsewhere a test without it is skipped.
func startNginx(t *testing.T) (url string) {
	t.Helper()
	program, err := exec.LookPath("nginx")
	if err != nil {
		program, err = exec.LookPath("/usr/sbin/nginx")
	}
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatal("no nginx here; on Debian: apt-get install nginx-light")
	} else if err != nil {
		t.Skip("no nginx here; on Debian: apt-get install nginx-light")
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free.Close()
	root, addr := t.TempDir(), free.Addr().String()
	for name, text := range map[string][]byte{
		"nginx.conf":          fmt.Appendf(nil, nginxConfig, addr),
		"pages/small":         []byte("hello"),
		"pages/large":         bytes.Repeat([]byte("nginx"), 1_000_000),
		"pages/listing/a.txt": nil,
		"tmp/.keep":           nil,
	} {
		os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755)
		if err := os.WriteFile(filepath.Join(root, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(program, "-e", "stderr", "-p", root, "-c", "nginx.conf")
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Logf("nginx said:\n%s", &said)
		}
	})
	for range 600 {
		if c, err := net.Dial("tcp", addr); err == nil {
			c.Close()
			return "http://" + addr
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("nginx does not answer")
	return ""
}

func TestGetFromNginx(t *testing.T) {
	t.Parallel()
	url := startNginx(t)
	got := runHere(t, "get", url+"/small", url+"/large", url+"/listing", url+"/listing/", url+"/nothing", url)
	want := `^200 +5 bytes .*/small
200 +5000000 bytes .*/large
301 +\d+ bytes .*/listing
200 +\d+ bytes .*/listing/
404 +\d+ bytes .*/nothing
403 +\d+ bytes .*
6 of 6 replies, .*
$`
	if got.status != 0 || !regexp.MustCompile(want).MatchString(got.stdout) {
		t.Errorf("status %d, %q; want 0, and what matches\n%s\ngot:\n%s", got.status, got.stderr, want, got.stdout)
	}
}

func TestGetALotFromNginx(t *testing.T) {
	t.Parallel()
	url := startNginx(t)
	if got := runHere(t, "get", "-n", "1000", url+"/small"); got.status != 0 || got.stderr != "" {
		t.Errorf("%+v", got)
	}
}
