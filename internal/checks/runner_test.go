package checks

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// A clone is a copy of the exercises of chapter 01 as handed out (of all, if
// everything is to be checked), in which the runner is used as a learner would.
type clone struct {
	t      *testing.T
	root   string
	runner string
	env    []string
	order  []exercise // as in exercises/README.md
}

func TestExerciseRunner(t *testing.T) {
	t.Parallel()
	if os.Getenv("EXERCISE") != "" {
		t.Skip("the runner is for all exercises")
	}
	all := exercises(t)
	if os.Getenv("TUTORIAL_CHECK") != "all" {
		all = slices.DeleteFunc(all, func(e exercise) bool { return e.chapter() != chapters[0].dir })
	}
	runner := filepath.Join(t.TempDir(), "runner")
	if got := run(t, 2*time.Minute, ".", []string{compiles}, "go", "build", "-o", runner, "./exercises"); got.exit != 0 {
		t.Fatal(got.stderr)
	}
	gocache := strings.TrimSpace(run(t, time.Minute, ".", nil, "go", "env", "GOCACHE").stdout)
	for _, test := range []struct {
		name string
		f    func(c clone)
	}{
		{"opens on the first", runnerOpensOnTheFirst},
		{"opens on the one edited last", runnerOpensOnTheOneEditedLast},
		{"remembers outcomes", runnerRemembersOutcomes},
		{"says what is next", runnerSaysWhatIsNext},
		{"lists", runnerLists},
		{"finds names", runnerFindsNames},
		{"refuses nonsense", runnerRefusesNonsense},
		{"helps", runnerHelps},
		{"half-written file", runnerShowsWhatTheCompilerSays},
		{"own output", runnerShortensOwnOutput},
		{"panic in a goroutine", runnerShowsPanicInAGoroutine},
		{"hang", runnerEndsHangs},
		{"cold cache", runnerSaysThatItBuilds},
		{"reset", runnerResetKeepsWhatWasThere},
		{"hints", runnerWrapsHints},
		{"watch", runnerWatches},
		{"break", runnerBreaks},
		{"diff", runnerShowsWhatChanged},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			home := t.TempDir()
			test.f(clone{t, copyExercises(t, all), runner, []string{
				"GOWORK=off", "GOCACHE=" + gocache, "EDITOR=", compiles, "GOFLAGS=-vet=off -ldflags=-w",
				"HOME=" + home, "XDG_CACHE_HOME=" + home, "LocalAppData=" + home, // where the record lies
			}, inTable(t, all)})
		})
	}
}

// say runs the runner and returns what it prints.
func (c clone) say(exit int, args ...string) string {
	c.t.Helper()
	got := run(c.t, 2*time.Minute, c.root, c.env, c.runner, args...)
	if got.exit != exit {
		c.t.Errorf("exercises %q ended with exit status %d, want %d:\n%s%s", args, got.exit, exit, got.stdout, got.stderr)
	}
	return got.stdout + got.stderr
}

// says wants parts in what the runner prints.
func (c clone) says(got string, parts ...string) {
	c.t.Helper()
	for _, part := range parts {
		if !strings.Contains(got, part) {
			c.t.Errorf("the runner doesn't say %q:\n%s", part, got)
		}
	}
}

func (c clone) file(e exercise) string { return filepath.Join(c.root, e.edited) }

// save writes a learner's file, at some second of the clone's life.
func (c clone) save(e exercise, text string, second int) {
	c.t.Helper()
	writeFile(c.t, c.file(e), text)
	at := time.Now().Add(time.Duration(second) * time.Second)
	if err := os.Chtimes(c.file(e), at, at); err != nil {
		c.t.Fatal(err)
	}
}

func (c clone) kept(e exercise, version string) string {
	c.t.Helper()
	text, there := readIfThere(c.t, e.file(version))
	if !there {
		c.t.Fatalf("there's no %s", e.file(version))
	}
	return text
}

// countdown is the exercise into which these tests write.
func (c clone) countdown() exercise {
	i := slices.IndexFunc(c.order, func(e exercise) bool { return strings.HasSuffix(e.name, "/countdown") })
	return c.order[i]
}

// changed is a stub in which Poll does something else first.
func (c clone) changed(does string, imports ...string) string {
	stub := c.kept(c.countdown(), "stub")
	const place = "\treturn \"not started\", false // not started"
	if !strings.Contains(stub, place) {
		c.t.Fatalf("the stub of %s has no line %q to put a mistake in", c.countdown().name, place)
	}
	stub = strings.Replace(stub, place, "\t"+does+"\n\treturn \"not started\", false", 1)
	for _, path := range imports {
		stub = strings.Replace(stub, "package main\n", fmt.Sprintf("package main\n\nimport %q\n", path), 1)
	}
	return stub
}

func short(e exercise) string { return filepath.Base(e.name) }

func runnerOpensOnTheFirst(c clone) {
	first := c.order[0]
	c.says(c.say(0), first.name+"  ★", " minutes\n", first.edited, first.page.path, "go run ./exercises hint "+short(first),
		"_test.go:", bar(0, len(c.order)))
}

func bar(done, all int) string {
	full := 30 * done / all
	return fmt.Sprintf("%d of %d done  [%s%s]", done, all, strings.Repeat("#", full), strings.Repeat(".", 30-full))
}

func runnerOpensOnTheOneEditedLast(c clone) {
	c.save(c.order[0], c.kept(c.order[0], "solution"), -30)
	c.save(c.order[1], c.kept(c.order[1], "stub"), -5) // saved last, and not changed
	c.save(c.order[2], c.kept(c.order[2], c.order[2].wrong()[0]), -10)
	c.save(c.order[3], c.kept(c.order[3], c.order[3].wrong()[0]), -20)
	c.says(c.say(0), c.order[2].name+"  ★", "_test.go:", bar(1, len(c.order)))
	c.save(c.order[3], c.kept(c.order[3], c.order[3].wrong()[0]), -2)
	c.says(c.say(0), c.order[3].name+"  ★")
	c.say(0, "hint", short(c.order[1])) // asked for now, edited never
	c.says(c.say(0), c.order[1].name+"  ★")
}

// What was tried once isn't tried again: so it answers at once.
func runnerRemembersOutcomes(c clone) {
	onlyIfAll(c.t)
	c.save(c.order[0], c.kept(c.order[0], "solution"), -30)
	c.save(c.order[1], c.kept(c.order[1], c.order[1].wrong()[0]), -10)
	first, _, _ := strings.Cut(c.say(0), "Building.") // which it says only if that takes long
	nothing := c.env
	c.env = append(slices.Clone(nothing), "PATH="+c.root) // no go command
	if again := c.say(0); again != first {
		c.t.Errorf("the second look isn't the same:\n%s\nThe first was:\n%s", again, first)
	}
	c.say(1, short(c.order[1])) // by its name it's tried: without a go command, in vain
	c.env = nothing
	c.save(c.order[1], c.kept(c.order[1], "solution"), -5)
	c.says(c.say(0), bar(2, len(c.order)))
	helper := filepath.Join(c.root, "exercises", "check", "within.go")
	text, _ := readIfThere(c.t, helper)
	writeFile(c.t, helper, text+"\nfunc (") // what the tests import matters, too
	c.says(c.say(0), bar(0, len(c.order)))
}

func runnerSaysWhatIsNext(c clone) {
	onlyIfAll(c.t)
	c.save(c.order[0], c.kept(c.order[0], "solution"), -30)
	got := c.say(0)
	c.says(got, c.order[0].name+"  ★", "passes.", "Next: "+c.order[1].name+"  ★", c.order[1].edited, "marked ◆")
	c.says(c.say(0, short(c.order[0])), "passes.", "go run ./exercises next")
	c.says(c.say(0, "next"), "Next: "+c.order[1].name+"  ★")
	onlyInCI(c.t) // to try all solutions takes a minute, and longer on a busy machine
	for i, e := range c.order {
		if i != 1 {
			c.save(e, c.kept(e, "solution"), -20+i)
		}
	}
	c.says(c.say(0), "Next: "+c.order[1].name+"  ★") // though the last one was edited
	c.save(c.order[1], c.kept(c.order[1], "solution"), 0)
	c.says(c.say(0), bar(len(c.order), len(c.order)), "all")
}

func runnerLists(c clone) {
	c.save(c.order[0], c.kept(c.order[0], "solution"), -30)
	c.save(c.order[1], c.kept(c.order[1], c.order[1].wrong()[0]), -10)
	got := c.say(0, "list")
	index, _ := readIfThere(c.t, "exercises/README.md")
	for i, e := range c.order {
		m := regexp.MustCompile(`\(` + e.name + `/README\.md\)( ◆)?<br>[^|]* \| (★+) \| (\d+) \|`).FindStringSubmatch(index)
		line := regexp.MustCompile(`(?m)^  (done |begun|     )  ` + short(e) + ` .*$`).FindString(got)
		if m == nil || !strings.Contains(line, " "+m[2]+" ") || strings.Contains(line, "◆") != (m[1] != "") || !strings.Contains(line, " "+m[3]+" min") {
			c.t.Errorf("%s is in the list as %q, and in the table as %q", e.name, line, m)
		}
		state := map[int]string{0: "done", 1: "begun"}[i]
		if !strings.HasPrefix(strings.TrimSpace(line), state) || strings.Contains(line, "you are here") != (i == 1) {
			c.t.Errorf("%s is %q, and the list says %q", e.name, state, line)
		}
	}
	c.says(got, bar(1, len(c.order)))
	if chapter := c.say(0, "1"); !strings.Contains(chapter, short(c.order[0])) {
		c.t.Errorf("the list of chapter 1 is:\n%s", chapter)
	}
}

func runnerFindsNames(c clone) {
	for _, name := range []string{"joinall", "JoinAll", "JOINALL", "join-all", "01-future-trait/joinall", "exercises/01-future-trait/joinall/", "exercises/01-future-trait/joinall/joinall.go"} {
		if got := c.say(0, "solution", name); filepath.ToSlash(strings.TrimSpace(got)) != "exercises/testdata/01-future-trait/joinall/solution.go" {
			c.t.Errorf("solution %s is %q", name, got)
		}
	}
	c.says(c.say(2, "hint", "cuontdwn"), "Did you mean countdown?")
	c.says(c.say(2, "breakfst"), "Did you mean breakfast?")
	c.says(c.say(2, "lsit"), "Did you mean list?")
	c.says(c.say(1, "JoinAll"), "01-future-trait/joinall", "_test.go:")
}

func runnerRefusesNonsense(c clone) {
	for _, args := range []string{"zzzzzzzz", "solve countdown", "-x", "list all of them", "reset a b"} {
		c.says(c.say(2, strings.Fields(args)...), "Usage: go run ./exercises")
	}
	for _, args := range []string{"hint what", "reset", "reset zzzzzzzz", "hint countdown 4", "hint countdown 0", "hint countdown two", "break 77", "break 01 99", "break 01 x", "diff", "diff 01", "diff 01 01", "diff 01 99"} {
		if got := c.say(2, strings.Fields(args)...); len(got) < 20 {
			c.t.Errorf("exercises %s says only %q", args, got)
		}
	}
}

func runnerHelps(c clone) {
	for _, args := range []string{"help", "-h", "--help", "hint -h", "break --help"} {
		got := c.say(0, strings.Fields(args)...)
		c.says(got, "Usage: go run ./exercises")
		for _, command := range []string{"NAME", "watch", "list", "next", "hint", "solution", "reset", "break", "diff", "help"} {
			c.says(got, "\n  "+command)
		}
	}
}

func runnerShowsWhatTheCompilerSays(c clone) {
	name := short(c.countdown())
	mistakes := map[string]string{
		"package main\n\nfunc half(\n": "syntax error",
		"":                             "expected 'package'",
	}
	if os.Getenv("TUTORIAL_CHECK") == "all" {
		maps.Copy(mistakes, map[string]string{
			"package main\n\nimport _ \"nowhere/at/all\"\n": "nowhere/at/all is not in std",
			"package other\n":                                 "found packages main",
			c.changed("var unused int"):                       "declared and not used",
			c.changed(`fmt.Printf("%d tea\n")`, "fmt"):        "Printf",
			c.kept(c.countdown(), "stub") + "\nfunc init() (": "syntax error",
		})
		c.env = append(c.env, "GOFLAGS=") // with vet
	}
	for text, want := range mistakes {
		c.save(c.countdown(), text, 0)
		c.says(c.say(1, name), short(c.countdown())+".go", want)
		c.says(c.say(0), want)
	}
	if err := os.Remove(c.file(c.countdown())); err != nil {
		c.t.Fatal(err)
	}
	c.says(c.say(1, name), "There's no countdown.go anymore", "reset")
	c.say(0, "reset", name)
	if now, _ := readIfThere(c.t, c.file(c.countdown())); now != c.kept(c.countdown(), "stub") {
		c.t.Error("reset hasn't put back a file that was gone")
	}
}

func runnerShortensOwnOutput(c clone) {
	c.save(c.countdown(), c.changed(`for i := range 100 { fmt.Println("tea number", i) }; fmt.Println(strings.Repeat("x", 5000))`, "fmt", "strings"), 0)
	got := c.say(1, short(c.countdown()))
	if n := strings.Count(got, "tea number"); n != 40 || strings.Contains(got, strings.Repeat("x", 301)) {
		c.t.Errorf("of 101 lines that the learner's code printed %d are shown, want 40:\n%s", n, got)
	}
	c.says(got, "tea number 39\n", "… and 61 more lines that your code printed", "countdown_test.go:", "not started")
	c.save(c.countdown(), c.changed(`fmt.Println(strings.Repeat("x", 5000), "tea")`, "fmt", "strings"), 0)
	c.says(c.say(1, short(c.countdown())), "xxx … (a very long line, cut here)\n")
}

func runnerShowsPanicInAGoroutine(c clone) {
	c.save(c.countdown(), c.changed(`go func() { panic("no tea") }(); select {}`), 0)
	got := c.say(1, short(c.countdown()))
	c.says(got, "panic: no tea\n", "at countdown.go:18, in ")
	if strings.Contains(got, "goroutine ") {
		c.t.Errorf("a panic in a goroutine is more than a few lines:\n%s", got)
	}
}

// Ten seconds is the most a learner waits.
func runnerEndsHangs(c clone) {
	onlyIfAll(c.t)
	stub := c.kept(c.countdown(), "stub")
	added := fmt.Sprintf("countdown.go:%d hangs", strings.Count(stub, "\n")+2) // the line below an empty one
	c.say(1, short(c.countdown()))                                             // builds all but the file
	own := filepath.Join(filepath.Dir(c.file(c.countdown())), "a_test.go")     // a test of the learner's, without a limit
	for _, test := range []struct{ text, test, want string }{
		{stub + "\nvar tea = func() int { select {} }()\n", "", added},
		{stub + "\nvar tea = pour()\n\nfunc pour() int {\n\tfor n := 0; ; n++ {\n\t\tgo func() {}()\n\t}\n}\n", "", " hangs"},
		{stub, "package main\n\nimport \"testing\"\n\nfunc TestMine(*testing.T) { select {} }\n", "TestMine hangs"},
	} {
		c.save(c.countdown(), test.text, 0)
		if test.test != "" {
			writeFile(c.t, own, test.test)
		}
		start := time.Now()
		got := c.say(1, short(c.countdown()))
		c.says(got, test.want)
		if took := time.Since(start); took > 10*time.Second && os.Getenv("CI") == "" {
			c.t.Errorf("a hang took %v:\n%s", took, got)
		}
	}
}

// A go command that takes its time stands for one that has everything to build.
func runnerSaysThatItBuilds(c clone) {
	onlyIfAll(c.t)
	path, err := exec.LookPath("go")
	if err != nil {
		c.t.Fatal(err)
	}
	slow := c.t.TempDir()
	writeFile(c.t, filepath.Join(slow, "go"), "#!/bin/sh\nsleep 2.5\nexec "+path+" \"$@\"\n")
	if err := os.Chmod(filepath.Join(slow, "go"), 0o777); err != nil {
		c.t.Fatal(err)
	}
	c.env = append(c.env, "PATH="+slow+string(filepath.ListSeparator)+os.Getenv("PATH"))
	c.says(c.say(1, short(c.countdown())), "Building. The first time takes", "not started")
}

func runnerResetKeepsWhatWasThere(c clone) {
	e := c.countdown()
	for _, text := range []string{"package main // one\n", "package main // two\n", "package main // three\n"} {
		c.save(e, text, 0)
		c.say(0, "reset", e.name)
		if now, _ := readIfThere(c.t, c.file(e)); now != c.kept(e, "stub") {
			c.t.Errorf("reset hasn't put the stub back, but:\n%s", now)
		}
	}
	for name, want := range map[string]string{".old": "one", ".old2": "two", ".old3": "three"} {
		if old, _ := readIfThere(c.t, c.file(e)+name); old != "package main // "+want+"\n" {
			c.t.Errorf("reset has overwritten what was kept: %s is %q", name, old)
		}
	}
	c.says(c.say(0, "reset", e.name), "nothing to reset")
	if _, there := readIfThere(c.t, c.file(e)+".old4"); there {
		c.t.Error("reset has kept a file that was as handed out")
	}
}

func runnerWrapsHints(c clone) {
	e := c.countdown()
	text, _ := readIfThere(c.t, filepath.Join(c.root, e.page.path))
	text = strings.Replace(text, "Hint 1: a question</summary>\n\n", "Hint 1: a question</summary>\n\n"+
		"See [the *page*](../../../01-future-trait/README.md#2-a-leaf), [`future.go`](future.go) and [Go](https://go.dev/), "+strings.Repeat("word ", 30)+"for a <code>&lt;T&gt;</code>.\n\n", 1)
	writeFile(c.t, filepath.Join(c.root, e.page.path), text)
	c.says(c.say(0, "hint", "countdown"), "Hint 1", "See the *page* (01-future-trait/README.md#2-a-leaf),", "exercises/01-future-trait/countdown/future.go", "Go (https://go.dev/)", "<T>", "hint countdown 2")
	c.says(c.say(0, "hint", "countdown", "3"), "Hint 3", "solution")
	for _, e := range c.order {
		for n := range 3 {
			for _, line := range lines(c.say(0, "hint", e.name, fmt.Sprint(n+1))) {
				if len([]rune(line)) > 80 && strings.Contains(strings.TrimSpace(line), " ") || strings.Contains(line, "](") || strings.Contains(line, "</") {
					c.t.Errorf("hint %s %d has this line:\n%s", e.name, n+1, line)
				}
			}
		}
	}
}

// A screen is what watch writes to.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *screen) waitFor(t *testing.T, parts ...string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		s.mu.Lock()
		text := s.text.String()
		s.mu.Unlock()
		if !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(text, part) }) {
			s.mu.Lock()
			s.text.Reset()
			s.mu.Unlock()
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("watch doesn't say %q:\n%s", parts, text)
		}
	}
}

func runnerWatches(c clone) {
	onlyIfAll(c.t)
	cmd := exec.Command(c.runner, "watch")
	cmd.Dir, cmd.Env = c.root, append(os.Environ(), c.env...)
	s := new(screen)
	cmd.Stdout, cmd.Stderr = s, s
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	s.waitFor(c.t, c.order[0].name, "doesn't pass yet", "Watching all exercises")
	c.save(c.order[0], "package main\n\nfunc half(\n", 1)
	s.waitFor(c.t, "syntax error", "Watching")
	c.save(c.order[0], c.kept(c.order[0], "solution"), 2)
	s.waitFor(c.t, c.order[0].name, "passes.", "Watching")
	c.save(c.order[1], c.kept(c.order[1], c.order[1].wrong()[0]), 3)
	s.waitFor(c.t, c.order[1].name, "doesn't pass yet", "Watching")
}

// A box of chapter 01 always, all boxes in TestRunnerBreaksWhatThePagesBreak.
func runnerBreaks(c clone) {
	copyTree(c.t, chapters[0].dir, c.root)
	copyTree(c.t, chapters[1].dir, c.root)
	before := tree(c.t, c.root)
	page := filepath.Join(chapters[0].dir, "README.md")
	text, _ := readIfThere(c.t, page)
	p := parsePage(page, lines(text))
	i := slices.IndexFunc(p.fences, func(f fence) bool { return f.language == "diff" })
	got := c.say(0, "break", "1", "1")
	c.says(got, page+", box 1: ", "$ "+p.fences[i+1].steps()[0].command+"\n", p.fences[i].lines[0])
	for _, s := range p.fences[i+1].steps() {
		s.want = amongOthers(s.want)
		checkOutput(c.t, p, s, got)
	}
	if after := tree(c.t, c.root); !maps.Equal(before, after) {
		c.t.Error("break has changed a file, or left one")
	}
	for _, name := range []string{"01", "01-future-trait", "01-future-trait/README.md"} {
		c.says(c.say(0, "break", name), "break 01 1   ")
	}
	path := filepath.Join(c.root, p.file(p.fences[i].above))
	writeFile(c.t, path, "package main\n")
	c.says(c.say(1, "break", "01", "1"), "must stand in "+p.file(p.fences[i].above)+" exactly once", "git diff")
}

// copyTree copies the files of a folder, relative to the root, to another root.
func copyTree(t *testing.T, dir, to string) {
	t.Helper()
	for path, text := range tree(t, dir) {
		target := filepath.Join(to, dir, path)
		if err := os.MkdirAll(filepath.Dir(target), 0o777); err != nil {
			t.Fatal(err)
		}
		writeFile(t, target, text)
	}
}

// tree are the files below a folder, by their path from there.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	root := os.DirFS(dir)
	paths := []string{"*", "*/*", "*/*/*", "*/*/*/*", "*/*/*/*/*"}
	for _, pattern := range paths {
		names, _ := filepath.Glob(filepath.Join(dir, pattern))
		for _, name := range names {
			name, _ = filepath.Rel(dir, name)
			if f, err := root.Open(filepath.ToSlash(name)); err == nil {
				if text, err := io.ReadAll(f); err == nil {
					all[name] = string(text)
				}
				f.Close()
			}
		}
	}
	return all
}

func runnerShowsWhatChanged(c clone) {
	for path, text := range map[string]string{
		"07-a/same.go": "package main\n", "08-b/same.go": "package main\n",
		"07-a/gone.go": "package main\n", "08-b/new.go": "package main\n\nvar x int\n",
		"07-a/a_test.go": "package main\n", "08-b/a_test.go": "package main // t\n",
		"07-a/README.md": "# a\n", "08-b/README.md": "# b\n",
		"07-a/testdata/x.go": "package x\n", "08-b/testdata/x.go": "package y\n",
		"07-a/tea.go": "package main\n\n// one\n// two\n\nfunc tea() {\n\tboil()\n\tsteep()\n\tsip()\n\tsip()\n\tsip()\n\tsip()\n\tsip()\n\twash()\n}\n",
		"08-b/tea.go": "package main\n\n// one\n// 2\n\nfunc tea() {\n\tboil()\n\tsteep()\n\tsip()\n\tsip()\n\tsip()\n\tsip()\n\tsip()\n\tdry()\n\twash()\n}\n",
	} {
		if err := os.MkdirAll(filepath.Join(c.root, filepath.Dir(path)), 0o777); err != nil {
			c.t.Fatal(err)
		}
		writeFile(c.t, filepath.Join(c.root, path), text)
	}
	const want = `--- 07-a/tea.go
+++ 08-b/tea.go
@@
 package main
 
 // one
-// two
+// 2
 
 func tea() {
 	boil()
@@ func tea()
 	sip()
 	sip()
 	sip()
+	dry()
 	wash()
 }

Changed, see above: tea.go
New in 08-b: new.go (3 lines)
Gone: gone.go
As before: same.go
`
	for _, args := range []string{"7 8", "07 08", "07-a 08-b/"} {
		if got := c.say(0, append([]string{"diff"}, strings.Fields(args)...)...); got != want {
			c.t.Errorf("diff %s says:\n%s\nwant:\n%s", args, got, want)
		}
	}
}

// The runner lists the boxes of the pages, and shows what the page shows.
func TestRunnerBreaksWhatThePagesBreak(t *testing.T) {
	t.Parallel()
	runner := filepath.Join(t.TempDir(), "runner")
	if got := run(t, 2*time.Minute, ".", []string{compiles}, "go", "build", "-o", runner, "./exercises"); got.exit != 0 {
		t.Fatal(got.stderr)
	}
	listed := run(t, time.Minute, ".", nil, runner, "break")
	commands := regexp.MustCompile(`(?m)^  break (\S+) (\d+)   (.*)$`).FindAllStringSubmatch(listed.stdout, -1)
	n := 0
	for _, p := range pages(t) {
		boxes := 0
		for i, f := range p.fences {
			if f.language != "diff" || !strings.HasPrefix(p.path, "0") {
				continue
			}
			n, boxes = n+1, boxes+1
			if n > len(commands) {
				t.Fatalf("the runner doesn't list the box %s:\n%s", p.at(f.line), listed.stdout)
			}
			command := commands[n-1]
			if title := "**" + command[3]; command[2] != fmt.Sprint(boxes) || !strings.Contains(strings.Join(p.prose[max(0, f.line-8):f.line], "\n"), title) {
				t.Errorf("the box %s isn't what the runner lists: %q", p.at(f.line), command[0])
			}
			number := boxes
			t.Run(p.at(f.line), func(t *testing.T) {
				t.Parallel()
				onlyInCI(t)
				if number > 1 {
					t.Skip("one box of each page: TestBreakIt has tried them all")
				}
				got := run(t, 5*time.Minute, ".", []string{compiles}, runner, "break", command[1], command[2])
				if got.exit != 0 && strings.Contains(got.stderr, "only compiled on") {
					t.Skip(got.stderr)
				}
				for _, s := range p.fences[i+1].steps() {
					s.want = amongOthers(shown(s.want))
					checkOutput(t, p, s, got.stdout+got.stderr)
				}
			})
		}
	}
	if n != len(commands) {
		t.Errorf("the runner lists %d boxes, and the pages have %d", len(commands), n)
	}
}

// shown are the lines of a failure that the runner shows for sure: of a long
// output it leaves out what is in the middle.
func shown(want []string) []string {
	return slices.DeleteFunc(slices.Clone(want), func(line string) bool { return strings.TrimSpace(line) == "..." })
}

// copyExercises copies what the exercises need into a new folder, as handed out.
func copyExercises(t *testing.T, all []exercise) string {
	t.Helper()
	root := t.TempDir()
	paths := []string{"go.mod", "go.sum", "exercises/README.md"}
	for _, e := range all {
		for _, folder := range []string{e.dir(), e.folder(), "exercises/check", "exercises/check/order", "exercises/check/order/stepped"} {
			files, _ := filepath.Glob(filepath.Join(folder, "*.*"))
			paths = append(paths, files...)
		}
	}
	for _, path := range paths {
		text, _ := readIfThere(t, path)
		for _, e := range all {
			if path == e.edited {
				text, _ = readIfThere(t, e.file("stub"))
			}
		}
		if err := os.MkdirAll(filepath.Join(root, filepath.Dir(path)), 0o777); err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(root, path), text)
	}
	return root
}

// inTable returns the exercises in the order of exercises/README.md.
func inTable(t *testing.T, all []exercise) []exercise {
	t.Helper()
	index, _ := readIfThere(t, "exercises/README.md")
	place := make(map[int]exercise)
	for _, e := range all {
		place[strings.Index(index, "]("+e.name+"/README.md)")] = e
	}
	var order []exercise
	for _, i := range slices.Sorted(maps.Keys(place)) {
		order = append(order, place[i])
	}
	return order
}
