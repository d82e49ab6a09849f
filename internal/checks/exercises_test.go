package checks

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The exercises are tested as the chapters are: each solution passes, each file
// as it is handed out fails, and each known wrong answer fails with a sentence
// that helps. They take the place of the edited file by way of the overlay of
// the go command, so that whatever a learner has written there does not matter.
//
//	go test -run 'TestExercise.*' ./internal/checks                      # solutions, pages
//	TUTORIAL_CHECK=all go test -run 'TestExercise.*' ./internal/checks   # all of them
//	EXERCISE_FLAGS='-race -count=20' go test -run TestExerciseSolutions .
//
// EXERCISE_FLAGS are flags for the go test that runs them; EXERCISE is part of
// the names of those to try, such as 03-reactor.

const exercisesPath = "github.com/async-go-tutorial/async-runtime/exercises/"

type exercise struct {
	name   string   // such as 03-reactor/drain
	edited string   // the path of the file that the learner edits
	kept   []string // the names of the versions in testdata, without .go
	page   page
}

func (e exercise) dir() string             { return filepath.Join("exercises", e.name) }
func (e exercise) chapter() string         { return filepath.Dir(e.name) }
func (e exercise) file(kept string) string { return e.folder() + "/" + kept + e.ext() }
func (e exercise) ext() string             { return filepath.Ext(e.edited) } // .go, or .txt of a prediction
func (e exercise) folder() string          { return filepath.Join("exercises", "testdata", e.name) }

// wrong are the names of the wrong answers.
func (e exercise) wrong() []string {
	return slices.DeleteFunc(slices.Clone(e.kept), func(kept string) bool { return !strings.HasPrefix(kept, "wrong-") })
}

// The page says which file is edited: Edit [drain.go](drain.go).
var (
	editedLink = regexp.MustCompile(`(?m)^Edit \[[^\]]*\]\(([\w.-]+)\)`)
	goFileLink = regexp.MustCompile(`\]\((\w+\.go)\)`)
)

// exercises finds them all, and reads every file that the go command reads for
// them: it takes what a test has opened to tell whether its result is stale.
func exercises(t *testing.T) []exercise {
	t.Helper()
	for _, root := range append([]string{"exercises"}, chapterFolders(t)...) {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				_, err = os.ReadFile(path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	folders := make(map[string]bool)
	for _, pattern := range []string{"exercises", "exercises/testdata"} {
		paths, _ := filepath.Glob(pattern + "/[0-9][0-9]-*/*")
		for _, path := range paths {
			folders[strings.TrimPrefix(path, pattern+"/")] = true
		}
	}
	var all []exercise
	for _, name := range slices.Sorted(maps.Keys(folders)) {
		if !strings.Contains(name, os.Getenv("EXERCISE")) {
			continue
		}
		if e, err := readExercise(t, name); err != nil {
			t.Errorf("exercise %s is not complete: %v", name, err)
		} else {
			all = append(all, e)
		}
	}
	if len(all) == 0 {
		t.Fatalf("there's no exercise %s", os.Getenv("EXERCISE"))
	}
	return all
}

func readExercise(t *testing.T, name string) (exercise, error) {
	t.Helper()
	e := exercise{name: name}
	path := filepath.Join(e.dir(), "README.md")
	text, _ := readIfThere(t, path)
	m := editedLink.FindStringSubmatch(text)
	if m == nil {
		m = goFileLink.FindStringSubmatch(text)
	}
	if m == nil {
		return e, fmt.Errorf("%s must be there and link to the file that is edited: Edit [drain.go](drain.go)", path)
	}
	e.edited, e.page = filepath.Join(e.dir(), m[1]), parsePage(path, lines(text))
	files, _ := filepath.Glob(filepath.Join(e.folder(), "*"+e.ext()))
	for _, file := range files {
		if name := strings.TrimSuffix(filepath.Base(file), e.ext()); name != "contract" {
			e.kept = append(e.kept, name)
		}
	}
	if !slices.Contains(e.kept, "stub") || !slices.Contains(e.kept, "solution") || len(e.wrong()) < 2 {
		return e, fmt.Errorf("%s has %q: it needs a stub, a solution, and wrong answers, two at least", e.folder(), e.kept)
	}
	return e, nil
}

func chapterFolders(t *testing.T) []string {
	t.Helper()
	folders, err := filepath.Glob("[0-9][0-9]-*")
	if err != nil {
		t.Fatal(err)
	}
	return folders
}

// An outcome is what go test says of one package.
type outcome struct {
	passed bool
	output string
}

// tryExercises runs the tests of exercises in one go command, each with one of
// its kept versions in the place of the edited file.
func tryExercises(t *testing.T, versions map[string]string, all []exercise) map[string]outcome {
	t.Helper()
	replace, args := make(map[string]string), []string{"test", "-json", "-timeout=5m", "-vet=off", "-ldflags=-s -w"}
	args = append(args, strings.Fields(os.Getenv("EXERCISE_FLAGS"))...)
	overlay := filepath.Join(t.TempDir(), "overlay.json")
	args = append(args, "-overlay="+overlay)
	for _, e := range all {
		edited, err := filepath.Abs(e.edited)
		if err != nil {
			t.Fatal(err)
		}
		kept, _ := filepath.Abs(e.file(versions[e.name]))
		replace[edited] = kept
		args = append(args, "./"+e.dir())
	}
	config, _ := json.Marshal(map[string]any{"Replace": replace})
	writeFile(t, overlay, string(config))
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), compiles)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, _ := cmd.Output()
	got := outcomes(stdout)
	for _, e := range all {
		if _, tried := got[e.name]; !tried {
			t.Fatalf("go %s says nothing of %s:\n%s%s", strings.Join(args, " "), e.name, stderr.Bytes(), stdout)
		}
	}
	return got
}

// outcomes reads what go test -json has written.
func outcomes(stdout []byte) map[string]outcome {
	got := make(map[string]outcome)
	for _, line := range bytes.Split(stdout, []byte("\n")) {
		var event struct{ Action, Package, ImportPath, Test, Output string }
		if json.Unmarshal(line, &event) != nil {
			continue
		}
		path, _, _ := strings.Cut(event.Package+event.ImportPath, " ")
		name := strings.TrimPrefix(path, exercisesPath)
		o := got[name]
		o.output += event.Output
		o.passed = o.passed || event.Action == "pass" && event.Test == ""
		got[name] = o
	}
	return got
}

// each gives every exercise the same version.
func each(all []exercise, version string) map[string]string {
	versions := make(map[string]string)
	for _, e := range all {
		versions[e.name] = version
	}
	return versions
}

func onlyIfAll(t *testing.T) {
	t.Helper()
	if check := os.Getenv("TUTORIAL_CHECK"); check != "all" && check != "ci" {
		t.Skip("only with TUTORIAL_CHECK=all")
	}
}

// onlyInCI is for what takes more than a minute.
func onlyInCI(t *testing.T) {
	t.Helper()
	if os.Getenv("TUTORIAL_CHECK") != "ci" {
		t.Skip("only with TUTORIAL_CHECK=ci")
	}
}

func TestExerciseSolutions(t *testing.T) {
	t.Parallel()
	all := exercises(t)
	got := tryExercises(t, each(all, "solution"), all)
	for _, e := range all {
		if !got[e.name].passed {
			t.Errorf("%s does not pass:\n%s", e.file("solution"), got[e.name].output)
		}
	}
}

// findsBug reports whether the stub is a program that works, more or less.
func findsBug(e exercise) bool {
	title := e.page.prose[0]
	return strings.Contains(title, "Find the bug") || strings.HasPrefix(title, "# Tune")
}

// Nothing depends on which other exercises are solved, because none imports another,
// and its tests read no other's files.
func TestExerciseDependsOnNoOther(t *testing.T) {
	t.Parallel()
	other := regexp.MustCompile(regexp.QuoteMeta(exercisesPath) + `\d\d-|"[^"]*\.\./[^"]*"`)
	for _, e := range exercises(t) {
		paths, _ := filepath.Glob(e.dir() + "/*.go")
		kept, _ := filepath.Glob(e.folder() + "/*.go")
		if len(paths) == 0 {
			t.Fatalf("%s has no Go files", e.dir())
		}
		for _, path := range append(paths, kept...) {
			text, _ := readIfThere(t, path)
			if found := other.FindString(text); found != "" {
				t.Errorf("%s depends on another exercise: %s", path, found)
			}
		}
	}
}

// Each exercise as it is handed out fails, and says what its page says. Its solution
// passes, and each wrong answer fails with its sentence. In CI a wrong answer is tried
// with the tests that contract.txt lists for it, and with all of them only if those
// don't say what they should. By hand, all run.
func TestExerciseVersions(t *testing.T) {
	onlyIfAll(t)
	for _, e := range exercises(t) {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			listed := make(map[string][]string)
			for _, c := range readContract(t, e) {
				if os.Getenv("CI") == "true" && !slices.Contains(listed[c.wrong], c.test) {
					listed[c.wrong] = append(listed[c.wrong], c.test)
				}
			}
			outcomes := tryVersions(t, e, e.kept, listed, func(version string, o outcome) bool {
				return wanted(t, e, version).MatchString(o.output)
			})
			for i, o := range outcomes {
				switch version := e.kept[i]; version {
				case "solution":
					if !o.passed {
						t.Errorf("%s does not pass:\n%s", e.file(version), o.output)
					}
				case "stub":
					checkFailure(t, e, version, o)
					if !findsBug(e) && !strings.Contains(o.output, "not started") {
						t.Errorf("%s does not say \"not started\":\n%s", e.file(version), o.output)
					}
					checkShown(t, e, o.output)
				default:
					checkFailure(t, e, version, o)
					checkWanted(t, e, version, o.output)
					checkListed(t, e, version, o.output)
				}
			}
		})
	}
}

// checkFailure wants a failure in sentences, in every run.
func checkFailure(t *testing.T, e exercise, version string, o outcome) {
	t.Helper()
	if o.passed {
		t.Errorf("%s passes", e.file(version))
		return
	}
	for _, noise := range []string{"[build failed]", "goroutine ", "panic: "} {
		if strings.Contains(o.output, noise) {
			t.Errorf("with %s there is %q in what the learner sees:\n%s", e.file(version), noise, o.output)
		}
	}
	failures, most := make(map[string]int), 0
	for _, m := range regexp.MustCompile(`(?m)^--- FAIL: (\w+) `).FindAllStringSubmatch(o.output, -1) {
		failures[m[1]]++
		most = max(most, failures[m[1]])
	}
	want := 1
	if m := regexp.MustCompile(`-count=(\d+)`).FindStringSubmatch(os.Getenv("EXERCISE_FLAGS")); m != nil {
		fmt.Sscan(m[1], &want)
	}
	if most < want {
		t.Errorf("with %s no test failed in all of %d runs: %v\n%s", e.file(version), want, failures, o.output)
	}
}

func checkWanted(t *testing.T, e exercise, version, output string) {
	t.Helper()
	if re := wanted(t, e, version); !re.MatchString(output) {
		t.Errorf("with %s nothing matches %q in:\n%s", e.file(version), re, output)
	}
}

// wanted is what the tests have to say to a wrong answer.
func wanted(t *testing.T, e exercise, version string) *regexp.Regexp {
	t.Helper()
	text, _ := readIfThere(t, e.file(version))
	comment := map[string]string{".go": "//", ".txt": "#"}[e.ext()]
	want, found := strings.CutPrefix(lines(text)[0], comment+" want: ")
	re, err := regexp.Compile(want)
	if !found || err != nil {
		t.Errorf("the first line of %s must be %s want: REGEXP (%v)", e.file(version), comment, err)
		return regexp.MustCompile("$^")
	}
	return re
}

// checkShown compares what the page shows with what the stub's tests say.
func checkShown(t *testing.T, e exercise, output string) {
	t.Helper()
	for _, f := range e.page.fences {
		if f.language != "console" {
			continue
		}
		for _, s := range f.steps() {
			checkOutput(t, e.page, step{s.command, s.varies, s.line, amongOthers(inOrder(s.want))}, string(inOrderText(output)))
		}
	}
}

// go test -json has a test's output before its verdict, go test after it: so
// the two are compared without the verdicts.
var verdict = regexp.MustCompile(`(?m)^\s*(--- FAIL: .*|=== .*|FAIL.*|ok .*)\n`)

func inOrderText(output string) string { return verdict.ReplaceAllString(output, "") }

func inOrder(shown []string) []string {
	text := strings.TrimSuffix(inOrderText(strings.Join(shown, "\n")+"\n"), "\n")
	return lines(text)
}

// ownCI reports whether this is our own CI, where no learner has changed any files.
func ownCI() bool {
	const own = "async-go-tutorial/async-runtime"
	return os.Getenv("CI") == "true" && cmp.Or(os.Getenv("GITHUB_REPOSITORY"), own) == own
}

func TestExerciseFilesAreCopies(t *testing.T) {
	t.Parallel()
	all := exercises(t)
	if !ownCI() {
		t.Skip("only with CI=true: a learner may write into the files")
	}
	for _, e := range all {
		sameFile(t, e.file("stub"), e.edited)
		if strings.Contains(strings.Join(e.page.prose, " "), "the chapter's own file") {
			sameFile(t, filepath.Join(e.chapter(), filepath.Base(e.edited)), e.file("solution"))
		}
		for _, name := range goFiles(t, e.dir()) {
			original, path := filepath.Join(e.chapter(), name), filepath.Join(e.dir(), name)
			if _, there := readIfThere(t, original); !there && strings.Contains(strings.Join(e.page.prose, "\n"), "]("+name+")") {
				continue // written for this exercise, and its page says so
			}
			if path != e.edited {
				sameFile(t, original, path)
			}
		}
	}
}

func sameFile(t *testing.T, original, copied string) {
	t.Helper()
	want, there := readIfThere(t, original)
	if got, _ := readIfThere(t, copied); !there {
		t.Errorf("%s is a copy, but there's no %s", copied, original)
	} else if got != want {
		t.Errorf("%[2]s differs from %[1]s. Repair the copy:\n\tcp %[1]s %[2]s", original, copied)
	}
}

var exerciseHeadings = []string{"The contract", "Run it", "What you see now", "Hints", "After you pass (or give up)"}

func TestExercisePages(t *testing.T) {
	t.Parallel()
	all := exercises(t)
	index, _ := readIfThere(t, "exercises/README.md")
	for _, e := range all {
		text, _ := readIfThere(t, e.page.path)
		var headings []string
		for _, m := range regexp.MustCompile(`(?m)^## (.*)$`).FindAllStringSubmatch(text, -1) {
			headings = append(headings, m[1])
		}
		if !slices.Equal(headings, exerciseHeadings) {
			t.Errorf("%s has the headings %q, want %q", e.page.path, headings, exerciseHeadings)
		}
		if want := "go test ./exercises/" + e.name + "\n"; !strings.Contains(text, want) {
			t.Errorf("%s does not give the command %s", e.page.path, want)
		}
		checkHints(t, e, text)
		for _, kept := range append(e.wrong(), "solution") {
			if link := "/testdata/" + e.name + "/" + kept + e.ext() + ")"; !strings.Contains(text, link) {
				t.Errorf("%s has no link to %s", e.page.path, e.file(kept))
			}
		}
		row := regexp.MustCompile(`(?m)^\|[^|]*\]\(` + e.name + `/README\.md\).*$`).FindString(index)
		title := strings.TrimPrefix(e.page.prose[0], "# ")
		name, stars, _ := strings.Cut(title, " ★")
		if !strings.Contains(row, "["+name+"]") || !strings.Contains(row, "| ★"+stars+" |") {
			t.Errorf("%s is titled %q, and the row of exercises/README.md is %q: same name, same stars", e.page.path, title, row)
		}
	}
}

// Each chapter has an easy exercise, and one marked for learners who do only one.
func TestExerciseTable(t *testing.T) {
	t.Parallel()
	easy, only := make(map[string]int), make(map[string]int)
	index, _ := readIfThere(t, "exercises/README.md")
	for _, m := range regexp.MustCompile(`(?m)^\|[^|]*\]\((\d\d-[\w-]+)/[\w-]+/README\.md\)( ◆)?<br>[^|]* \| (★+) \| \d+ \|$`).FindAllStringSubmatch(index, -1) {
		easy[m[1]] += map[bool]int{true: 1}[m[3] == "★"]
		only[m[1]] += map[bool]int{true: 1}[m[2] != ""]
	}
	for _, e := range exercises(t) {
		if dir := e.chapter(); easy[dir] == 0 || only[dir] != 1 {
			t.Errorf("exercises/README.md has %d exercises of %s with one star, want one at least, and %d with a ◆, want one", easy[dir], dir, only[dir])
		}
	}
}

const folded = "\n<details><summary>The solution, and what wrong answers teach</summary>\n\n"

func checkHints(t *testing.T, e exercise, text string) {
	t.Helper()
	text, after, _ := strings.Cut(text, "## "+exerciseHeadings[4]+"\n")
	if !strings.HasPrefix(after, folded) || !strings.HasSuffix(after, "\n</details>\n") {
		t.Errorf("%s: what stands under %q is read after the exercise, so it begins with %q and ends with </details>", e.page.path, exerciseHeadings[4], folded)
	}
	hints := regexp.MustCompile(`(?s)<summary>Hint \d: .*?</summary>(.*?)</details>`).FindAllStringSubmatch(text, -1)
	if len(hints) != 3 {
		t.Errorf("%s has %d hints, want 3", e.page.path, len(hints))
	}
	for i, hint := range hints {
		if n := len(strings.Fields(hint[1])); n < 30 || n > 60 {
			t.Errorf("%s: hint %d has %d words, want 30 to 60", e.page.path, i+1, n)
		}
	}
}

// A solution may call its own things what it likes, and give its types fields.
func TestExerciseTestsLeaveNamesFree(t *testing.T) {
	t.Parallel()
	for _, e := range exercises(t) {
		structs, fset := make(map[string]bool), token.NewFileSet() // of the edited file
		if e.ext() != ".go" {
			continue
		}
		ast.Inspect(parseGo(t, fset, e.file("stub")), func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok {
				_, structs[spec.Name.Name] = spec.Type.(*ast.StructType)
			}
			return true
		})
		tests, _ := filepath.Glob(e.dir() + "/*_test.go")
		for _, path := range tests {
			f := parseGo(t, fset, path)
			for name, at := range declared(f) {
				if !regexp.MustCompile("^[Tt]est").MatchString(name) {
					t.Errorf("%v: the name %s may be wanted by a solution: in tests, names of the package begin with test", fset.Position(at), name)
				}
			}
			ast.Inspect(f, func(n ast.Node) bool {
				lit, ok := n.(*ast.CompositeLit)
				if ok && len(lit.Elts) > 0 && structs[typeName(lit.Type)] {
					if _, keyed := lit.Elts[0].(*ast.KeyValueExpr); !keyed {
						t.Errorf("%v: a solution may add fields to %s: name those that are set", fset.Position(lit.Pos()), typeName(lit.Type))
					}
				}
				return true
			})
		}
	}
}

func parseGo(t *testing.T, fset *token.FileSet, path string) *ast.File {
	t.Helper()
	f, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// declared are the names that f adds to its package.
func declared(f *ast.File) map[string]token.Pos {
	names := make(map[string]token.Pos)
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil {
				names[d.Name.Name] = d.Pos()
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					names[spec.Name.Name] = spec.Pos()
				case *ast.ValueSpec:
					for _, name := range spec.Names {
						names[name.Name] = name.Pos()
					}
				}
			}
		}
	}
	return names
}

// typeName is Ready of Ready[string], and "" of what has no name of its own.
func typeName(typ ast.Expr) string {
	switch typ := typ.(type) {
	case *ast.Ident:
		return typ.Name
	case *ast.IndexExpr:
		return typeName(typ.X)
	case *ast.IndexListExpr:
		return typeName(typ.X)
	}
	return ""
}

func TestExerciseLinks(t *testing.T) {
	t.Parallel()
	exercises(t)
	for _, path := range repositoryFiles(t, ".md") {
		if strings.HasPrefix(path, "exercises/") {
			text, _ := readIfThere(t, path)
			checkLinks(t, parsePage(path, lines(text)))
		}
	}
}
