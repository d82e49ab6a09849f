package main

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

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
