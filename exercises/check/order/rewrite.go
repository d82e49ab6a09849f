package order

import (
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"slices"
	"strings"
)

// An edit inserts text at an offset. Those at the same offset are in order.
type edit struct {
	at   int
	text string
}

// Rewrite returns the file with a Step before each statement, and a Read or a
// Write around each use of a variable that may be shared: a field, an element,
// and what a function literal uses of the function around it. Lines stay where
// they are. others are the paths of the other files of the package.
func Rewrite(name, source string, others []string) (string, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, source, parser.SkipObjectResolution)
	if err != nil {
		return "", err
	}
	files := []*ast.File{file}
	for _, path := range others {
		f, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return "", err
		}
		files = append(files, f)
	}
	info := &types.Info{Types: make(map[ast.Expr]types.TypeAndValue), Uses: make(map[*ast.Ident]types.Object), Selections: make(map[*ast.SelectorExpr]*types.Selection)}
	config := types.Config{Error: func(error) {}, Importer: noImports{}}
	config.Check("main", fset, files, info) // what is imported stays unknown, and isn't rewritten
	r := &rewriter{fset: fset, info: info, offset: func(p token.Pos) int { return fset.Position(p).Offset }}
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
			r.function = nil
			r.walk(f.Body, false)
		}
	}
	for _, imported := range file.Imports {
		if imported.Path.Value == `"sync"` && imported.Name == nil {
			r.add(imported.Pos(), "sync ")
			r.edits = append(r.edits, edit{r.offset(imported.End()) - 1, "\x00"})
		}
	}
	slices.SortStableFunc(r.edits, func(a, b edit) int { return cmp.Compare(a.at, b.at) })
	var b strings.Builder
	from := 0
	for _, e := range r.edits {
		b.WriteString(source[from:e.at])
		b.WriteString(e.text)
		from = e.at
	}
	b.WriteString(source[from:])
	text := strings.Replace(b.String(), "sync \"sync\x00\"", `sync "`+Path+`/stepped"`, 1)
	if _, err := parser.ParseFile(token.NewFileSet(), name, text, 0); err != nil {
		return "", fmt.Errorf("%v in:\n%s", err, text)
	}
	return text, nil
}

// Path is this package's.
const Path = "github.com/async-go-tutorial/async-runtime/exercises/check/order"

// Helpers is a file that the rewritten package needs as well.
const Helpers = "package main\n\nimport testOrder_ \"" + Path + `"

func testStep_(line int)                 { testOrder_.Step(line) }
func testRead_[T any](p *T, line int) *T  { return testOrder_.Read(p, line) }
func testWrite_[T any](p *T, line int) *T { return testOrder_.Write(p, line) }
`

type noImports struct{}

func (noImports) Import(string) (*types.Package, error) { return nil, errors.New("not needed") }

type rewriter struct {
	fset     *token.FileSet
	info     *types.Info
	offset   func(token.Pos) int
	edits    []edit
	function *ast.FuncLit // the innermost one
}

func (r *rewriter) add(at token.Pos, text string) {
	r.edits = append(r.edits, edit{r.offset(at), text})
}

func (r *rewriter) line(at token.Pos) int { return r.fset.Position(at).Line }

func (r *rewriter) steps(list []ast.Stmt) {
	for _, s := range list {
		switch s := s.(type) {
		case *ast.CaseClause, *ast.CommClause, *ast.EmptyStmt:
			continue
		case *ast.ForStmt:
			if endless(s) {
				continue
			}
		}
		r.add(s.Pos(), fmt.Sprintf("testStep_(%d); ", r.line(s.Pos())))
	}
}

// walk rewrites n. If write, n is what is assigned to.
func (r *rewriter) walk(n ast.Node, write bool) {
	switch n := n.(type) {
	case nil:
	case *ast.BlockStmt:
		r.steps(n.List)
		r.children(n)
	case *ast.CaseClause:
		r.steps(n.Body)
		r.children(n)
	case *ast.CommClause:
		r.steps(n.Body)
		for _, s := range n.Body { // what is received must stay as it is
			r.walk(s, false)
		}
	case *ast.ForStmt:
		if endless(n) {
			r.children(n)
			return
		}
		r.add(n.Body.Lbrace+1, fmt.Sprintf(" testStep_(%d); ", r.line(n.Pos())))
		r.children(n)
	case *ast.RangeStmt:
		r.walk(n.X, false)
		r.walk(n.Body, false)
	case *ast.FuncLit:
		outer := r.function
		r.function = n
		r.walk(n.Body, false)
		r.function = outer
	case *ast.AssignStmt:
		for _, x := range n.Lhs {
			if n.Tok != token.DEFINE {
				r.walk(x, true)
			}
		}
		for _, x := range n.Rhs {
			r.walk(x, false)
		}
	case *ast.IncDecStmt:
		r.walk(n.X, true)
	case *ast.UnaryExpr:
		if n.Op == token.AND {
			if _, literal := n.X.(*ast.CompositeLit); !literal {
				r.base(n.X)
				return
			}
		}
		r.children(n)
	case *ast.CallExpr:
		f, _ := n.Fun.(*ast.Ident)
		r.walk(n.Fun, false)
		for i, x := range n.Args {
			r.walk(x, i == 0 && f != nil && (f.Name == "delete" || f.Name == "clear"))
		}
	case *ast.KeyValueExpr:
		if _, ok := n.Key.(*ast.Ident); !ok {
			r.walk(n.Key, false)
		}
		r.walk(n.Value, false)
	case *ast.CompositeLit:
		for _, x := range n.Elts {
			r.walk(x, false)
		}
	case *ast.StarExpr:
		if tv := r.info.Types[n]; tv.IsValue() {
			r.use(n, write)
		}
		r.walk(n.X, false)
	case *ast.Ident:
		if v, ok := r.info.Uses[n].(*types.Var); ok && r.function != nil && !v.IsField() && !within(v.Pos(), r.function) || ok && !v.IsField() && v.Parent() == v.Pkg().Scope() {
			r.use(n, write)
		}
	case *ast.SelectorExpr:
		s := r.info.Selections[n]
		if s == nil || s.Kind() != types.FieldVal || !r.addressable(n) {
			if s != nil {
				r.walk(n.X, false)
			}
			return
		}
		r.use(n, write)
		r.base(n)
	case *ast.IndexExpr:
		switch r.underlying(n.X).(type) {
		case *types.Map:
			r.walk(n.X, write)
		case *types.Slice, *types.Array, *types.Pointer:
			if r.addressable(n) {
				r.use(n, write)
			}
			r.base(n)
		case nil:
		default:
			r.walk(n.X, false)
		}
		r.walk(n.Index, false)
	default:
		r.children(n)
	}
}

// endless is a loop that does nothing by itself.
func endless(s *ast.ForStmt) bool {
	return s.Init == nil && s.Cond == nil && s.Post == nil && len(s.Body.List) > 0
}

func within(p token.Pos, f *ast.FuncLit) bool { return f.Pos() <= p && p < f.End() }

// base rewrites what the address of x needs, and not x.
func (r *rewriter) base(x ast.Expr) {
	switch x := x.(type) {
	case *ast.SelectorExpr:
		if _, value := r.underlying(x.X).(*types.Struct); value {
			r.base(x.X) // a part of a bigger variable: its path is no use of it
		} else {
			r.walk(x.X, false)
		}
	case *ast.IndexExpr:
		if _, value := r.underlying(x.X).(*types.Array); value {
			r.base(x.X)
		} else {
			r.walk(x.X, false)
		}
	case *ast.ParenExpr:
		r.base(x.X)
	case *ast.StarExpr:
		r.walk(x.X, false)
	}
}

func (r *rewriter) use(x ast.Expr, write bool) {
	name := map[bool]string{false: "testRead_", true: "testWrite_"}[write]
	r.add(x.Pos(), "(*"+name+"(&")
	r.edits = append(r.edits, edit{r.offset(x.End()), fmt.Sprintf(", %d))", r.line(x.Pos()))})
}

func (r *rewriter) underlying(x ast.Expr) types.Type {
	if tv, ok := r.info.Types[x]; ok && tv.IsValue() && tv.Type != nil && tv.Type != types.Typ[types.Invalid] {
		if p, ok := types.Unalias(tv.Type).(*types.TypeParam); ok {
			return p
		}
		return tv.Type.Underlying()
	}
	return nil
}

func (r *rewriter) addressable(x ast.Expr) bool {
	switch x := x.(type) {
	case *ast.Ident:
		_, ok := r.info.Uses[x].(*types.Var)
		return ok
	case *ast.ParenExpr:
		return r.addressable(x.X)
	case *ast.StarExpr:
		return true
	case *ast.SelectorExpr:
		switch r.underlying(x.X).(type) {
		case *types.Pointer:
			return true
		case *types.Struct:
			return r.addressable(x.X)
		}
	case *ast.IndexExpr:
		switch r.underlying(x.X).(type) {
		case *types.Slice, *types.Pointer:
			return true
		case *types.Array:
			return r.addressable(x.X)
		}
	}
	return false
}

func (r *rewriter) children(n ast.Node) {
	first := true
	ast.Inspect(n, func(child ast.Node) bool {
		if first {
			first = false
			return true
		}
		if child != nil {
			r.walk(child, false)
		}
		return false
	})
}

// Others are the other Go files of the folder that belong to the package.
func Others(dir, name string) (paths []string, err error) {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if n := e.Name(); strings.HasSuffix(n, ".go") && !strings.HasSuffix(n, "_test.go") && n != name {
			paths = append(paths, dir+"/"+n)
		}
	}
	return paths, err
}
