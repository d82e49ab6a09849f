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
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// internal/measure/choices has a diff for each choice that chapter 06 has made
// for the sake of speed or memory, which takes that choice back, so that
// internal/measure can measure what it buys. The program must still work then.
func TestChoicesCanBeTakenBack(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("the diffs are applied with git, which is not here:", err)
	}
	paths, err := filepath.Glob("internal/measure/choices/*.diff")
	if err != nil || len(paths) == 0 {
		t.Fatalf("%d choices, %v", len(paths), err)
	}
	chapter := chapters[len(chapters)-1]
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".diff")
		t.Run(name, func(t *testing.T) {
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
			program := buildMeasured(t, "-choice", name)
			checkEchoes(t, program)
			got := run(t, time.Minute, ".", nil, program, "sched", "timer", "-n", "1000")
			if got.exit != 0 || !strings.HasPrefix(got.stdout, "RESULT kind=timer n=1000 ") {
				t.Errorf("sched timer says: %+v", got)
			}
		})
	}
}

// The program that is measured is a copy of chapter 06 with more commands, which
// have tests of their own.
func TestMeasuredProgram(t *testing.T) {
	onlyIfAll(t)
	t.Parallel()
	source := t.TempDir()
	checkEchoes(t, buildMeasured(t, "-source", source))
	for _, check := range []string{"vet", "test"} {
		if got := run(t, 2*time.Minute, source, []string{"GOWORK=off"}, "go", check, "."); got.exit != 0 {
			t.Errorf("go %s: %s%s", check, got.stdout, got.stderr)
		}
	}
}

func buildMeasured(t *testing.T, args ...string) (program string) {
	t.Helper()
	program = filepath.Join(t.TempDir(), "measured")
	args = append([]string{"run", "./internal/measure", "build", "-o", program}, args...)
	if got := run(t, 3*time.Minute, ".", []string{compiles}, "go", args...); got.exit != 0 {
		t.Fatal(got.stderr)
	}
	return program
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
	drawn, err := filepath.Glob(filepath.Join(dir, "pictures", "*"))
	if err != nil || len(drawn) == 0 {
		t.Fatalf("%d pictures, %v", len(drawn), err)
	}
	names := []string{"MEASURED.md"}
	for _, path := range drawn {
		names = append(names, "pictures/"+filepath.Base(path))
	}
	for _, name := range names {
		want, _ := readIfThere(t, filepath.Join(dir, name))
		got, _ := readIfThere(t, filepath.Join("docs", name))
		if diff := cmp.Diff(lines(want), lines(got)); diff != "" {
			t.Errorf("docs/%s is not what go run ./internal/measure draw makes of the figures (-makes +is):\n%s", name, diff)
		}
	}
}

// The tables are in the page, and there a longer line would be cut off.
func TestTablesFitIntoEightyColumns(t *testing.T) {
	t.Parallel()
	got := run(t, time.Minute, ".", nil, "go", "run", "./internal/measure", "show")
	if got.exit != 0 {
		t.Fatal(got.stderr)
	}
	for _, line := range lines(got.stdout) {
		if n := utf8.RuneCountInString(line); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}
