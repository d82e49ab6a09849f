package checks

import (
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// neededFiles returns the files of a chapter that declare what the files by
// use, and what those need in their turn, but not the kernel's poller.
func neededFiles(t *testing.T, dir string, by []string) (needed []string) {
	t.Helper()
	declared, uses := make(map[string][]string), make(map[string]bool)
	for _, name := range goFiles(t, dir) {
		path := filepath.Join(dir, name)
		if names := declarations(parse(t, path)); !slices.Contains(names, "newPoller") {
			declared[path] = names
		}
	}
	add := func(path string) {
		file := parse(t, path)
		for _, name := range append(declarations(file), usedNames(file)...) {
			uses[name] = true
		}
		delete(declared, path)
	}
	for _, path := range by {
		add(path)
		for _, own := range declarations(parse(t, path)) { // the chapter's is another one
			for path, names := range declared {
				declared[path] = slices.DeleteFunc(names, func(name string) bool { return name == own })
			}
		}
	}
	for found := true; found; {
		found = false
		for path, names := range declared {
			if slices.ContainsFunc(names, func(name string) bool {
				typ, method, _ := strings.Cut(name, ".")
				return uses[typ] && (method == "" || uses["."+method])
			}) {
				add(path)
				needed, found = append(needed, path), true
			}
		}
	}
	slices.Sort(needed)
	return needed
}

func parse(t *testing.T, path string) *ast.File {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// declarations returns names such as Task, Spawn, and Task.Wake.
func declarations(file *ast.File) (names []string) {
	for _, decl := range file.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			name := decl.Name.Name
			if decl.Recv != nil {
				name = receiver(decl.Recv.List[0].Type) + "." + name
			}
			names = append(names, name)
		case *ast.GenDecl:
			for _, spec := range decl.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					names = append(names, spec.Name.Name)
				case *ast.ValueSpec:
					for _, name := range spec.Names {
						names = append(names, name.Name)
					}
				}
			}
		}
	}
	return names
}

func receiver(x ast.Expr) string {
	switch x := x.(type) {
	case *ast.StarExpr:
		return receiver(x.X)
	case *ast.IndexExpr:
		return receiver(x.X)
	case *ast.IndexListExpr:
		return receiver(x.X)
	case *ast.Ident:
		return x.Name
	}
	return ""
}

// importNames returns the import paths by the names that they have in a file.
func importNames(file *ast.File) map[string]string {
	names := make(map[string]string)
	for _, spec := range file.Imports {
		path, _ := strconv.Unquote(spec.Path.Value)
		name := strings.TrimSuffix(path, "/v2")
		names[name[strings.LastIndex(name, "/")+1:]] = path
	}
	return names
}

// usedNames returns what a file uses of others, such as Task, Spawn, and .Wake.
func usedNames(file *ast.File) (names []string) {
	imported := importNames(file)
	for _, name := range file.Unresolved {
		if imported[name.Name] == "" {
			names = append(names, name.Name)
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if n, ok := n.(*ast.SelectorExpr); ok {
			names = append(names, "."+n.Sel.Name)
		}
		return true
	})
	return names
}

// standIns are what a copy uses instead of what is shared.
var standIns = map[string]string{
	"sync.Mutex":                 "sched.Mutex",
	"sync.Once":                  "sched.Once",
	"sync/atomic.Bool":           "sched.Bool",
	"sync/atomic.Int32":          "sched.Int32",
	"time.Timer":                 "sched.Timer",
	"time.AfterFunc":             "sched.AfterFunc",
	"time.Sleep":                 "sched.Sleep",
	"math/rand/v2.IntN":          "sched.IntN",
	unixPackage + ".Pipe":        "sched.Pipe",
	unixPackage + ".Write":       "sched.Write",
	unixPackage + ".Close":       "sched.Close",
	unixPackage + ".CloseOnExec": "sched.CloseOnExec",
}

const unixPackage = "golang.org/x/sys/unix"

// clocks have no stand-in.
var clocks = map[string]bool{"After": true, "NewTicker": true, "NewTimer": true, "Tick": true}

// A change replaces text[from:to].
type change struct {
	from, to int
	text     string
}

// rewriter changes the text of a file where its syntax tree says so. Lines stay
// where they are, so that a step is found in the chapter.
type rewriter struct {
	text      string
	file      *ast.File
	packages  map[string]string // by their names in this file
	used      map[string]bool   // packages that are still used
	inSelect  map[ast.Node]bool // what a select with a default tries
	changes   []change
	found     map[string]int
	positions *token.FileSet
	err       error
}

func rewrite(path, text, pkg string, found map[string]int) (string, error) {
	w := &rewriter{
		text: text, found: found, positions: token.NewFileSet(),
		used: make(map[string]bool), inSelect: make(map[ast.Node]bool),
	}
	var err error
	if w.file, err = parser.ParseFile(w.positions, path, text, parser.SkipObjectResolution); err != nil {
		return "", err
	}
	w.packages = importNames(w.file)
	for _, spec := range w.file.Imports {
		if spec.Name != nil {
			w.fail(spec, "an import with another name")
		}
	}
	ast.Inspect(w.file, w.node)
	for _, spec := range w.file.Imports {
		if imported, _ := strconv.Unquote(spec.Path.Value); !w.used[imported] {
			w.insert(spec.Pos(), "_ ")
		}
	}
	head := pkg
	if w.packages["sched"] == "" && len(w.changes) > 0 {
		head += `; import "schedules/sched"`
	}
	w.replace(w.file.Name.Pos(), w.file.Name.End(), head)
	return "//line " + path + ":1\n" + w.apply(), w.err
}

func (w *rewriter) node(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.SelectorExpr:
		w.selector(n)
	case *ast.CallExpr:
		w.call(n)
	case *ast.GoStmt:
		w.goStmt(n)
	case *ast.SelectStmt:
		w.selectStmt(n)
	case *ast.UnaryExpr:
		if n.Op == token.ARROW && !w.inSelect[n] {
			w.replace(n.OpPos, n.X.Pos(), w.use("sched.Receive")+"(")
			w.insert(n.End(), ")")
		}
	case *ast.SendStmt:
		if !w.inSelect[n] {
			w.insert(n.Pos(), w.use("sched.Send")+"(")
			w.replace(n.Arrow, n.Arrow+2, ",")
			w.insert(n.End(), ")")
		}
	}
	return true
}

func (w *rewriter) selector(n *ast.SelectorExpr) {
	x, ok := n.X.(*ast.Ident)
	if !ok || w.packages[x.Name] == "" {
		return
	}
	imported := w.packages[x.Name]
	standIn, ok := standIns[imported+"."+n.Sel.Name]
	switch {
	case ok:
		w.replace(n.Pos(), n.End(), w.use(standIn))
	case strings.HasPrefix(imported, "sync"), imported == "math/rand/v2", imported == "time" && clocks[n.Sel.Name]:
		w.fail(n, x.Name+"."+n.Sel.Name)
	default:
		w.used[imported] = true
	}
}

func (w *rewriter) call(n *ast.CallExpr) {
	switch f := n.Fun.(type) {
	case *ast.Ident:
		if f.Name == "close" {
			w.replace(f.Pos(), f.End(), w.use("sched.CloseChannel"))
		}
	case *ast.SelectorExpr:
		x, _ := f.X.(*ast.Ident)
		if f.Sel.Name == "Wake" {
			w.insert(f.Pos(), w.use("sched.At")+`("wakes", `)
			w.insert(f.End(), ")")
		}
		if x != nil && w.packages[x.Name] == unixPackage && standIns[unixPackage+"."+f.Sel.Name] == "" {
			w.fail(n, "unix."+f.Sel.Name)
		}
	}
}

func (w *rewriter) goStmt(n *ast.GoStmt) {
	name := w.text[w.offset(n.Call.Fun.Pos()):w.offset(n.Call.Fun.End())]
	if _, literal := n.Call.Fun.(*ast.FuncLit); literal {
		for _, decl := range w.file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Pos() < n.Pos() && n.Pos() < f.End() {
				name = "in " + f.Name.Name
			}
		}
		if len(n.Call.Args) > 0 {
			w.fail(n, "a go statement with arguments")
		}
	}
	w.replace(n.Go, n.Call.Pos(), fmt.Sprintf("%s(%q, func() { ", w.use("sched.Go"), name))
	w.insert(n.End(), " })")
}

func (w *rewriter) selectStmt(n *ast.SelectStmt) {
	blocks := true
	for _, clause := range n.Body.List {
		switch comm := clause.(*ast.CommClause).Comm.(type) {
		case nil:
			blocks = false
		case *ast.ExprStmt:
			w.inSelect[comm.X] = true
		case *ast.AssignStmt:
			w.inSelect[comm.Rhs[0]] = true
		case *ast.SendStmt:
			w.inSelect[comm] = true
		}
	}
	if blocks {
		w.fail(n, "a select without default")
	}
	w.insert(n.Pos(), w.use("sched.Step")+`("tries the channel"); `)
}

func (w *rewriter) use(name string) string {
	w.found[name]++
	return name
}

func (w *rewriter) fail(n ast.Node, what string) {
	w.err = errors.Join(w.err, fmt.Errorf("%s: package sched has nothing that stands in for %s", w.positions.Position(n.Pos()), what))
}

func (w *rewriter) offset(p token.Pos) int { return w.positions.Position(p).Offset }

func (w *rewriter) insert(at token.Pos, text string) { w.replace(at, at, text) }

func (w *rewriter) replace(from, to token.Pos, text string) {
	w.changes = append(w.changes, change{w.offset(from), w.offset(to), text})
}

func (w *rewriter) apply() string {
	slices.SortStableFunc(w.changes, func(a, b change) int { return cmp.Compare(a.from, b.from) })
	var b strings.Builder
	at := 0
	for _, c := range w.changes {
		b.WriteString(w.text[at:c.from] + c.text)
		at = c.to
	}
	return b.String() + w.text[at:]
}
