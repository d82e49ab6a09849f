package main

import (
	"bufio"
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
