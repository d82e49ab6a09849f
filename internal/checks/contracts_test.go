package checks

import (
	"fmt"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Each sentence of an exercise's contract is numbered, and held by a test. The
// file contract.txt beside the solution says by which:
//
//	3 TestOrder wrong-first-come
//
// means that sentence 3 is what TestOrder is for, and that the wrong answer
// first-come breaks this sentence and makes that test fail. A sentence may have
// several lines. TestExerciseVersions looks whether the tests do fail.

// A clause is a line of contract.txt.
type clause struct {
	number      int
	test, wrong string
}

func readContract(t *testing.T, e exercise) (clauses []clause) {
	t.Helper()
	path := filepath.Join(e.folder(), "contract.txt")
	text, there := readIfThere(t, path)
	if !there {
		t.Errorf("there's no %s: it ties each sentence of the contract to a test and a wrong answer", path)
	}
	for i, line := range lines(text) {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		var c clause
		if n, err := fmt.Sscanf(line+" .", "%d %s %s .", &c.number, &c.test, &c.wrong); n != 3 || err != nil {
			t.Errorf("%s:%d: %q isn't a number, a test and a wrong answer, such as: 3 TestOrder wrong-first-come", path, i+1, line)
			continue
		}
		clauses = append(clauses, c)
	}
	return clauses
}

var (
	numberedItem = regexp.MustCompile(`^(\d+)\. `)
	bulletItem   = regexp.MustCompile(`^[-*] `)
)

// contractNumbers returns the numbers in the list under "The contract".
func contractNumbers(t *testing.T, e exercise) (numbers []int) {
	t.Helper()
	for _, line := range e.page.section("The contract") {
		if m := numberedItem.FindStringSubmatch(line); m != nil {
			n, _ := strconv.Atoi(m[1])
			numbers = append(numbers, n)
			if n != len(numbers) {
				t.Errorf("%s: sentence %d of the contract has the number %d: number all of them from 1, also across two lists", e.page.path, len(numbers), n)
			}
		} else if bulletItem.MatchString(line) {
			t.Errorf("%s: %q is part of the contract and has no number", e.page.path, line)
		}
	}
	return numbers
}

func TestExerciseContracts(t *testing.T) {
	t.Parallel()
	for _, e := range exercises(t) {
		numbers, path := contractNumbers(t, e), filepath.Join(e.folder(), "contract.txt")
		if len(numbers) == 0 {
			t.Errorf("%s: the contract isn't a numbered list", e.page.path)
		}
		tests := testFunctions(t, e)
		held, used := make(map[int]bool), make(map[string]bool)
		for _, c := range readContract(t, e) {
			if !slices.Contains(numbers, c.number) {
				t.Errorf("%s: the contract on %s has no sentence %d", path, e.page.path, c.number)
			}
			if !tests[c.test] {
				t.Errorf("%s: there's no test %s in %s", path, c.test, e.dir())
			}
			if !slices.Contains(e.wrong(), c.wrong) {
				t.Errorf("%s: there's no wrong answer %s beside it", path, c.wrong)
			}
			held[c.number], used[c.wrong] = true, true
		}
		for _, n := range numbers {
			if !held[n] {
				t.Errorf("%s: nothing holds sentence %d of the contract: give it a line with a test and a wrong answer", path, n)
			}
		}
		for _, wrong := range e.wrong() {
			if !used[wrong] {
				t.Errorf("%s: the wrong answer %s breaks no sentence: give it a line", path, wrong)
			}
		}
	}
}

// testFunctions are the names of the tests that hold an exercise's contract.
func testFunctions(t *testing.T, e exercise) map[string]bool {
	t.Helper()
	names, fset := make(map[string]bool), token.NewFileSet()
	paths, _ := filepath.Glob(e.dir() + "/*_test.go")
	for _, path := range paths {
		if path == e.edited {
			continue
		}
		for name := range declared(parseGo(t, fset, path)) {
			names[name] = names[name] || strings.HasPrefix(name, "Test")
		}
	}
	return names
}

// checkListed wants each test to fail that contract.txt names for a wrong answer.
func checkListed(t *testing.T, e exercise, version, output string) {
	t.Helper()
	for _, c := range readContract(t, e) {
		if c.wrong == version && !strings.Contains(output, "--- FAIL: "+c.test+" ") {
			t.Errorf("with %s the test %s doesn't fail, and contract.txt says that it holds sentence %d:\n%s", e.file(version), c.test, c.number, output)
		}
	}
}
