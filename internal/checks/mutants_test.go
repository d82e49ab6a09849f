package checks

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/build"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A mutant is a chapter with one small change, made by a rule: a statement is
// dropped or changes places with the next one, a condition is negated, a literal
// forgets a field, a number or a comparison is off by one. The chapter's tests
// must notice it:
//
//	TUTORIAL_MUTANTS=05-executor go test -timeout=0 -run TestMutants -v ./internal/checks
//	TUTORIAL_MUTANTS=06-full-runtime/race.go,06-full-runtime/channel.go:55 go test ...
//
// With -parallel=6 it takes half an hour for all of chapter 06. The machine should do
// nothing else: most tests have a time limit, and what fails because of that isn't
// dead. So every tenth run is of the chapter as it is, which must pass. What lives
// needs a test, or a line in testdata/mutants.txt that says why the change makes no
// difference.
type mutant struct {
	path, rule string
	at         token.Position
	old, new   string // the lines that differ
	start, end int    // of what is replaced in the file
	with       string // what takes its place
	nth        int    // of those with the same lines

	// either is with if the condition on is true, and otherwise what was there. It's
	// nil if there's no such Go.
	either func(on string) string
}

// in makes the mutant of text, or adds it to what has others from m.end on.
func (m mutant) in(text, with string) string { return text[:m.start] + with + text[m.end:] }

func (m mutant) overlaps(o mutant) bool {
	return m.path == o.path && m.start < o.end && o.start < m.end
}

// name is what testdata/mutants.txt calls it.
func (m mutant) name() string {
	flat := func(text string) string { return strings.Join(strings.Fields(text), " ") }
	which := ""
	if m.nth > 1 {
		which = fmt.Sprintf(" %d", m.nth)
	}
	return fmt.Sprintf("%s: %s%s: %s => %s", m.path, m.rule, which, flat(m.old), flat(m.new))
}

const mutantsList = "internal/checks/testdata/mutants.txt"

// notCore are the files that only show what the others can do.
var notCore = []string{
	"main.go", "narration.go", "workload.go", "counted.go", "demo.go", "echo.go", "get.go", "httpget.go", "serve.go", "server.go", "worker.go",
	"request.go", "answer.go", "relay_hand.go", "relay_await.go", "reply.go", "trace.go", "kqueue_bsd.go", "sockets_bsd.go",
}

// It isn't parallel, as the importer has the system in a global variable.
func TestMutants(t *testing.T) {
	wanted := strings.Split(os.Getenv("TUTORIAL_MUTANTS"), ",")
	if wanted[0] == "" {
		t.Skip("only with TUTORIAL_MUTANTS=05-executor, for example")
	}
	byChapter, explained := make(map[string][]mutant), explainedMutants(t)
	for _, path := range wanted {
		path, line, _ := strings.Cut(path, ":")
		for _, m := range mutantsOf(t, path) {
			if line != "" && line != strconv.Itoa(m.at.Line) {
				continue
			}
			if chapter := filepath.Dir(m.path); explained[m.name()] == "" {
				byChapter[chapter] = append(byChapter[chapter], m)
			}
		}
	}
	tried := 0
	for chapter, mutants := range byChapter {
		for _, several := range together(t, chapter, mutants) {
			program := compileMutants(t, chapter, several)
			for i, m := range several {
				if tried++; tried%10 == 0 {
					t.Run(fmt.Sprintf("%s as it is (%d)", chapter, tried), func(t *testing.T) {
						t.Parallel()
						if got := runMutant(t, chapter, program, 0); got.exit != 0 && m.either != nil {
							t.Errorf("fails, so this run says nothing:\n%s%s", got.stdout, got.stderr)
						}
					})
				}
				t.Run(m.name(), func(t *testing.T) {
					t.Parallel()
					if got := runMutant(t, chapter, program, i+1); got.exit == 0 {
						t.Errorf("%s lives: %s", m.at, m.name())
					}
				})
			}
		}
	}
	t.Logf("%d mutants", tried)
}

// runMutant runs a chapter's tests until one fails. Some mutants would take all memory.
func runMutant(t *testing.T, chapter, program string, number int) result {
	t.Helper()
	env := []string{fmt.Sprintf("MUTANT=%d", number)}
	return run(t, 2*time.Minute, chapter, env, "sh", "-c", `ulimit -v 8000000; exec "$0" "$@"`, program, "-test.failfast", "-test.timeout=100s")
}

// together sorts a chapter's mutants into programs. Those of one program don't overlap,
// and each is switched on by its number. One that can't be switched on has a program to
// itself, and what the compiler would refuse is in none.
func together(t *testing.T, chapter string, mutants []mutant) (programs [][]mutant) {
	t.Helper()
	folder, err := build.ImportDir(chapter, 0)
	if err != nil {
		t.Fatal(err)
	}
	files, texts, parsed := token.NewFileSet(), make(map[string]string), make(map[string]*ast.File)
	parse := func(path, text string) (err error) {
		parsed[path], err = parser.ParseFile(files, path, text, parser.SkipObjectResolution)
		return err
	}
	parse(mutantSwitchFile, mutantSwitch)
	for _, name := range folder.GoFiles {
		path := filepath.Join(chapter, name)
		texts[path], _ = readIfThere(t, path)
		if err := parse(path, texts[path]); err != nil {
			t.Fatal(err)
		}
	}
	packages := importer.ForCompiler(files, "source", nil) // keeps what it has imported
	accepted := func(path, text string) bool {
		original := parsed[path]
		defer func() { parsed[path] = original }()
		if parse(path, text) != nil {
			return false
		}
		_, err := (&types.Config{Importer: packages}).Check("main", files, slices.Collect(maps.Values(parsed)), nil)
		return err == nil
	}
	for _, m := range mutants {
		text := texts[m.path]
		if m.either != nil && !accepted(m.path, m.in(text, m.either("mutantIs(1)"))) {
			m.either = nil
		}
		if m.either == nil && !accepted(m.path, m.in(text, m.with)) {
			continue
		}
		place := slices.IndexFunc(programs, func(others []mutant) bool {
			return m.either != nil && others[0].either != nil && !slices.ContainsFunc(others, m.overlaps)
		})
		if place < 0 {
			programs = append(programs, nil)
			place = len(programs) - 1
		}
		programs[place] = append(programs[place], m)
	}
	return programs
}

// mutantSwitch is in a chapter that has mutants.
const mutantSwitchFile, mutantSwitch = "mutant.go", `package main

import (
	"os"
	"strconv"
)

var mutantOn, _ = strconv.Atoi(os.Getenv("MUTANT"))

func mutantIs(number int) bool { return number == mutantOn }

func mutantOr[T any](is bool, mutant, chapter T) T {
	if is {
		return mutant
	}
	return chapter
}
`

// compileMutants compiles the tests of a chapter with mutants in it, which have the
// numbers from 1 on.
func compileMutants(t *testing.T, chapter string, mutants []mutant) (program string) {
	t.Helper()
	o := &overlaid{t.TempDir(), make(map[string]string)}
	o.add(t, filepath.Join(chapter, mutantSwitchFile), mutantSwitch)
	texts := make(map[string]string)
	for i, m := range slices.Backward(mutants) { // the last one of a file first, so the others keep their places
		if texts[m.path] == "" {
			texts[m.path], _ = readIfThere(t, m.path)
		}
		with := m.with
		if m.either != nil {
			with = m.either(fmt.Sprintf("mutantIs(%d)", i+1))
		}
		texts[m.path] = m.in(texts[m.path], with)
	}
	for path, text := range texts {
		o.add(t, path, text)
	}
	program = filepath.Join(o.dir, "tests")
	built := run(t, 10*time.Minute, ".", []string{compiles}, "go", "test", "-c", "-vet=off", "-ldflags=-s -w", "-overlay", o.write(t), "-o", program, "./"+chapter)
	if built.exit != 0 {
		t.Fatal(built.stderr)
	}
	return program
}

// The list of mutants that may live has no others in it, and a reason for each.
func TestMutantsList(t *testing.T) {
	t.Parallel()
	left := explainedMutants(t)
	for _, chapter := range []string{"05-executor", "06-full-runtime"} {
		for _, m := range mutantsOf(t, chapter) {
			delete(left, m.name())
		}
	}
	for name := range left {
		t.Errorf("%s: there is no such mutant anymore: %s", mutantsList, name)
	}
}

// explainedMutants are the lines of the list: a mutant's name and, after a #, why
// it may live.
func explainedMutants(t *testing.T) map[string]string {
	t.Helper()
	all := make(map[string]string)
	text, _ := readIfThere(t, mutantsList)
	for _, line := range lines(text) {
		if name, why, found := strings.Cut(line, " # "); found && why != "" {
			all[name] = why
		} else if line != "" {
			t.Errorf("%s: no reason: %s", mutantsList, line)
		}
	}
	return all
}

// mutantsOf makes all mutants of a file, or of the core files of a chapter.
func mutantsOf(t *testing.T, path string) (all []mutant) {
	t.Helper()
	if !strings.HasSuffix(path, ".go") {
		for _, file := range goFiles(t, path) {
			if file = filepath.Base(file); !slices.Contains(notCore, file) {
				all = append(all, mutantsOf(t, filepath.Join(path, file))...)
			}
		}
		return all
	}
	text, _ := readIfThere(t, path)
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, text, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	at := func(pos token.Pos) int { return files.Position(pos).Offset }
	source := func(n ast.Node) string { return text[at(n.Pos()):at(n.End())] }
	replace := func(rule string, from, to token.Pos, with string, either func(on, was string) string) {
		start, end := at(from), at(to)
		first, last := strings.LastIndexByte(text[:start], '\n')+1, end+strings.IndexByte(text[end:], '\n')
		m := mutant{path, rule, files.Position(from), text[first:last], text[first:start] + with + text[end:last], start, end, with, 1, nil}
		if either != nil {
			m.either = func(on string) string { return either(on, text[start:end]) }
		}
		all = append(all, m)
	}
	block := func(statements []ast.Stmt) {
		for i, s := range statements {
			if !simple(s) {
				continue
			}
			replace("drop", s.Pos(), s.End(), "", func(on, was string) string { return "if !" + on + " {\n" + was + "\n}" })
			if i+1 < len(statements) && simple(statements[i+1]) {
				next := statements[i+1]
				swapped := source(next) + text[at(s.End()):at(next.Pos())] + source(s)
				replace("swap", s.Pos(), next.End(), swapped, func(on, was string) string {
					return "if " + on + " {\n" + swapped + "\n} else {\n" + was + "\n}"
				})
			}
		}
	}
	negate := func(condition ast.Expr) {
		if condition != nil {
			replace("negate", condition.Pos(), condition.End(), "!("+source(condition)+")", func(on, was string) string {
				return on + " != (" + was + ")"
			})
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GenDecl:
			return n.Tok != token.IMPORT
		case *ast.BlockStmt:
			block(n.List)
		case *ast.CaseClause:
			block(n.Body)
		case *ast.IfStmt:
			negate(n.Cond)
		case *ast.ForStmt:
			negate(n.Cond)
		case *ast.SwitchStmt:
			for _, c := range n.Body.List {
				if n.Tag == nil {
					for _, condition := range c.(*ast.CaseClause).List {
						negate(condition)
					}
				}
			}
		case *ast.CompositeLit:
			for i, element := range n.Elts {
				if _, keyed := element.(*ast.KeyValueExpr); keyed && i+1 < len(n.Elts) {
					replace("forget", element.Pos(), n.Elts[i+1].Pos(), "", nil)
				} else if keyed {
					replace("forget", element.Pos(), element.End(), "", nil)
				}
			}
		case *ast.BasicLit:
			if value, err := strconv.Atoi(n.Value); n.Kind == token.INT && err == nil {
				replace("off by one", n.Pos(), n.End(), strconv.Itoa(value+1), func(on, was string) string {
					return fmt.Sprintf("mutantOr(%s, %d, %s)", on, value+1, was)
				})
			}
		case *ast.BinaryExpr:
			other := map[token.Token]string{token.LSS: "<=", token.LEQ: "<", token.GTR: ">=", token.GEQ: ">"}[n.Op]
			if other != "" {
				with := text[at(n.Pos()):at(n.OpPos)] + other + text[at(n.OpPos)+len(n.Op.String()):at(n.End())]
				replace("off by one", n.Pos(), n.End(), with, func(on, was string) string {
					return fmt.Sprintf("(%s && %s || !%s && %s)", on, with, on, was)
				})
			}
		case *ast.StructType, *ast.TypeSpec:
			return false // sizes of arrays and buffers
		}
		return true
	})
	slices.SortStableFunc(all, func(a, b mutant) int { return cmp.Compare(a.at.Offset, b.at.Offset) })
	seen := make(map[string]int)
	for i := range all {
		name := all[i].name()
		seen[name]++
		all[i].nth = seen[name]
	}
	return all
}

// simple reports whether a statement may be dropped and the rest still compiles,
// perhaps.
func simple(s ast.Stmt) bool {
	switch s := s.(type) {
	case *ast.ExprStmt, *ast.IncDecStmt, *ast.DeferStmt, *ast.GoStmt, *ast.SendStmt, *ast.BranchStmt:
		return true
	case *ast.AssignStmt:
		return s.Tok != token.DEFINE
	case *ast.ReturnStmt:
		return len(s.Results) == 0
	}
	return false
}
