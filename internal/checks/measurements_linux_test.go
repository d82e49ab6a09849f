package checks

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// internal/checks/testdata/choices/*.diff each take back one choice that chapter 06 has made
// for the sake of speed or memory. The command in internal/measure measures what
// that choice buys. Here each is made in a copy of the chapter, whose program
// must still echo.
func TestChoicesCanBeTakenBack(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("the diffs are applied with git, which is not here:", err)
	}
	paths, err := filepath.Glob("internal/checks/testdata/choices/*.diff")
	if err != nil || len(paths) == 0 {
		t.Fatalf("%d choices, %v", len(paths), err)
	}
	chapter := chapters[len(chapters)-1]
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".diff"), func(t *testing.T) {
			t.Parallel()
			dir := copyChapter(t, chapter)
			diff, err := filepath.Abs(path)
			if err != nil {
				t.Fatal(err)
			}
			ceiling := []string{"GIT_CEILING_DIRECTORIES=" + filepath.Dir(dir)}
			if got := run(t, time.Minute, dir, ceiling, "git", "apply", "-p2", diff); got.exit != 0 {
				t.Fatalf("%s does not apply; make it anew:\n%s", path, got.stderr)
			}
			onlyIfAll(t)
			program := filepath.Join(dir, "changed")
			env := []string{compiles, "GOFLAGS=-mod=mod -buildvcs=false", "GOPROXY=off", "GOWORK=off"}
			if got := run(t, 2*time.Minute, dir, env, "go", "build", "-o", program, "."); got.exit != 0 {
				t.Fatalf("with %s the chapter does not build:\n%s", path, got.stderr)
			}
			checkEchoes(t, program)
			got := run(t, time.Minute, dir, nil, program, "sched", "timer", "-n", "1000")
			if got.exit != 0 || !strings.HasPrefix(got.stdout, "RESULT kind=timer n=1000 ") {
				t.Errorf("sched timer says: %+v", got)
			}
		})
	}
}

// checkEchoes starts a server, and sends it more than fits into its buffer.
func checkEchoes(t *testing.T, program string) {
	t.Helper()
	server := exec.CommandContext(t.Context(), program, "echo", "-addr", "127.0.0.1:0")
	output, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	defer server.Wait()
	defer server.Process.Kill()
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	said := strings.Fields(line)
	for range 3 {
		conn, err := net.Dial("tcp", said[len(said)-1])
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(time.Minute))
		message := bytes.Repeat([]byte("hello"), 100_000)
		go conn.Write(message)
		got := make([]byte, len(message))
		if _, err := io.ReadFull(conn, got); err != nil || !bytes.Equal(got, message) {
			t.Fatalf("what comes back is not what was sent: %v", err)
		}
	}
}

// The tables and the pictures of MEASURED.md are those of the figures that have
// been taken: go run ./internal/measure draw
func TestMeasuredIsWhatHasBeenTaken(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	before, _ := readIfThere(t, "docs/MEASURED.md")
	writeFile(t, filepath.Join(dir, "MEASURED.md"), before)
	if err := os.Mkdir(filepath.Join(dir, "pictures"), 0o777); err != nil {
		t.Fatal(err)
	}
	if got := run(t, time.Minute, ".", nil, "go", "run", "./internal/measure", "-draw", dir, "draw"); got.exit != 0 {
		t.Fatal(got.stderr)
	}
	for _, name := range []string{"MEASURED.md", "pictures/chapters.svg", "pictures/echo.svg"} {
		want, _ := readIfThere(t, filepath.Join(dir, name))
		got, _ := readIfThere(t, filepath.Join("docs", name))
		if diff := cmp.Diff(lines(want), lines(got)); diff != "" {
			t.Errorf("docs/%s is not what go run ./internal/measure draw makes of the figures (-makes +is):\n%s", name, diff)
		}
	}
}
