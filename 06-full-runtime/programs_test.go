package main

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

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
