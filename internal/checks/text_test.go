//go:build unix

package checks

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The text is tested as the code is. In a page, these fences are checked:
//
//	go       stands in the file that the line above names, word for word but
//	         for leading tabs; a line "// ..." leaves something out
//	console  every "$ command" is run in the root of the repository, if
//	         TUTORIAL_CHECK=all, and prints the lines that follow; a line
//	         "..." leaves some out. Every figure is exact, but after
//	         "$ command # your numbers will differ" durations and counts may be
//	         up to a hundred times as large or as small. A command that ends
//	         with & runs beside those after it, once it has printed something
//	diff     an edit to the file that its header or the line above names. The
//	         next fence is a console: what its commands print, among other
//	         lines, when the chapter has been edited so, if TUTORIAL_CHECK=ci
//	mermaid  names what is in the code, and from chapter 05 on shows what
//	         happens: see pictures_test.go
//
// Relative links lead to files and headings that are there; tables of files
// and of chapters say what is so.

func TestExcerptsStandInTheCode(t *testing.T) {
	t.Parallel()
	for _, p := range pages(t) {
		for _, f := range p.fences {
			if f.language == "go" {
				checkExcerpt(t, p, f)
			}
		}
	}
}

func checkExcerpt(t *testing.T, p page, f fence) {
	t.Helper()
	path := p.file(f.above)
	text, there := readIfThere(t, path)
	if !there {
		t.Errorf("%s: the line above the code names no file of this folder: %q", p.at(f.line-1), f.above)
		return
	}
	rest := untabbed(lines(text))
	for len(f.lines) > 0 {
		part := f.lines
		if i := slices.IndexFunc(part, isEllipsis); i >= 0 {
			part = part[:i]
		}
		i := find(rest, untabbed(part))
		if i < 0 {
			t.Errorf("%s: this is not in %s, or not in this order; the code has changed, or the page:\n%s",
				p.at(f.line), path, strings.Join(part, "\n"))
			return
		}
		rest = rest[i+len(part):]
		f.lines = f.lines[min(len(part)+1, len(f.lines)):]
		f.line += len(part) + 1
	}
}

func isEllipsis(line string) bool { return strings.TrimSpace(line) == "// ..." }

func untabbed(lines []string) []string {
	var all []string
	for _, line := range lines {
		all = append(all, strings.TrimLeft(line, "\t"))
	}
	return all
}

// find returns where part begins in all, or -1.
func find(all, part []string) int {
	for i := range len(all) - len(part) + 1 {
		if slices.Equal(all[i:i+len(part)], part) {
			return i
		}
	}
	return -1
}

// A step of a transcript is a command and what it prints.
type step struct {
	command string
	varies  bool // its figures differ from run to run
	line    int  // of the command
	want    []string
}

// differs is how a page marks a command whose figures differ from run to run.
const differs = "# your numbers will differ"

// factor says how far the durations and counts of such a command may be from
// those in the page, up or down. Every other figure has to be right.
const factor = 100

func (f fence) steps() []step {
	var all []step
	for i, line := range f.lines {
		command, found := strings.CutPrefix(strings.TrimSpace(line), "$ ")
		if !found {
			if len(all) > 0 {
				last := &all[len(all)-1]
				last.want = append(last.want, line)
			}
			continue
		}
		s := step{command: command, line: f.line + i}
		if before, marked := strings.CutSuffix(command, differs); marked {
			s.command, s.varies = strings.TrimSpace(before), true
		}
		all = append(all, s)
	}
	return all
}

// Not parallel, and not in every run: what else the machine does must not change
// the figures. But most of the time these commands sleep, so three run at once.
func TestTranscripts(t *testing.T) {
	onlyIfAll(t)
	outputs := make(map[string]func() string) // of every command, which is run once
	turn := make(chan struct{}, 3)
	var checks sync.WaitGroup
	for _, p := range pages(t) {
		for _, s := range transcript(t, p) {
			if outputs[s.command] == nil {
				outputs[s.command] = sync.OnceValue(func() string {
					turn <- struct{}{}
					defer func() { <-turn }()
					return shell(t, s.command, time.Minute)
				})
			}
			output := outputs[s.command]
			checks.Go(func() { checkOutput(t, p, s, output()) })
		}
	}
	checks.Wait()
}

// transcript returns what TestTranscripts has to run of a page.
func transcript(t *testing.T, p page) (all []step) {
	t.Helper()
	for i, f := range p.fences {
		if f.language != "console" || i > 0 && p.fences[i-1].language == "diff" {
			continue
		}
		steps := f.steps()
		if len(steps) == 0 {
			t.Errorf("%s: no line of this transcript starts with $", p.at(f.line))
		}
		if len(steps) > 1 && strings.HasSuffix(steps[0].command, " &") {
			steps = []step{beside(steps)}
		}
		for _, s := range steps {
			if !runsThisTest.MatchString(s.command) {
				all = append(all, s)
			}
		}
	}
	return all
}

// beside makes one step of several. The first command runs beside the others,
// which begin when it has printed something. In the end shell kills it.
func beside(steps []step) step {
	all := steps[0]
	first := strings.TrimSuffix(all.command, "&")
	all.command = "out=$(mktemp); " + first + `>"$out" & until [ -s "$out" ]; do sleep 0.1; done; cat "$out"; rm "$out"`
	for _, s := range steps[1:] {
		all.command += "; " + s.command
		all.varies = all.varies || s.varies
		all.want = append(all.want, s.want...)
	}
	return all
}

// runsThisTest matches commands that would run this test again.
var runsThisTest = regexp.MustCompile(`^go test .*\./(\.\.\.|internal/checks)(\s|$)`)

// oneRun matches commands that run some of a chapter's tests.
var oneRun = regexp.MustCompile(`^go test -run '?([\w|()^$]+)'? \./([\w-]+)$`)

// In "Break it" a diff is a mistake, and the console after it what comes of
// it. The commands are run on the mistake by way of the overlay of go build.
func TestBreakIt(t *testing.T) {
	t.Parallel()
	for _, p := range pages(t) {
		for i, f := range p.fences {
			if f.language != "diff" {
				continue
			}
			t.Run(p.at(f.line), func(t *testing.T) {
				t.Parallel()
				if i+1 == len(p.fences) || p.fences[i+1].language != "console" || p.fences[i+1].steps() == nil {
					t.Fatal("after a diff the page must show, in a console fence with a $ command, what comes of it")
				}
				overlay, foreign := overlay(t, p, f)
				if foreign != "" {
					t.Skip(foreign, " is not compiled here")
				}
				onlyInCI(t) // that the edit applies, is seen always
				for _, s := range p.fences[i+1].steps() {
					s.want = amongOthers(s.want)
					if m := oneRun.FindStringSubmatch(s.command); m != nil {
						addOnlyTests(t, overlay, m[2], m[1])
					}
					flags := strings.TrimSpace(os.Getenv("GOFLAGS") + " -ldflags=-w -overlay=" + overlay)
					checkOutput(t, p, s, shell(t, s.command, 5*time.Minute, "GOFLAGS="+flags, compiles)) // beside all others
				}
			})
		}
	}
}

// overlay applies a diff to copies of the files that it names and returns the
// path of the file that tells go build to take these, and one of them that is
// for another system, if any.
func overlay(t *testing.T, p page, f fence) (config, foreign string) {
	t.Helper()
	dir := t.TempDir()
	edited := make(map[string][]string) // by path
	path := p.file(f.above)
	var old, new []string
	apply := func() {
		if len(old) > 0 || len(new) > 0 {
			edited[path] = edit(t, p, f, path, edited[path], old, new)
			old, new = nil, nil
		}
	}
	for _, line := range f.lines {
		switch {
		case strings.HasPrefix(line, "+++ "):
			path = filepath.Join(filepath.Dir(p.path), filepath.Base(line[4:]))
		case strings.HasPrefix(line, "@@"), strings.HasPrefix(line, "--- "):
			apply()
		case strings.HasPrefix(line, "-"):
			old = append(old, line[1:])
		case strings.HasPrefix(line, "+"):
			new = append(new, line[1:])
		default: // context; an empty line may have lost its space
			line = strings.TrimPrefix(line, " ")
			old, new = append(old, line), append(new, line)
		}
	}
	apply()

	replace := make(map[string]string)
	for path, text := range edited {
		if strings.HasSuffix(path, "_linux.go") && runtime.GOOS != "linux" {
			foreign = path
		}
		original, err := filepath.Abs(path)
		if err != nil {
			t.Fatal(err)
		}
		replace[original] = filepath.Join(dir, filepath.Base(path))
		writeFile(t, replace[original], strings.Join(text, "\n")+"\n")
	}
	replacements, _ := json.Marshal(map[string]any{"Replace": replace})
	config = filepath.Join(dir, "overlay.json")
	writeFile(t, config, string(replacements))
	return config, foreign
}

// edit replaces the lines old by new in text, which is nil before the first
// edit of the file.
func edit(t *testing.T, p page, f fence, path string, text, old, new []string) []string {
	t.Helper()
	if text == nil {
		content, there := readIfThere(t, path)
		if !there {
			t.Fatalf("%s: neither the diff nor the line above names a file of this folder", p.at(f.line))
		}
		text = lines(content)
	}
	i := find(untabbed(text), untabbed(old))
	if i < 0 || len(old) == 0 || find(untabbed(text[i+1:]), untabbed(old)) >= 0 {
		t.Fatalf("%s: these lines must be in %s exactly once:\n%s", p.at(f.line), path, strings.Join(old, "\n"))
	}
	return slices.Concat(text[:i], new, text[i+len(old):])
}

func amongOthers(lines []string) []string {
	all := []string{"..."}
	for _, line := range lines {
		all = append(all, line, "...")
	}
	return all
}

// shell runs a command as a reader would and returns all that it prints. Its
// whole process group is killed when it ends or its time is over.
func shell(t *testing.T, command string, limit time.Duration, env ...string) string {
	t.Helper()
	cmd := exec.Command("bash", "-c", command)
	cmd.Env = append(os.Environ(), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var output strings.Builder
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		t.Error(err)
		return ""
	}
	kill := func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	late := time.AfterFunc(limit, kill)
	_ = cmd.Wait() // a command that fails says so in its output
	kill()
	if !late.Stop() {
		t.Errorf("%s: still running after %v", command, limit)
	}
	return output.String()
}

// checkOutput fails at the first line of the page that the command did not
// print.
func checkOutput(t *testing.T, p page, s step, output string) {
	t.Helper()
	best := 0
	if fits(s.want, lines(strings.TrimRight(output, "\n")), s.varies, 0, &best) {
		return
	}
	missing := "the end of the output"
	if best < len(s.want) {
		missing = s.want[best]
	}
	t.Errorf("%s: $ %s\ndoes not print this line here:\n\t%s\nIt prints:\n%s",
		p.at(s.line+1+best), s.command, strings.TrimSpace(missing), output)
}

// fits reports whether the lines got are those wanted, where "..." stands for
// any number of lines. In best it keeps how many of them it found at most.
func fits(want, got []string, loose bool, found int, best *int) bool {
	*best = max(*best, found)
	switch {
	case len(want) == 0:
		return len(got) == 0 || len(got) == 1 && got[0] == ""
	case strings.TrimSpace(want[0]) == "...":
		for i := range len(got) + 1 {
			if fits(want[1:], got[i:], loose, found+1, best) {
				return true
			}
		}
		return false
	}
	return len(got) > 0 && sameLine(want[0], got[0], loose) && fits(want[1:], got[1:], loose, found+1, best)
}

var (
	// measured matches what follows a number that differs from run to run. So
	// does a number after an arrow.
	measured = regexp.MustCompile(`^( of them| %|%| (polls?|switches|events|wakes|parks|rounds|times|tasks|ns|µs|ms|s|seconds|bytes while)\b)`)

	// incidental matches what differs from run to run whatever the page says:
	// ports, and the times that go test prints. The lines of tests do not.
	incidental = regexp.MustCompile(`(127\.0\.0\.1|\[::1\]):\d+|\(\d+\.\d\ds\)|\t\d+\.\d+s$|\t\(cached\)$`)

	space = regexp.MustCompile(`\s+`)
)

// sameLine compares two lines but for white space and what may differ.
func sameLine(want, got string, loose bool) bool {
	want, got = withoutIncidental(want), withoutIncidental(got)
	if !loose {
		return want == got
	}
	if number.ReplaceAllString(want, "0") != number.ReplaceAllString(got, "0") {
		return false
	}
	wants, gots := number.FindAllStringIndex(want, -1), number.FindAllStringIndex(got, -1)
	for i, w := range wants {
		a, b := want[w[0]:w[1]], got[gots[i][0]:gots[i][1]]
		x, duration := value(a)
		y, _ := value(b)
		counted := duration || measured.MatchString(want[w[1]:]) || strings.HasSuffix(want[:w[0]], "→ ")
		if a != b && !(counted && x <= y*factor && y <= x*factor) {
			return false
		}
	}
	return true
}

func withoutIncidental(line string) string {
	line = incidental.ReplaceAllString(line, " ~")
	return strings.TrimSpace(space.ReplaceAllString(line, " "))
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}
