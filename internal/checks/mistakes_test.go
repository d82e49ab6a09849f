package checks

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A test is worth what it rejects. So for every property there are mistakes,
// internal/checks/testdata/mistakes/<chapter>/<property>-<name>.diff, each of which says where
// it was seen, and which test of its chapter must reject it:
//
//	TUTORIAL_CHECK=ci go test -run TestMistakesAreRejected -v ./internal/checks

const propertiesPage = "internal/checks/PROPERTIES.md"

const properties = 46 // PROPERTIES.md lists them

// A planted mistake is a small edit to one chapter.
type planted struct {
	chapter, name string // 04-waker, 25-no-token
	property      int
	seen, test    string
	diff          fence
}

func (m planted) page() page { return page{path: filepath.Join(m.chapter, m.name+".diff")} }

func plantedMistakes(t *testing.T) []planted {
	t.Helper()
	paths, err := filepath.Glob("internal/checks/testdata/mistakes/*/*.diff")
	if err != nil || len(paths) == 0 {
		t.Fatalf("%d mistakes, %v", len(paths), err)
	}
	var all []planted
	for _, path := range paths {
		m := planted{
			chapter: filepath.Base(filepath.Dir(path)),
			name:    strings.TrimSuffix(filepath.Base(path), ".diff"),
		}
		number, _, _ := strings.Cut(m.name, "-")
		m.property, _ = strconv.Atoi(number)
		text, _ := readIfThere(t, path)
		for i, line := range lines(text) {
			if seen, ok := strings.CutPrefix(line, "# seen: "); ok {
				m.seen = seen
			} else if test, ok := strings.CutPrefix(line, "# test: "); ok {
				m.test = test
			} else {
				m.diff = fence{line: i + 1, lines: lines(text)[i:]}
				break
			}
		}
		if m.property < 1 || m.property > properties || m.seen == "" || m.test == "" {
			t.Errorf("%s: want a property in the name, 1 to %d, and lines # seen: and # test: first", path, properties)
		}
		all = append(all, m)
	}
	return all
}

// Every property has a mistake in the chapter from which on it holds, and
// every mistake can be made in the code as it is now.
func TestMistakesApply(t *testing.T) {
	t.Parallel()
	made := make(map[int][]string) // chapters, by property
	tests := allTests(t)
	for _, m := range plantedMistakes(t) {
		made[m.property] = append(made[m.property], m.chapter)
		overlay(t, m.page(), m.diff)
		numbers, there := tests[m.chapter][m.test]
		if !there {
			t.Errorf("%s: %s has no test %s", m.page().path, m.chapter, m.test)
		} else if !slices.Contains(numbers, m.property) {
			t.Errorf("%s: the comment of %s does not say // Property %d", m.page().path, m.test, m.property)
		}
	}
	for n := 1; n <= properties; n++ {
		if first := firstChapter(n); !slices.Contains(made[n], first) {
			t.Errorf("property %d: no mistake in %s, but in %q", n, first, made[n])
		}
	}
}

// firstChapter is the chapter from which on a property holds.
func firstChapter(property int) string {
	last := []int{6, 12, 20, 26, 30, properties} // of chapters 01, 02 ...
	i, _ := slices.BinarySearch(last, property)
	if property == 31 { // of the reactor; of the runtime in 06
		i = 3
	}
	return []string{"01-future-trait", "02-blocking-poll", "03-reactor", "04-waker", "05-executor", "06-full-runtime"}[i]
}

// testComment is the comment of a test, and its name.
var testComment = regexp.MustCompile(`(?m)((?:^//.*\n)*)^func ((?:Test|Fuzz)\w+)\(`)

// allTests returns, for each chapter, for each test, the properties that its
// comment names.
func allTests(t *testing.T) map[string]map[string][]int {
	t.Helper()
	all := make(map[string]map[string][]int)
	for _, chapter := range chapterFolders(t) {
		all[chapter] = make(map[string][]int)
		paths, _ := filepath.Glob(filepath.Join(chapter, "*_test.go"))
		for _, path := range paths {
			text, _ := readIfThere(t, path)
			for _, m := range testComment.FindAllStringSubmatch(text, -1) {
				all[chapter][m[2]] = propertiesOf(m[1])
			}
		}
	}
	return all
}

var (
	named    = regexp.MustCompile(`(?m)^// Propert(?:y|ies) (\d+(?:(?:, | and |, and )\d+)*)`)
	wholeNum = regexp.MustCompile(`\d+`)
)

func propertiesOf(comment string) (numbers []int) {
	m := named.FindStringSubmatch(comment)
	if m == nil {
		return nil
	}
	for _, digits := range wholeNum.FindAllString(m[1], -1) {
		n, _ := strconv.Atoi(digits)
		numbers = append(numbers, n)
	}
	return numbers
}

// failureLine is what go test says first of a failure: where and why, or
// which test hung.
var failureLine = regexp.MustCompile(`(?m)^\s*(\w+_test\.go:\d+: .*|panic: .*|fatal error: .*)$`)

func TestMistakesAreRejected(t *testing.T) {
	onlyInCI(t)
	t.Parallel()
	for _, m := range plantedMistakes(t) {
		t.Run(m.chapter+"/"+m.name, func(t *testing.T) {
			t.Parallel()
			config, foreign := overlay(t, m.page(), m.diff)
			if foreign != "" && runtime.GOOS != "linux" {
				t.Skip(foreign, " is not compiled here")
			}
			addOnlyTests(t, config, m.chapter, "^"+m.test+"$")
			checkRejected(t, m, config)
		})
	}
}

// checkRejected runs one test on one mistake, compiled as fast as the compiler can
// (-N -l; the chapters' tests are green that way), and if that lets it pass, some
// more times: there are mistakes that show only in some orders, all of which
// only TestSchedules tries. The flag of the overlay is in the environment, so
// that it is also for programs that the test builds.
func checkRejected(t *testing.T, m planted, config string) {
	t.Helper()
	const watchdog = 30 * time.Second
	flags := strings.TrimSpace(os.Getenv("GOFLAGS") + " -overlay=" + config)
	test := func(count int) result {
		return run(t, 4*watchdog, ".", []string{"GOFLAGS=" + flags, compiles}, "go", "test", "-exec=env GOGC=100", "-vet=off", "-failfast", "-ldflags=-s -w", "-gcflags=-N -l",
			fmt.Sprintf("-count=%d", count), fmt.Sprintf("-timeout=%v", watchdog), "-run=^"+m.test+"$", "./"+m.chapter)
	}
	got := test(1)
	if got.exit == 0 {
		t.Logf("%s has let it pass once", m.test)
		got = test(20)
	}
	output := got.stdout + got.stderr
	line := failureLine.FindString(output)
	switch {
	case strings.Contains(output, "[build failed]") || strings.Contains(output, "[setup failed]"):
		t.Errorf("the mistake does not build:\n%s", output)
	case got.exit == 0:
		t.Errorf("%s does not reject it (seen: %s):\n%s", m.test, m.seen, strings.Join(m.diff.lines, "\n"))
	case got.exit < 0 || line == "" || !strings.Contains(output, m.test):
		t.Errorf("exit status %d, and no line that says what failed in %s:\n%s", got.exit, m.test, output)
	default:
		t.Logf("%s: %s", m.test, strings.TrimSpace(line))
	}
}

// In PROPERTIES.md, a row of the table of properties names the property, the
// chapter from which on it holds, in each chapter a test, and the code that
// keeps it. To make it new: TUTORIAL_WRITE=1 go test -run TestPropertiesTable ./internal/checks
func TestPropertiesTable(t *testing.T) {
	t.Parallel()
	text, _ := readIfThere(t, propertiesPage)
	rows := propertyRow.FindAllStringSubmatchIndex(text, -1)
	if len(rows) != properties {
		t.Fatalf("PROPERTIES.md has %d rows of properties, want %d", len(rows), properties)
	}
	var written strings.Builder
	made, all := plantedMistakes(t), allTests(t)
	end := 0
	for i, row := range rows {
		cell := func(group int) string { return text[row[2*group]:row[2*group+1]] }
		if n, _ := strconv.Atoi(cell(1)); n != i+1 {
			t.Errorf("PROPERTIES.md: row %d is of property %d", i+1, n)
		}
		if first := firstChapter(i + 1); cell(2) != first[:2] {
			t.Errorf("PROPERTIES.md: property %d holds from %s on, not %s", i+1, first[:2], cell(2))
		}
		tests := testsCell(t, i+1, made, all)
		if cell(3) != tests && os.Getenv("TUTORIAL_WRITE") == "" {
			t.Errorf("PROPERTIES.md: the tests of property %d are:\n\t%s\nnot:\n\t%s", i+1, tests, cell(3))
		}
		checkKept(t, i+1, cell(4))
		written.WriteString(text[end:row[6]] + tests)
		end = row[7]
	}
	if os.Getenv("TUTORIAL_WRITE") != "" {
		writeFile(t, propertiesPage, written.String()+text[end:])
	}
}

var (
	// | 25. Words. | 04 | tests | code |
	propertyRow = regexp.MustCompile(`(?m)^\| (\d+)\. .* \| (\d\d) \| (.*) \| (.*) \|$`)
	kept        = regexp.MustCompile("^`(\\w+\\.go): (.+)` \\((\\d\\d)\\)$")
)

// testsCell names, for each chapter from the first on, one test: the one that
// rejects a mistake, or else the first by name. "02–05 TestA" stands for the
// same test in each of them.
func testsCell(t *testing.T, property int, made []planted, all map[string]map[string][]int) string {
	t.Helper()
	rejects := make(map[string]bool)
	for _, m := range made {
		if m.property == property {
			rejects[m.test] = true
		}
	}
	type span struct{ from, to, test string }
	var spans []span
	for _, chapter := range chapterFolders(t) {
		if chapter < firstChapter(property) {
			continue
		}
		var tests []string
		for test, numbers := range all[chapter] {
			if slices.Contains(numbers, property) {
				tests = append(tests, test)
			}
		}
		if len(tests) == 0 {
			t.Errorf("no test in %s has a comment // Property %d", chapter, property)
			continue
		}
		test := slices.MinFunc(tests, func(a, b string) int {
			if rejects[a] != rejects[b] {
				return map[bool]int{true: -1, false: 1}[rejects[a]]
			}
			return strings.Compare(a, b)
		})
		if last := len(spans) - 1; last >= 0 && spans[last].test == test {
			spans[last].to = chapter[:2]
			continue
		}
		spans = append(spans, span{chapter[:2], chapter[:2], test})
	}
	var cells []string
	for _, s := range spans {
		chapters := s.from
		if s.to != s.from {
			chapters += "–" + s.to
		}
		cells = append(cells, chapters+" `"+s.test+"`")
	}
	return strings.Join(cells, ", ")
}

// checkKept looks for the code that keeps a property: `file.go: code` (chapter).
func checkKept(t *testing.T, property int, cell string) {
	t.Helper()
	m := kept.FindStringSubmatch(cell)
	if m == nil {
		t.Errorf("PROPERTIES.md: property %d: %q is not of the form `file.go: code` (chapter)", property, cell)
		return
	}
	folders := make(map[string]string)
	for _, folder := range chapterFolders(t) {
		folders[folder[:2]] = folder
	}
	if folders[m[3]] == "" {
		t.Errorf("PROPERTIES.md: property %d: there's no chapter %s", property, m[3])
		return
	}
	path := filepath.Join(folders[m[3]], m[1])
	code, _ := readIfThere(t, path)
	if !strings.Contains(code, strings.ReplaceAll(m[2], `\|`, `|`)) {
		t.Errorf("PROPERTIES.md: property %d: %q isn't in %s", property, m[2], path)
	}
}
