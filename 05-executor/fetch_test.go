package main

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// startWeb starts net/http's server: nobody here wrote it.
func startWeb(t *testing.T, addr string) (hostPort string) {
	t.Helper()
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		t.Skip(err) // a machine without IPv6
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /short", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") })
	mux.HandleFunc("GET /long", func(w http.ResponseWriter, _ *http.Request) {
		for range 1000 { // more than one segment, and chunked
			io.WriteString(w, strings.Repeat("x", 1000))
		}
	})
	mux.HandleFunc("GET /huge", func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 2_000_000)) })
	server := httptest.NewUnstartedServer(mux)
	server.Listener.Close()
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	return listener.Addr().String()
}

// refused returns an address at which nobody listens: the port is taken by a
// connection, so nobody else gets it meanwhile.
func refused(t *testing.T) (hostPort string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn.LocalAddr().String()
}

var polls = regexp.MustCompile(` +\d+ polls`)

// fetched is what a reader sees, but for the number of polls.
func fetched(t *testing.T, args ...string) (stdout []string, stderr string, exit int) {
	t.Helper()
	r := openReactor(t)
	out, stderr := output(t, func() { exit = fetch(r, args) })
	if out != "" {
		stdout = strings.Split(strings.TrimSpace(polls.ReplaceAllString(out, " N polls")), "\n")
	}
	return stdout, stderr, exit
}

func TestFetchPrintsALinePerReply(t *testing.T) {
	web := startWeb(t, "127.0.0.1:0")
	got, stderr, exit := fetched(t, web+"/short", web+"/long", web+"/missing")
	want := []string{
		"200        5 bytes N polls  " + web + "/short",
		"200  1000000 bytes N polls  " + web + "/long",
		"404       19 bytes N polls  " + web + "/missing",
	}
	if diff := cmp.Diff(want, got); diff != "" || exit != 0 || stderr != "" {
		t.Errorf("exit status %d, and on standard error %q; standard output (-want +got):\n%s", exit, stderr, diff)
	}
}

func TestFetchFromIPv6(t *testing.T) {
	web := startWeb(t, "[::1]:0")
	got, stderr, exit := fetched(t, web+"/short")
	want := []string{"200        5 bytes N polls  " + web + "/short"}
	if diff := cmp.Diff(want, got); diff != "" || exit != 0 {
		t.Errorf("exit status %d, and on standard error %q; standard output (-want +got):\n%s", exit, stderr, diff)
	}
}

func TestFetchWithAFailureServesTheOthersAndExitsWith1(t *testing.T) {
	web, nobody := startWeb(t, "127.0.0.1:0"), refused(t)
	got, stderr, exit := fetched(t, nobody+"/x", web+"/short")
	want := []string{"200        5 bytes N polls  " + web + "/short"}
	if diff := cmp.Diff(want, got); diff != "" || exit != 1 {
		t.Errorf("exit status %d, want 1; standard output (-want +got):\n%s", exit, diff)
	}
	if !strings.Contains(stderr, nobody) || !strings.Contains(stderr, "refused") || strings.Count(stderr, "\n") != 1 {
		t.Errorf("standard error is %q, want a line with the address that refused", stderr)
	}
}

func TestFetchTakesNoNames(t *testing.T) {
	web := startWeb(t, "127.0.0.1:0")
	for _, target := range []string{"localhost:80/x", "http://127.0.0.1:80/x", "127.0.0.1/x", ""} {
		got, stderr, exit := fetched(t, web+"/short", target)
		if exit != 2 || len(got) > 0 {
			t.Errorf("%q: exit status %d and standard output %q, want 2 and nothing", target, exit, got)
		}
		if !strings.Contains(stderr, "numeric address") || !strings.Contains(stderr, "chapter 06") {
			t.Errorf("%q: standard error is %q, want that names come in chapter 06", target, stderr)
		}
	}
}

// Go's own runtime may need descriptors too, when it collects garbage. The
// program is run as it is built: the tests have timers from the start.
func TestFetchAtItsLimitOfDescriptorsGoesOn(t *testing.T) {
	noLeaks(t)
	program := filepath.Join(t.TempDir(), "05-executor")
	if said, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, said)
	}
	web := startWeb(t, "127.0.0.1:0")
	targets := slices.Repeat([]string{web + "/huge"}, 40)
	cmd := exec.Command("sh", append([]string{"-c", `ulimit -n 20 && exec "$0" "$@"`, program}, targets...)...)
	cmd.Env = append(os.Environ(), "GOGC=10") // garbage is collected often
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.Run()
	got := strings.Count(stdout.String(), "200  2000000 bytes")
	failed := strings.Count(stderr.String(), "start: socket: too many open files (ulimit -n shows and raises the limit)\n")
	if exit := cmd.ProcessState.ExitCode(); exit != 1 || got == 0 || got+failed != len(targets) {
		t.Errorf("exit status %d, %d replies and %d failures, want 1, and one of them for each of %d; standard error is %.1000s",
			exit, got, failed, len(targets), &stderr)
	}
}
