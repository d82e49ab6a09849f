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
	"time"
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
func (e exercise) file(kept string) string { return e.folder() + "/" + kept + ".go" }
func (e exercise) folder() string          { return filepath.Join("exercises", "testdata", e.name) }

// wrong are the names of the wrong answers.
func (e exercise) wrong() []string {
	return slices.DeleteFunc(slices.Clone(e.kept), func(kept string) bool { return !strings.HasPrefix(kept, "wrong-") })
}

var editedLink = regexp.MustCompile(`\]\((\w+\.go)\)`)

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
		t.Fatalf("there is no exercise %s", os.Getenv("EXERCISE"))
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
		return e, fmt.Errorf("%s must be there and link to the file that is edited: Edit [drain.go](drain.go)", path)
	}
	e.edited, e.page = filepath.Join(e.dir(), m[1]), parsePage(path, lines(text))
	files, _ := filepath.Glob(filepath.Join(e.folder(), "*.go"))
	for _, file := range files {
		e.kept = append(e.kept, strings.TrimSuffix(filepath.Base(file), ".go"))
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

// Each exercise as it is handed out fails, and says what its page says.
func TestExerciseStubs(t *testing.T) {
	onlyIfAll(t)
	t.Parallel()
	all := exercises(t)
	got := tryExercises(t, each(all, "stub"), all)
	for _, e := range all {
		o := got[e.name]
		checkFailure(t, e, "stub", o)
		if !findsBug(e) && !strings.Contains(o.output, "not started") {
			t.Errorf("%s does not say \"not started\":\n%s", e.file("stub"), o.output)
		}
		checkShown(t, e, o.output)
	}
}

func findsBug(e exercise) bool { return strings.Contains(e.page.prose[0], "Find the bug") }

// Nothing depends on which other exercises are solved.
func TestExerciseStubsAmongSolutions(t *testing.T) {
	onlyIfAll(t)
	t.Parallel()
	all := exercises(t)
	for _, stub := range all {
		versions := each(all, "solution")
		versions[stub.name] = "stub"
		for name, o := range tryExercises(t, versions, all) {
			if wanted := name != stub.name; o.passed != wanted && slices.ContainsFunc(all, func(e exercise) bool { return e.name == name }) {
				t.Errorf("when all are solved but %s, it is %t that %s passes", stub.name, o.passed, name)
			}
		}
	}
}

func TestExerciseWrongAnswers(t *testing.T) {
	onlyIfAll(t)
	t.Parallel()
	all := exercises(t)
	for i := 0; len(all) > 0; i++ {
		all = slices.DeleteFunc(all, func(e exercise) bool { return i >= len(e.wrong()) })
		if len(all) == 0 {
			break
		}
		versions := make(map[string]string)
		for _, e := range all {
			versions[e.name] = e.wrong()[i]
		}
		got := tryExercises(t, versions, all)
		for _, e := range all {
			checkFailure(t, e, e.wrong()[i], got[e.name])
			checkWanted(t, e, e.wrong()[i], got[e.name].output)
		}
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
	text, _ := readIfThere(t, e.file(version))
	want, found := strings.CutPrefix(lines(text)[0], "// want: ")
	re, err := regexp.Compile(want)
	if !found || err != nil {
		t.Errorf("the first line of %s must be // want: REGEXP (%v)", e.file(version), err)
	} else if !re.MatchString(output) {
		t.Errorf("with %s nothing matches %q in:\n%s", e.file(version), want, output)
	}
}

// checkShown compares what the page shows with what the stub's tests say.
func checkShown(t *testing.T, e exercise, output string) {
	t.Helper()
	for _, f := range e.page.fences {
		if f.language != "console" {
			continue
		}
		for _, s := range f.steps() {
			checkOutput(t, e.page, step{s.command, s.tolerance, s.line, amongOthers(inOrder(s.want))}, string(inOrderText(output)))
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

// ownCI says whether nobody solves exercises here: a learner may change files.
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
			if path := filepath.Join(e.dir(), name); path != e.edited {
				sameFile(t, filepath.Join(e.chapter(), name), path)
			}
		}
	}
}

func sameFile(t *testing.T, original, copied string) {
	t.Helper()
	want, there := readIfThere(t, original)
	if got, _ := readIfThere(t, copied); !there {
		t.Errorf("%s is a copy of nothing: there is no %s", copied, original)
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
			if link := "/testdata/" + e.name + "/" + kept + ".go)"; !strings.Contains(text, link) {
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

// In each chapter one exercise is easy, and one is for who does only one.
func TestExerciseTable(t *testing.T) {
	t.Parallel()
	easy, only := make(map[string]int), make(map[string]int)
	index, _ := readIfThere(t, "exercises/README.md")
	for _, m := range regexp.MustCompile(`(?m)^\|[^|]*\]\((\d\d-[\w-]+)/[\w-]+/README\.md\)( ◆)? \|.*\| (★+) \| \d+ \|$`).FindAllStringSubmatch(index, -1) {
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

// The runner's picture, before the first, in the middle and after the last, in
// a copy: of chapter 01 only, unless everything is to be checked.
func TestExerciseRunner(t *testing.T) {
	t.Parallel()
	all := exercises(t)
	if os.Getenv("EXERCISE") != "" {
		t.Skip("the picture is of all")
	}
	if os.Getenv("TUTORIAL_CHECK") != "all" {
		all = slices.DeleteFunc(all, func(e exercise) bool { return e.chapter() != chapters[0].dir })
	}
	root, runner := copyExercises(t, all), filepath.Join(t.TempDir(), "runner")
	if got := run(t, 2*time.Minute, ".", []string{compiles}, "go", "build", "-o", runner, "./exercises"); got.exit != 0 {
		t.Fatal(got.stderr)
	}
	say := func(exit int, args ...string) string {
		t.Helper()
		got := run(t, 2*time.Minute, root, []string{"GOWORK=off"}, runner, args...)
		if got.exit != exit {
			t.Errorf("exercises %q ended with exit status %d, want %d:\n%s", args, got.exit, exit, got.stderr)
		}
		return got.stdout + got.stderr
	}
	order := inTable(t, all)
	if len(order) < 4 {
		t.Fatalf("%d exercises are too few for this test", len(order))
	}
	put := func(e exercise, version string) {
		t.Helper()
		text, _ := readIfThere(t, e.file(version))
		writeFile(t, filepath.Join(root, e.edited), text)
	}

	checkPicture(t, say(0), order, 0, order[0])
	put(order[0], "solution")
	put(order[2], "solution")
	put(order[3], order[3].wrong()[0])
	checkPicture(t, say(0), order, 2, order[1])
	for _, e := range order {
		put(e, "solution")
	}
	checkPicture(t, say(0), order, len(order), exercise{})

	writeFile(t, filepath.Join(root, order[0].edited), "package main\n\nfunc half(\n")
	if got := say(0); !strings.Contains(got, filepath.Base(order[0].edited)+":") || !strings.Contains(got, "syntax error") {
		t.Errorf("of a file that does not compile the runner says:\n%s", got)
	}
	say(0, "reset", order[0].name)
	now, _ := readIfThere(t, filepath.Join(root, order[0].edited))
	stub, _ := readIfThere(t, order[0].file("stub"))
	old, _ := readIfThere(t, filepath.Join(root, order[0].edited+".old"))
	if now != stub || !strings.Contains(old, "func half(") {
		t.Error("reset has not put the stub back, or has not kept what was there")
	}
	if got := say(0, "hint", order[0].name); !strings.Contains(got, "Hint 1") || !strings.Contains(got, "hint "+order[0].name+" 2") {
		t.Errorf("the first hint is:\n%s", got)
	}
	if got := say(0, "solution", filepath.Base(order[0].name)); strings.TrimSpace(got) != order[0].file("solution") {
		t.Errorf("the solution is %q", got)
	}
	for _, args := range []string{"hint", "what", "reset nothing", "hint " + order[0].name + " 4", "reset a b", "solve " + order[0].name} {
		if got := say(2, strings.Fields(args)...); got == "" {
			t.Errorf("exercises %s says nothing", args)
		}
	}
}

// copyExercises copies what the exercises need into a new folder, as handed out.
func copyExercises(t *testing.T, all []exercise) string {
	t.Helper()
	root := t.TempDir()
	paths := []string{"go.mod", "go.sum", "exercises/README.md"}
	for _, e := range all {
		for _, folder := range []string{e.dir(), e.folder(), "exercises/check"} {
			files, _ := filepath.Glob(filepath.Join(folder, "*"))
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

// checkPicture reads what the runner prints: next has no name if all are done.
func checkPicture(t *testing.T, picture string, order []exercise, done int, next exercise) {
	t.Helper()
	full := 30 * done / len(order)
	want := []string{fmt.Sprintf("%d of %d done  [%s%s]", done, len(order), strings.Repeat("#", full), strings.Repeat(".", 30-full))}
	if next.name != "" {
		want = append(want, "Next: "+next.name+" ★", next.edited, "go test ./exercises/"+next.name, "_test.go:")
	}
	for _, part := range want {
		if !strings.Contains(picture, part) {
			t.Errorf("the runner does not say %q:\n%s", part, picture)
		}
	}
	if n := len(regexp.MustCompile(`(?m)^  done `).FindAllString(picture, -1)); n != done {
		t.Errorf("%d lines say done, want %d:\n%s", n, done, picture)
	}
}
