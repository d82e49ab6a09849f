package checks

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
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Chapter 06's program together with clients and servers that aren't ours.

// A process is chapter 06's program at work as a server.
type process struct {
	t    *testing.T
	addr string
	cmd  *exec.Cmd
	wait func() (rest string, err error) // returns what it prints after its first line, on stderr too
}

const watchdog = time.Minute

// buildChapter06 makes the program as a user has it, with none of the timers and
// descriptors of tests.
func buildChapter06(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "06-full-runtime")
	if said, err := exec.Command("go", "build", "-o", path, "./06-full-runtime").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, said)
	}
	return path
}

var firstLine = regexp.MustCompile(`^(?:listening on http://|echo listens at )(\S+)\n$`)

// startProcess starts a server, and waits until it says where it listens.
func startProcess(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	output, err := cmd.StdoutPipe()
	cmd.Stderr = cmd.Stdout
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(3*watchdog, func() { cmd.Process.Signal(syscall.SIGQUIT) })
	lines := bufio.NewReader(output)
	first, _ := lines.ReadString('\n')
	p := &process{t: t, cmd: cmd}
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

// foreign runs a program that isn't ours to its end. In CI it must be there.
func foreign(t *testing.T, name string, args ...string) (output string) {
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

// drains is the end of a server. A client that has gone is still under way for the
// server until that has read its end.
var drains = regexp.MustCompile(`^(draining, requests under way: \d+; Ctrl-C again cuts them off\n)?drained: 0 tasks, 0 timers, 0 descriptors\n$`)

// startServe starts the server, and expects that it drains after the test.
func startServe(t *testing.T) *process {
	t.Helper()
	p := startProcess(t, exec.Command(buildChapter06(t), "serve", "-addr", "127.0.0.1:0"))
	t.Cleanup(func() {
		p.cmd.Process.Signal(os.Interrupt)
		if rest, err := p.wait(); err != nil || !drains.MatchString(rest) {
			t.Errorf("it ends with %v, and prints %q", err, rest)
		}
	})
	return p
}

func runGet(t *testing.T, args ...string) result {
	t.Helper()
	return run(t, watchdog, ".", nil, buildChapter06(t), append([]string{"get"}, args...)...)
}

func TestCurl(t *testing.T) {
	s := startServe(t)
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
			if got := foreign(t, "curl", args...); got != test.want {
				t.Errorf("curl says %q, want %q", got, test.want)
			}
		})
	}
}

func TestCurlWithManyRequestsAtOnce(t *testing.T) {
	s := startServe(t)
	got := foreign(t, "curl", "-sS", "--max-time", "60", "-Z", "http://"+s.addr+"/[1-20]/x")
	if !strings.Contains(got, strings.Repeat("x", 20)) { // beside a table
		t.Errorf("curl says %q", got)
	}
}

func TestApacheBench(t *testing.T) {
	s := startServe(t)
	for _, flags := range [][]string{{"-k"}, {}} {
		args := append(flags, "-q", "-n", "5000", "-c", "50", "http://"+s.addr+"/0/hello")
		said := foreign(t, "ab", args...)
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
	s := startServe(t)
	said := foreign(t, "wrk", "-t1", "-c64", "-d1s", "http://"+s.addr+"/0/hello")
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

// startNginx starts a server that isn't ours. In CI it must be there; elsewhere a
// test without it is skipped.
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
	got := runGet(t, url+"/small", url+"/large", url+"/listing", url+"/listing/", url+"/nothing", url)
	want := `^200 +5 bytes .*/small
200 +5000000 bytes .*/large
301 +\d+ bytes .*/listing
200 +\d+ bytes .*/listing/
404 +\d+ bytes .*/nothing
403 +\d+ bytes .*
6 requests: 6 ok, 0 failed, .*
$`
	if got.exit != 0 || !regexp.MustCompile(want).MatchString(got.stdout) {
		t.Errorf("status %d, %q; want 0, and what matches\n%s\ngot:\n%s", got.exit, got.stderr, want, got.stdout)
	}
}

func TestGetALotFromNginx(t *testing.T) {
	t.Parallel()
	url := startNginx(t)
	if got := runGet(t, "-n", "1000", url+"/small"); got.exit != 0 || got.stderr != "" {
		t.Errorf("%+v", got)
	}
}
