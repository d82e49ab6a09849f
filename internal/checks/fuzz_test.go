package checks

import (
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"
)

// The fuzz targets of the chapters, in copies whose reads and writes are now
// and then interrupted or cut short, as a step of the input says. The kernel
// does neither on demand; all else that the inputs ask for it really does.
//
//	TUTORIAL_CHECK=all go test -run TestFuzz ./internal/checks                # the seeds only
//	TUTORIAL_FUZZ=60s go test -run TestFuzz -parallel=6 -v ./internal/checks  # each for so long
//
// What they find is left in testdata/fuzz of the chapter, and from then on a
// seed. Without a copy, and so without what only that can do, they also run in
// the ordinary way: go test -fuzz=FuzzServe ./06-full-runtime

// meddled says what is changed in a copy, and what is added to it.
var meddled = []struct {
	file  string
	edits []string // old, new, old, new ...; each old is there once at least
	added string
}{
	{"socket.go", []string{"call(fd, p)", "meddled(call, fd, p)"}, "socket_meddled.go"},
}

// fuzzed are the chapters, and the targets that have not been in one before.
var fuzzed = []struct {
	dir     string
	targets []string
	// A mistake in the copy that the seeds must find, or the copy is of no use.
	file, old, mistake string
}{
	{"02-blocking-poll", []string{"FuzzReply"}, "socket.go", "for err == unix.EINTR {", "for false {"},
	{"06-full-runtime", []string{"FuzzReply", "FuzzServe", "FuzzTimers"}, "socket.go", "for err == unix.EINTR {", "for false {"},
}

func TestFuzz(t *testing.T) {
	limit, err := time.ParseDuration(os.Getenv("TUTORIAL_FUZZ"))
	if err != nil && os.Getenv("TUTORIAL_FUZZ") != "" {
		t.Fatal("TUTORIAL_FUZZ: ", err)
	}
	if limit <= 0 {
		onlyIfAll(t)
	}
	for _, f := range fuzzed {
		t.Run(f.dir+", mistake: EINTR is an error", func(t *testing.T) {
			t.Parallel()
			if strings.HasSuffix(f.file, "_linux.go") && runtime.GOOS != "linux" {
				t.Skip(f.file, " is not compiled here")
			}
			program := meddledChapter(t, f.dir, f.file, f.old, f.mistake)
			if got := run(t, time.Minute, f.dir, nil, program, "-test.run=^Fuzz"); got.exit == 0 {
				t.Errorf("no seed finds it:\n%s%s", got.stdout, got.stderr)
			}
		})
		var flags []string
		if limit > 0 {
			flags = []string{"-fuzz=."} // it is to tell which code an input reaches
		}
		program := meddledChapter(t, f.dir, "", "", "", flags...)
		for _, target := range f.targets {
			t.Run(f.dir+"/"+target, func(t *testing.T) {
				t.Parallel()
				fuzz(t, f.dir, program, target, limit)
			})
		}
	}
}

// fuzz runs a target on its seeds, and then on what can be made of them.
func fuzz(t *testing.T, dir, program, target string, limit time.Duration) {
	t.Helper()
	args := []string{"-test.run=^" + target + "$"}
	if limit > 0 {
		args = []string{
			"-test.run=^$", "-test.fuzz=^" + target + "$", "-test.parallel=1",
			"-test.fuzztime=" + limit.String(), "-test.fuzzminimizetime=20x",
			"-test.fuzzcachedir=" + t.TempDir(), // each time from the seeds on
		}
	}
	got := run(t, limit+5*time.Minute, dir, []string{"GOMAXPROCS=1"}, program, args...)
	if got.exit != 0 {
		t.Errorf("%s\n%s", got.stdout, got.stderr)
	}
	if limit > 0 {
		said := regexp.MustCompile(`execs: \d+`).FindAllString(got.stdout+got.stderr, -1)
		t.Logf("%v, %s", limit, said[max(len(said)-1, 0):])
	}
}

// meddledChapter builds the tests of a copy, with one more edit.
func meddledChapter(t *testing.T, dir, file, old, new string, flags ...string) (program string) {
	t.Helper()
	o := &overlaid{t.TempDir(), make(map[string]string)}
	for _, m := range meddled {
		path := filepath.Join(dir, m.file)
		text, there := readIfThere(t, path)
		if !there {
			continue
		}
		edits := m.edits
		if m.file == file {
			edits = append([]string{old, new}, edits...)
		}
		for i := 0; i < len(edits); i += 2 {
			if !strings.Contains(text, edits[i]) {
				t.Fatalf("%s has no %s", path, edits[i])
			}
		}
		o.add(t, path, strings.NewReplacer(edits...).Replace(text))
		added, _ := readIfThere(t, filepath.Join("internal/checks/testdata/meddle", m.added))
		if dir == chapters[len(chapters)-1].dir {
			// A Stream relies on it that a short transfer leaves nothing, so here a
			// call may be interrupted, but it never moves less than the kernel would.
			added = strings.Replace(strings.Replace(added, "n, err := meddle", "_, err := meddle", 1), "call(fd, p[:n])", "call(fd, p)", 1)
		}
		o.add(t, filepath.Join(dir, m.added), added)
	}
	program = filepath.Join(o.dir, "fuzz")
	args := append([]string{"test", "-c", "-vet=off", "-overlay", o.write(t), "-o", program}, flags...)
	if got := run(t, 5*time.Minute, ".", []string{compiles}, "go", append(args, "./"+dir)...); got.exit != 0 {
		t.Fatalf("the copy does not build:\n%s", got.stderr)
	}
	return program
}

// A chapter stands alone, so each has the seeds of the targets that it has.
func TestSeedsAreCopies(t *testing.T) {
	t.Parallel()
	first, _ := filepath.Glob("02-blocking-poll/testdata/fuzz/*/*")
	if len(first) == 0 {
		t.Fatal("02-blocking-poll has no seeds")
	}
	for _, chapter := range chapterFolders(t)[2:] {
		for _, path := range first {
			copied := filepath.Join(chapter, strings.TrimPrefix(path, "02-blocking-poll/"))
			want, _ := readIfThere(t, path)
			if got, _ := readIfThere(t, copied); got != want {
				t.Errorf("%[2]s is no copy:\n\tcp %[1]s %[2]s", path, copied)
			}
		}
	}
}
