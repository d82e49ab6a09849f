// Package checks tests what is true across the chapters: which file is
// carried unchanged from chapter to chapter, how long each chapter is, that
// it stands alone, and that its program says what the tutorial promises.
//
// A chapter's own properties are tested in the chapter.
package checks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	// Nothing here needs it but the programs that are built here. With it these
	// tests wait until go test has built it; else it would be built twice at once.
	_ "net/http/httptest"
)

// TestMain runs the tests in the root of the module, so that every path in them
// starts there. What they build carries no stamp of the version control system:
// in a checkout that belongs to another user, git refuses to say anything.
func TestMain(m *testing.M) {
	if err := os.Chdir("../.."); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Setenv("GOFLAGS", strings.TrimSpace(os.Getenv("GOFLAGS")+" -buildvcs=false"))
	os.Exit(m.Run())
}

// A chapter is a folder, and what the tutorial promises of it.
type chapter struct {
	dir      string
	lines    int    // at most, without tests and BSD files
	polls    [2]int // at least and at most, for the ten requests; none in 01
	requires bool   // golang.org/x/sys
	whole    bool   // more than a step from the chapter before: a runtime that you could use
}

var chapters = []chapter{
	{dir: "01-future-trait", lines: 160},
	{dir: "02-blocking-poll", lines: 480, polls: [2]int{10_000, 1 << 40}, requires: true},
	{dir: "03-reactor", lines: 610, polls: [2]int{40, 200}, requires: true},
	{dir: "04-waker", lines: 780, polls: [2]int{40, 200}, requires: true},
	{dir: "05-executor", lines: 960, polls: [2]int{10, 50}, requires: true},
	{dir: "06-full-runtime", lines: 3835, polls: [2]int{10, 50}, requires: true, whole: true},
}

// A file is new in a chapter, the same as in the chapter before (=),
// changed (Δ) or gone (–). A dot says that the chapter has no such file.
// Tests and READMEs belong to their chapter and are not listed.
const filesTable = `
	                 01  02  03  04  05  06
	future.go        new =   =   =   =   =
	context.go       new Δ   Δ   Δ   =   Δ
	joinall.go       new =   =   =   =   Δ
	counted.go       .   new =   =   =   =
	tea.go           new –   .   .   .   .
	socket.go        .   new =   =   =   Δ
	httpget.go       .   new =   =   =   Δ
	reply.go         .   new =   =   =   –
	workload.go      .   new =   =   Δ   =
	blockon.go       .   new Δ   Δ   –   .
	reactor.go       .   .   new Δ   =   Δ
	epoll_linux.go   .   .   new =   =   Δ
	kqueue_bsd.go    .   .   new =   =   Δ
	waker.go         .   .   .   new =   =
	parker.go        .   .   .   new =   –
	sleep.go         .   .   .   new =   –
	executor.go      .   .   .   .   new Δ
	narration.go     .   .   .   .   new –
	runtime.go       .   .   .   .   .   new
	trace.go         .   .   .   .   .   new
	joinhandle.go    .   .   .   .   .   new
	timers.go        .   .   .   .   .   new
	race.go          .   .   .   .   .   new
	channel.go       .   .   .   .   .   new
	stream.go        .   .   .   .   .   new
	listen.go        .   .   .   .   .   new
	sockets_linux.go .   .   .   .   .   new
	sockets_bsd.go   .   .   .   .   .   new
	await.go         .   .   .   .   .   new
	conn.go          .   .   .   .   .   new
	blocking.go      .   .   .   .   .   new
	demo.go          .   .   .   .   .   new
	relay_hand.go    .   .   .   .   .   new
	relay_await.go   .   .   .   .   .   new
	get.go           .   .   .   .   .   new
	serve.go         .   .   .   .   .   new
	server.go        .   .   .   .   .   new
	request.go       .   .   .   .   .   new
	answer.go        .   .   .   .   .   new
	echo.go          .   .   .   .   .   new
	group.go         .   .   .   .   .   new
	ownership.go     .   .   .   .   .   new
	task.go          .   .   .   .   .   new
	worker.go        .   .   .   .   .   new
	main.go          new Δ   Δ   Δ   Δ   Δ
`

const (
	maxFile     = 165 // lines
	maxFunction = 45  // lines
	wholeFile   = 350 // lines, in a chapter that is whole
	wholeFunc   = 50  // lines, in a chapter that is whole
	minSame     = 80  // percent of the files that are carried on
	shortLine   = 15  // bytes; "if err != nil {" may stand anywhere
)

// marks parses filesTable: marks["reactor.go"][2] is its mark in chapter 03.
func marks(t *testing.T) map[string][]string {
	t.Helper()
	byFile := make(map[string][]string)
	for _, row := range strings.Split(strings.TrimSpace(filesTable), "\n")[1:] {
		cells := strings.Fields(row)
		if len(cells) != 1+len(chapters) {
			t.Fatalf("filesTable: %s has %d marks, want one for each of %d chapters", cells[0], len(cells)-1, len(chapters))
		}
		byFile[cells[0]] = cells[1:]
	}
	return byFile
}

func TestFilesAreCarriedUnchanged(t *testing.T) {
	t.Parallel()
	byFile := marks(t)
	for i, c := range chapters {
		for _, name := range goFiles(t, c.dir) {
			if byFile[name] == nil {
				t.Errorf("%s/%s is not in filesTable in internal/checks/tutorial_test.go: add it", c.dir, name)
			}
		}
		for name, row := range byFile {
			before := ""
			if i > 0 {
				before = filepath.Join(chapters[i-1].dir, name)
			}
			checkMark(t, row[i], before, filepath.Join(c.dir, name))
		}
	}
}

// checkMark compares a file with the one of the chapter before, whose path is
// empty in the first chapter.
func checkMark(t *testing.T, mark, beforePath, nowPath string) {
	t.Helper()
	before, had := readIfThere(t, beforePath)
	now, has := readIfThere(t, nowPath)
	switch {
	case mark == "." && !had && !has:
	case mark == "new" && !had && has:
	case mark == "–" && had && !has:
	case mark == "=" && had && has && before == now:
	case mark == "Δ" && had && has && before != now:

	case mark == "=" && had && has:
		t.Errorf("%[2]s differs from %[1]s. Repair the copy:\n\tcp %[1]s %[2]s\nor the original, or mark it Δ in filesTable. (-%[1]s +%[2]s):\n%[3]s",
			beforePath, nowPath, cmp.Diff(lines(before), lines(now)))
	case mark == "Δ" && had && has:
		t.Errorf("%s is the same as %s: mark it = in filesTable", nowPath, beforePath)
	default:
		t.Errorf("%s: marked %s in filesTable, but it is %s, and %s", nowPath, mark,
			map[bool]string{true: "there", false: "not there"}[has],
			map[bool]string{true: "was in the chapter before", false: "was not in the chapter before"}[had])
	}
}

// A reader compares two chapters to learn what is new. So most files are the
// same, and in the others no line changes that need not.
func TestDiffsShowOnlyWhatIsNew(t *testing.T) {
	t.Parallel()
	carried, same := 0, 0
	for i, c := range chapters[1:] {
		if c.whole {
			continue
		}
		for _, name := range goFiles(t, c.dir) {
			beforePath, nowPath := filepath.Join(chapters[i].dir, name), filepath.Join(c.dir, name)
			before, had := readIfThere(t, beforePath)
			now, _ := readIfThere(t, nowPath)
			if !had || name == "main.go" {
				continue
			}
			carried++
			if before == now {
				same++
			}
			for _, line := range moved(lines(before), lines(now)) {
				t.Errorf("from %s to %s this line only moves: let it stay where it was.\n\t%s", beforePath, nowPath, line)
			}
		}
	}
	if 100*same < minSame*carried {
		t.Errorf("%d of %d files are carried from chapter to chapter unchanged, want %d %%", same, carried, minSame)
	}
}

// moved returns the lines that are removed in one place and added, perhaps
// indented otherwise, in another. Short ones do not count.
func moved(before, now []string) []string {
	removed, added := difference(before, now)
	var both []string
	for _, line := range removed {
		if i := slices.Index(added, line); i >= 0 && len(line) > shortLine {
			both = append(both, line)
			added = slices.Delete(added, i, i+1)
		}
	}
	return both
}

// difference returns the lines of a and of b that are not in their longest
// common subsequence, without what surrounds them.
func difference(a, b []string) (removed, added []string) {
	common := make([][]int, len(a)+1) // common[i][j]: its length for a[i:] and b[j:]
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	for i, j := 0, 0; i < len(a) || j < len(b); {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && common[i+1][j] >= common[i][j+1]:
			removed, i = append(removed, strings.TrimSpace(a[i])), i+1
		default:
			added, j = append(added, strings.TrimSpace(b[j])), j+1
		}
	}
	return removed, added
}

func TestChaptersReadInOneSitting(t *testing.T) {
	t.Parallel()
	for _, c := range chapters {
		longestFile, longestFunction := maxFile, maxFunction
		if c.whole {
			longestFile, longestFunction = wholeFile, wholeFunc
		}
		if n := chapterLines(t, c); n > c.lines {
			t.Errorf("%s has %d lines without tests and BSD files, want at most %d", c.dir, n, c.lines)
		}
		for _, name := range goFiles(t, c.dir) {
			path := filepath.Join(c.dir, name)
			if n := fileLines(t, path); n > longestFile {
				t.Errorf("%s has %d lines, want at most %d", path, n, longestFile)
			}
			checkFunctions(t, path, longestFunction)
		}
	}
}

// chapterLines counts what a reader on Linux reads.
func chapterLines(t *testing.T, c chapter) int {
	t.Helper()
	n := 0
	for _, name := range goFiles(t, c.dir) {
		if !strings.HasSuffix(name, "_bsd.go") {
			n += fileLines(t, filepath.Join(c.dir, name))
		}
	}
	return n
}

func fileLines(t *testing.T, path string) int {
	t.Helper()
	text, _ := readIfThere(t, path)
	return strings.Count(text, "\n")
}

func checkFunctions(t *testing.T, path string, longest int) {
	t.Helper()
	positions := token.NewFileSet()
	file, err := parser.ParseFile(positions, path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Error(err)
		return
	}
	for _, decl := range file.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok {
			first, last := positions.Position(f.Pos()), positions.Position(f.End())
			if n := last.Line - first.Line + 1; n > longest {
				t.Errorf("%s:%d: %s has %d lines, want at most %d", path, first.Line, f.Name.Name, n, longest)
			}
		}
	}
}

func TestImports(t *testing.T) {
	t.Parallel()
	for _, path := range repositoryFiles(t, ".go") {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, spec := range file.Imports {
			name, _ := strconv.Unquote(spec.Path.Value)
			root, _, _ := strings.Cut(name, "/")
			switch {
			case name == "golang.org/x/sys/unix":
			case strings.HasPrefix(name, "github.com/google/go-cmp/") && strings.HasSuffix(path, "_test.go"):
			case strings.HasPrefix(name, exercisesPath+"check") && strings.HasPrefix(path, "exercises/") &&
				(strings.HasSuffix(path, "_test.go") || strings.HasPrefix(path, "exercises/check/")):
			case name == "C" || strings.Contains(root, "."): // not the standard library
				t.Errorf("%s imports %s: only the standard library, golang.org/x/sys/unix and, in tests, go-cmp; what a chapter needs is in its folder", path, name)
			}
		}
	}
}

// Chapter 01 builds wherever Go does, if it first builds its library for there.
func TestChaptersBuildAlone(t *testing.T) {
	onlyIfAll(t)
	t.Parallel()
	for _, c := range chapters {
		t.Run(c.dir, func(t *testing.T) {
			t.Parallel()
			dir := copyChapter(t, c)
			systems := []string{""}
			if !c.requires {
				systems = []string{"", "GOOS=windows", "GOOS=plan9", "GOOS=js GOARCH=wasm"}
			}
			for _, system := range systems {
				env := append(strings.Fields(system), compiles, "GOFLAGS=-mod=mod -buildvcs=false", "GOPROXY=off", "GOWORK=off")
				if got := run(t, 2*time.Minute, dir, env, "go", "build", "-o", os.DevNull, "."); got.exit != 0 {
					t.Errorf("in a folder of its own, with %v, go build says:\n%s", env, got.stderr)
				}
			}
		})
	}
}

// copyChapter copies a chapter without its tests into a new folder, a module
// that requires no more than the chapter does.
func copyChapter(t *testing.T, c chapter) string {
	t.Helper()
	dir := t.TempDir()
	sums, _ := readIfThere(t, "go.sum")
	mod := "module alone\n\ngo 1.25.0\n"
	if c.requires {
		mod += "\nrequire golang.org/x/sys " + requiredVersion(t, "golang.org/x/sys") + "\n"
	}
	texts := map[string]string{"go.mod": mod, "go.sum": sums}
	for _, name := range goFiles(t, c.dir) {
		texts[name], _ = readIfThere(t, filepath.Join(c.dir, name))
	}
	embedded, _ := filepath.Glob(filepath.Join(c.dir, "*.html"))
	for _, path := range embedded {
		texts[filepath.Base(path)], _ = readIfThere(t, path)
	}
	for name, text := range texts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func requiredVersion(t *testing.T, module string) string {
	t.Helper()
	text, _ := readIfThere(t, "go.mod")
	for _, line := range lines(text) {
		if f := strings.Fields(line); len(f) >= 2 && f[len(f)-2] == module {
			return f[len(f)-1]
		}
	}
	t.Fatalf("go.mod does not require %s", module)
	return ""
}

// workload matches the line about the ten requests: see workload.go.
var workload = regexp.MustCompile(`(?m)^ *10 responses in (\S+): (\d+) polls, (?:\d+ switches, )?(\S+) of CPU$`)

func TestPrograms(t *testing.T) {
	onlyIfAll(t)
	for _, c := range chapters {
		t.Run(c.dir, func(t *testing.T) {
			t.Parallel()
			output := runProgram(t, c.dir)
			if c.polls[1] > 0 {
				checkPolls(t, output, c.polls)
			}
		})
	}
}

// Not parallel: others would be no load on this process, but on the clock.
func TestChapter05TakesLittleCPU(t *testing.T) {
	onlyIfAll(t)
	const tries = 5
	for try := 1; ; try++ {
		line := workload.FindStringSubmatch(runProgram(t, "05-executor"))
		if line == nil {
			t.Fatalf("no line matches %s", workload)
		}
		wall, _ := time.ParseDuration(line[1])
		cpu, _ := time.ParseDuration(line[3])
		if wall > 0 && cpu > 0 && cpu < wall/10 {
			return
		}
		if try == tries {
			t.Fatalf("%q: want less CPU than a tenth of the time, in one of %d tries", line[0], tries)
		}
	}
}

func TestChapter05TakesNumericAddressesOnly(t *testing.T) {
	onlyIfAll(t)
	got := run(t, time.Minute, ".", nil, "go", "run", "./05-executor", "localhost:80/x")
	want := regexp.MustCompile(`(?ism)numeric.*chapter 0?6.*^exit status [12]$`) // go run says the last
	if got.exit == 0 || !want.MatchString(got.stderr) {
		t.Errorf("05-executor localhost:80/x said %q, want something that matches %s", got.stderr, want)
	}
}

// runProgram uses go run, as readers do, and since that keeps what it has built.
func runProgram(t *testing.T, chapter string) (output string) {
	t.Helper()
	got := run(t, time.Minute, ".", nil, "go", "run", "./"+chapter)
	if got.exit != 0 || got.stderr != "" {
		t.Errorf("it ended with exit status %d and said on standard error:\n%s", got.exit, got.stderr)
	}
	return got.stdout
}

// checkPolls looks at the first line of the workload: chapter 02 has a second
// one, with a nap between the polls.
func checkPolls(t *testing.T, output string, bounds [2]int) {
	t.Helper()
	line := workload.FindStringSubmatch(output)
	if line == nil {
		t.Fatalf("no line matches %s in:\n%s", workload, output)
	}
	if polls, _ := strconv.Atoi(line[2]); polls < bounds[0] || polls > bounds[1] {
		t.Errorf("%q: want between %d and %d polls", line[0], bounds[0], bounds[1])
	}
	for _, i := range []int{1, 3} {
		if _, err := time.ParseDuration(line[i]); err != nil {
			t.Errorf("%q: %v", line[0], err)
		}
	}
}

// A result is how a command ended: exit is -1 if it had to be killed.
type result struct {
	stdout, stderr string
	exit           int
}

// run runs a command in a folder, with env added to the environment, and
// kills it after a while.
func run(t *testing.T, limit time.Duration, dir string, env []string, name string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = time.Second // for children that keep the output open
	err := cmd.Run()
	if ctx.Err() != nil {
		fmt.Fprintf(&stderr, "killed after %v\n", limit)
	} else if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// compiles makes a go command quicker: it collects less garbage.
const compiles = "GOGC=400"

// goFiles names the Go files of a chapter, without its tests.
func goFiles(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".go") && !strings.HasSuffix(e.Name(), "_test.go") {
			names = append(names, e.Name())
		}
	}
	return names
}

// repositoryFiles returns the paths of all files with an extension.
func repositoryFiles(t *testing.T, ext string) []string {
	t.Helper()
	var paths []string
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && d.Name() == ".git" {
			return fs.SkipDir
		}
		if err == nil && filepath.Ext(path) == ext {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func readIfThere(t *testing.T, path string) (text string, there bool) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return string(data), err == nil
}

func lines(text string) []string {
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}
