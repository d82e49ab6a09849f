package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

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
