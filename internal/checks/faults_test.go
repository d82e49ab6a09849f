package checks

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// In PROPERTIES.md, a row of the table of faults names the chapters that have
// to survive it, and for each of them a test, perhaps with what picks its cases:
// | A reset. | 02–06 | 02–05 `TestA/reset`, 06 `TestB` |
var (
	faultRow  = regexp.MustCompile(`(?m)^\| (.+) \| (\d\d(?:–\d\d)?) \| ([^|]+) \|$`)
	faultTest = regexp.MustCompile("^(\\d\\d(?:–\\d\\d)?) `(Test\\w+)(?:/(\\S+))?`$")
)

const faults, ourFaults = 60, 27 // PROPERTIES.md lists them

func TestFaultsTable(t *testing.T) {
	t.Parallel()
	text, _ := readIfThere(t, propertiesPage)
	_, table, _ := strings.Cut(text, "\n## Faults\n")
	table, _, _ = strings.Cut(table, "\n## ")
	rows := faultRow.FindAllStringSubmatch(table, -1)
	if len(rows) != faults {
		t.Errorf("PROPERTIES.md has %d faults, want %d", len(rows), faults)
	}
	ours := 0
	for _, row := range rows {
		if number, _, _ := strings.Cut(row[1], ". "); number == strconv.Itoa(ours+1) {
			ours++
		}
		tested := make(map[string]bool)
		for _, cell := range strings.Split(row[3], ", ") {
			m := faultTest.FindStringSubmatch(cell)
			if m == nil {
				t.Errorf("%s %q is not of the form: 02–06 `Test/case`", row[1], cell)
				continue
			}
			for _, chapter := range chaptersOf(t, m[1]) {
				tested[chapter] = true
				checkFaultTest(t, row[1], chapter, m[2], m[3])
			}
		}
		for _, chapter := range chaptersOf(t, row[2]) {
			if !tested[chapter] {
				t.Errorf("%s: there's no test in %s", row[1], chapter)
			}
		}
	}
	if ours != ourFaults {
		t.Errorf("PROPERTIES.md has %d faults that we had, in their order, want %d", ours, ourFaults)
	}
}

// chaptersOf makes folders of 02–06.
func chaptersOf(t *testing.T, span string) (folders []string) {
	t.Helper()
	from, to, found := strings.Cut(span, "–")
	if !found {
		to = from
	}
	for _, folder := range chapterFolders(t) {
		if from <= folder[:2] && folder[:2] <= to {
			folders = append(folders, folder)
		}
	}
	return folders
}

var (
	// What fails a test that leaves something behind. It looks at the test's own
	// process, or starts one that says itself what it has left.
	looksForLeaks = regexp.MustCompile(`\b(noLeaks|openRuntime|otherSystems|inBubble|startServer|startEcho|startProcess|startCommand|startProcess|inOwnProcess|inLimit|traced|getTraced)\(`)
	caseName      = regexp.MustCompile(`(?m)^\t+(?:\{(?:name: )?|name: )"([^"]+)"`)
)

// checkFaultTest looks for a test and, if there is a pattern, for a case of it.
func checkFaultTest(t *testing.T, fault, chapter, test, pattern string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(chapter, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	outside, err := filepath.Glob("internal/checks/*_test.go") // tests of the built program
	if err != nil {
		t.Fatal(err)
	}
	added, _ := filepath.Glob("internal/checks/testdata/*/*_test.go") // tests with the inside of a copy
	paths = slices.Concat(paths, outside, added)
	body := regexp.MustCompile(`(?ms)^func ` + test + `\(.*?^}`)
	for _, path := range paths {
		code, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		found := body.Find(code)
		if found == nil {
			continue
		}
		if !looksForLeaks.Match(found) {
			t.Errorf("%s: %s does not look for what it leaves behind", path, test)
		}
		matches := func(m [][]byte) bool {
			return regexp.MustCompile(pattern).MatchString(strings.ReplaceAll(string(m[1]), " ", "_"))
		}
		if pattern != "" && !slices.ContainsFunc(caseName.FindAllSubmatch(code, -1), matches) {
			t.Errorf("%s: %s has no case %s", path, test, pattern)
		}
		return
	}
	t.Errorf("%s: there's no %s in %s", fault, test, chapter)
}
