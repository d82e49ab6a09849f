package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Under "Break it" a page shows mistakes: a diff, and in the next fence the
// commands that show what comes of it.

// A box is one of them.
type box struct {
	page     string // the path of the page
	title    string // the bold sentence above the diff
	file     string // the path of the file named last above the diff
	diff     []string
	commands []string
}

const breakLimit = 30 * time.Second // for a program; chapter tests notice a hang after ten

// breakIt is: break, break 04, break 04 2, break timers 1, break 06 timers 1.
func breakIt(_ *collection, args []string) error {
	pages, err := boxPages()
	if err != nil {
		return err
	}
	if len(args) == 0 {
		for _, page := range pages {
			if err := listBoxes(page); err != nil {
				return err
			}
		}
		return nil
	}
	n := 0
	if last := args[len(args)-1]; len(args) > 1 {
		if number, err := strconv.Atoi(last); err == nil {
			n, args = number, args[:len(args)-1]
		} else if len(args) == 3 {
			return misuse{fmt.Errorf("%q isn't the number of a box", last)}
		}
	}
	page, err := boxPage(pages, strings.Join(args, "/"))
	if err != nil {
		return err
	}
	if n == 0 {
		return listBoxes(page)
	}
	boxes, err := readBoxes(page)
	if err != nil {
		return err
	}
	if n < 1 || n > len(boxes) {
		return misuse{fmt.Errorf("%s has boxes 1 to %d, so there's no box %d", filepath.ToSlash(page), len(boxes), n)}
	}
	return boxes[n-1].show(n)
}

// boxPages are the chapters' pages that have boxes.
func boxPages() (pages []string, err error) {
	all, err := filepath.Glob(filepath.Join("[0-9][0-9]-*", "*.md"))
	for _, page := range all {
		text, err := os.ReadFile(page)
		if err != nil {
			return nil, err
		}
		if bytes.Contains(text, []byte("```diff")) {
			pages = append(pages, page)
		}
	}
	return pages, err
}

// shortPage is 04 for 04-waker/README.md, and timers for 06-full-runtime/2-timers.md.
func shortPage(page string) string {
	if name := strings.TrimSuffix(filepath.Base(page), ".md"); name != "README" {
		return strings.TrimLeft(name, "0123456789-")
	}
	number, _, _ := strings.Cut(filepath.ToSlash(page), "-")
	return number
}

// boxPage finds a page by 04, 4, 04-waker, timers, 2-timers, 06/timers or its path.
func boxPage(pages []string, name string) (string, error) {
	clean := strings.TrimSuffix(filepath.ToSlash(filepath.Clean(name)), ".md")
	clean = strings.ToLower(strings.TrimSuffix(clean, "/README"))
	var names []string
	for _, page := range pages {
		short := shortPage(page)
		number, _, _ := strings.Cut(filepath.ToSlash(page), "-")
		chapter := filepath.Dir(page)
		ways := []string{number + "/" + short}
		for _, way := range []string{strings.TrimSuffix(filepath.Base(page), ".md"), short} {
			ways = append(ways, way, filepath.ToSlash(chapter)+"/"+way)
		}
		if short == number {
			ways = []string{number, strings.TrimPrefix(number, "0"), chapter}
		}
		if slices.Contains(ways, clean) || slices.Contains(ways, "0"+clean) {
			return page, nil
		}
		names = append(names, short)
	}
	return "", misuse{fmt.Errorf("there's no page %q with boxes to break.%s\nThere are: %s", name, didYouMean(names, name), strings.Join(names, ", "))}
}

func listBoxes(page string) error {
	boxes, err := readBoxes(page)
	if err != nil {
		return err
	}
	fmt.Println(color("1", filepath.ToSlash(page)))
	for i, b := range boxes {
		fmt.Printf("  break %s %d   %s\n", shortPage(page), i+1, b.title)
	}
	return nil
}

var (
	bold   = regexp.MustCompile(`\*\*(.+?)\*\*`)
	goFile = regexp.MustCompile(`[\w./-]+\.go\b`)
)

// readBoxes finds each diff fence of a page, the paragraph above it, and the
// commands of the console fence that comes next.
func readBoxes(page string) (all []box, err error) {
	text, err := os.ReadFile(page)
	if err != nil {
		return nil, err
	}
	language, before := "", "" // of the fence we're in, and of the one before
	inside := false
	paragraph, above, ended := "", "", false
	for line := range strings.Lines(string(unixLines(text))) {
		line = strings.TrimSuffix(line, "\n")
		trimmed := strings.TrimSpace(line)
		switch mark, isFence := strings.CutPrefix(trimmed, "```"); {
		case isFence && inside:
			inside = false
		case isFence:
			inside, before, language = true, language, mark
			if language == "diff" {
				all = append(all, newBox(page, paragraph, above))
			}
		case inside && language == "diff":
			all[len(all)-1].diff = append(all[len(all)-1].diff, line)
		case inside && language == "console" && before == "diff":
			if command, found := strings.CutPrefix(trimmed, "$ "); found {
				command, _, _ = strings.Cut(command, " #")
				all[len(all)-1].commands = append(all[len(all)-1].commands, strings.TrimSpace(command))
			}
		case !inside && trimmed == "":
			ended = true
		case !inside:
			if ended {
				paragraph, ended = "", false
			}
			paragraph += " " + trimmed
			above = trimmed
		}
	}
	return all, nil
}

func newBox(page, paragraph, above string) box {
	b := box{page: page, title: "A mistake"}
	if m := bold.FindStringSubmatch(paragraph); m != nil {
		b.title = strings.TrimSuffix(m[1], ".")
	}
	if names := goFile.FindAllString(above, -1); names != nil {
		b.file = filepath.Join(filepath.Dir(page), filepath.FromSlash(names[len(names)-1]))
	}
	return b
}

// show copies the chapter, makes the mistake in the copy, and runs the commands
// there.
func (b box) show(n int) error {
	files, err := b.apply()
	if err != nil {
		return err
	}
	copied, err := os.MkdirTemp("", "break-it-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(copied)
	if real, err := filepath.EvalSymlinks(copied); err == nil {
		copied = real // as traces have it
	}
	if err := copyChapter(filepath.Dir(b.page), copied); err != nil {
		return err
	}
	for path, text := range files {
		if err := os.WriteFile(filepath.Join(copied, path), []byte(text), 0o666); err != nil {
			return err
		}
	}
	fmt.Printf("%s, box %d: %s.\n", filepath.ToSlash(b.page), n, color("1", b.title))
	fmt.Printf("\nThis change, in a copy, so that your files stay as they are:\n\n")
	if b.file != "" {
		fmt.Printf("  %s\n", filepath.ToSlash(b.file))
	}
	for _, line := range b.diff {
		fmt.Println("  " + colorDiff(line))
	}
	for _, command := range b.commands {
		fmt.Printf("\n$ %s\n", command)
		if err := runCommand(copied, command); err != nil {
			return err
		}
	}
	fmt.Printf("\nWhat that means: %s, under \"Break it\".\n", filepath.ToSlash(b.page))
	return nil
}

func colorDiff(line string) string {
	switch {
	case strings.HasPrefix(line, "-"):
		return color("31", line)
	case strings.HasPrefix(line, "+"):
		return color("32", line)
	}
	return line
}

// apply returns the changed files by path.
func (b box) apply() (map[string]string, error) {
	edited := make(map[string][]string)
	path := b.file
	var old, new []string
	apply := func() error {
		if len(old) == 0 && len(new) == 0 {
			return nil
		}
		if _, known := edited[path]; !known {
			text, err := os.ReadFile(path)
			if err != nil {
				return fmt.Errorf("%s doesn't say which file to change (%v)", b.page, err)
			}
			edited[path] = strings.Split(string(unixLines(text)), "\n")
		}
		text := edited[path]
		i := findLines(text, old)
		if i < 0 || findLines(text[i+1:], old) >= 0 {
			return fmt.Errorf("the lines to change must stand in %[1]s exactly once, and they don't:\n%[2]s\nHave you edited the file? See: git diff %[1]s",
				filepath.ToSlash(path), strings.Join(old, "\n"))
		}
		edited[path] = slices.Concat(text[:i], new, text[i+len(old):])
		old, new = nil, nil
		return nil
	}
	for _, line := range append(b.diff, "@@") {
		var err error
		switch {
		case strings.HasPrefix(line, "+++ "):
			path = filepath.Join(filepath.Dir(b.page), filepath.Base(line[4:]))
		case strings.HasPrefix(line, "@@"), strings.HasPrefix(line, "--- "):
			err = apply()
		case strings.HasPrefix(line, "-"):
			old = append(old, line[1:])
		case strings.HasPrefix(line, "+"):
			new = append(new, line[1:])
		default: // an empty line may have lost its space
			line = strings.TrimPrefix(line, " ")
			old, new = append(old, line), append(new, line)
		}
		if err != nil {
			return nil, err
		}
	}
	texts := make(map[string]string)
	for path, text := range edited {
		if os, elsewhere := otherSystem(path); elsewhere {
			return nil, fmt.Errorf("this box changes %s, which is only compiled on %s", filepath.ToSlash(path), os)
		}
		texts[path] = strings.Join(text, "\n")
	}
	return texts, nil
}

// otherSystem says for which system a file is, if it isn't for this one.
func otherSystem(path string) (name string, elsewhere bool) {
	switch {
	case strings.HasSuffix(path, "_linux.go"):
		return "Linux", runtime.GOOS != "linux"
	case strings.HasSuffix(path, "_bsd.go"):
		return "macOS and the BSDs", runtime.GOOS == "linux" || runtime.GOOS == "windows"
	}
	return "", false
}

// findLines returns where part begins in all, whatever the tabs in front, or -1.
func findLines(all, part []string) int {
	same := func(a, b string) bool { return strings.TrimLeft(a, "\t") == strings.TrimLeft(b, "\t") }
	for i := range len(all) - len(part) + 1 {
		if len(part) > 0 && slices.EqualFunc(all[i:i+len(part)], part, same) {
			return i
		}
	}
	return -1
}

// copyChapter copies what a chapter needs: itself, and go.mod.
func copyChapter(chapter, to string) error {
	for _, root := range []string{"go.mod", "go.sum", chapter} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			target := filepath.Join(to, path)
			switch {
			case err != nil:
				return err
			case d.IsDir():
				return os.MkdirAll(target, 0o777)
			case !d.Type().IsRegular():
				return nil
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return os.WriteFile(target, text, 0o666)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// runCommand runs a go command in dir, and prints what it says, or some of it.
// A failure isn't an error: it's what the box is for.
func runCommand(dir, command string) error {
	words := strings.Fields(command)
	env := environment()
	for len(words) > 0 && strings.Contains(words[0], "=") {
		env, words = append(env, words[0]), words[1:]
	}
	if len(words) < 2 || words[0] != "go" {
		return fmt.Errorf("only go commands can be run here, and this is %q", command)
	}
	if words[1] == "run" || words[1] == "test" {
		flag, err := guarded(breakLimit)
		if err != nil {
			return err
		}
		words = slices.Insert(words, 2, flag)
	}
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Dir, cmd.Env = dir, env
	out := &shortened{first: noticeBuild(), dir: dir + string(filepath.Separator)}
	cmd.Stdout, cmd.Stderr = out, out
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	out.end()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) && !errors.Is(err, exec.ErrWaitDelay) {
		return err
	}
	return nil
}

// shortened prints the first lines that are written to it, and in the end the
// last ones: some failures come at once, others after all the rest.
type shortened struct {
	first func() // called when something is written
	dir   string // left out of paths
	mu    sync.Mutex
	line  []byte // that isn't complete yet
	n     int    // lines so far
	last  []string
}

const firstLines, lastLines = 12, 28

var _ io.Writer = (*shortened)(nil)

func (s *shortened) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.first()
	for line := range bytes.Lines(p) {
		if len(s.line) < lineLength {
			s.line = append(s.line, line...)
		}
		if line[len(line)-1] == '\n' {
			s.add()
		}
	}
	return len(p), nil
}

func (s *shortened) add() {
	line := strings.ReplaceAll(strings.TrimRight(string(s.line), "\r\n"), s.dir, "")
	s.line = s.line[:0]
	if len(line) > lineLength {
		line = strings.ToValidUTF8(line[:lineLength], "") + cut
	}
	if s.n++; s.n <= firstLines {
		fmt.Println(line)
		return
	}
	if s.last = append(s.last, line); len(s.last) > lastLines {
		s.last = s.last[1:]
	}
}

func (s *shortened) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.first()
	if len(s.line) > 0 {
		s.add()
	}
	if more := s.n - firstLines - len(s.last); more > 0 {
		fmt.Printf("… %d lines left out …\n", more)
	}
	for _, line := range s.last {
		fmt.Println(line)
	}
}
