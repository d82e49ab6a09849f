package checks

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
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
//	TUTORIAL_MUTANTS=06-full-runtime/race.go,06-full-runtime/channel.go go test ...
//
// It takes hours for all of chapter 06. What lives needs a test, or a line in
// testdata/mutants.txt that says why the change makes no difference.
type mutant struct {
	path, rule string
	at         token.Position
	old, new   string // the lines that differ
	text       string // of the whole file
}

// name is what testdata/mutants.txt calls it.
func (m mutant) name() string {
	flat := func(text string) string { return strings.Join(strings.Fields(text), " ") }
	return fmt.Sprintf("%s: %s: %s => %s", m.path, m.rule, flat(m.old), flat(m.new))
}

const mutantsList = "internal/checks/testdata/mutants.txt"

// notCore are the files that only show what the others can do.
var notCore = []string{
	"main.go", "narration.go", "workload.go", "counted.go", "demo.go", "echo.go", "get.go", "httpget.go", "serve.go", "server.go", "worker.go",
	"request.go", "answer.go", "relay_hand.go", "relay_await.go", "reply.go", "trace.go", "kqueue_bsd.go", "sockets_bsd.go",
}

func TestMutants(t *testing.T) {
	wanted := strings.Split(os.Getenv("TUTORIAL_MUTANTS"), ",")
	if wanted[0] == "" {
		t.Skip("only with TUTORIAL_MUTANTS=05-executor, for example")
	}
	var all []mutant
	for _, path := range wanted {
		all = append(all, mutantsOf(t, path)...)
	}
	explained := explainedMutants(t)
	for _, m := range all {
		if explained[m.name()] != "" {
			continue
		}
		t.Run(m.name(), func(t *testing.T) {
			t.Parallel()
			m.run(t)
		})
	}
	t.Logf("%d mutants", len(all))
}

func (m mutant) run(t *testing.T) {
	o := &overlaid{t.TempDir(), make(map[string]string)}
	o.add(t, m.path, m.text)
	program, chapter := filepath.Join(o.dir, "tests"), filepath.Dir(m.path)
	built := run(t, 10*time.Minute, ".", []string{compiles}, "go", "test", "-c", "-vet=off", "-ldflags=-s -w", "-overlay", o.write(t), "-o", program, "./"+chapter)
	if built.exit != 0 {
		t.Skip("the compiler refuses it")
	}
	limited := `ulimit -v 8000000; exec "$0" "$@"` // some mutants would take all memory
	if got := run(t, 2*time.Minute, chapter, nil, "sh", "-c", limited, program, "-test.failfast", "-test.timeout=100s"); got.exit == 0 {
		t.Errorf("lives: %s", m.at)
	}
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
	replace := func(rule string, from, to token.Pos, with string) {
		start, end := at(from), at(to)
		first, last := strings.LastIndexByte(text[:start], '\n')+1, end+strings.IndexByte(text[end:], '\n')
		all = append(all, mutant{
			path, rule, files.Position(from),
			text[first:last], text[first:start] + with + text[end:last],
			text[:start] + with + text[end:],
		})
	}
	block := func(statements []ast.Stmt) {
		for i, s := range statements {
			if !simple(s) {
				continue
			}
			replace("drop", s.Pos(), s.End(), "")
			if i+1 < len(statements) && simple(statements[i+1]) {
				next := statements[i+1]
				replace("swap", s.Pos(), next.End(), source(next)+text[at(s.End()):at(next.Pos())]+source(s))
			}
		}
	}
	negate := func(condition ast.Expr) {
		if condition != nil {
			replace("negate", condition.Pos(), condition.End(), "!("+source(condition)+")")
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
					replace("forget", element.Pos(), n.Elts[i+1].Pos(), "")
				} else if keyed {
					replace("forget", element.Pos(), element.End(), "")
				}
			}
		case *ast.BasicLit:
			if value, err := strconv.Atoi(n.Value); n.Kind == token.INT && err == nil {
				replace("off by one", n.Pos(), n.End(), strconv.Itoa(value+1))
			}
		case *ast.BinaryExpr:
			other := map[token.Token]string{token.LSS: "<=", token.LEQ: "<", token.GTR: ">=", token.GEQ: ">"}[n.Op]
			if other != "" {
				replace("off by one", n.OpPos, n.OpPos+token.Pos(len(n.Op.String())), other)
			}
		case *ast.StructType, *ast.TypeSpec:
			return false // sizes of arrays and buffers
		}
		return true
	})
	slices.SortStableFunc(all, func(a, b mutant) int { return cmp.Compare(a.at.Offset, b.at.Offset) })
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
