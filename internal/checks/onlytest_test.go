package checks

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Most of the time that a planted mistake takes is spent on compiling tests that
// aren't run. So each mistake is tried with a copy of its chapter's tests that has
// nothing but the test that must reject it, and what that test uses. What isn't
// used is blank in the copy, so the numbers of the lines stay what they are.

// addOnlyTests adds that copy to a file that overlay has written. As with go test
// -run, tests is a regular expression.
func addOnlyTests(t *testing.T, config, dir, tests string) {
	t.Helper()
	text, _ := readIfThere(t, config)
	o := &overlaid{dir: t.TempDir()}
	if err := json.Unmarshal([]byte(text), o); err != nil {
		t.Fatal(err)
	}
	o.addOnlyTests(t, testFiles(t, dir), tests)
	list, _ := json.Marshal(o)
	writeFile(t, config, string(list))
}

func (o *overlaid) addOnlyTests(t *testing.T, texts map[string]string, tests string) {
	t.Helper()
	for path, text := range onlyTests(t, texts, tests) {
		o.add(t, path, text)
	}
}

// testFiles returns the texts of a chapter's tests, by path.
func testFiles(t *testing.T, dir string) map[string]string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s has %d files of tests, %v", dir, len(paths), err)
	}
	texts := make(map[string]string)
	for _, path := range paths {
		texts[path], _ = readIfThere(t, path)
	}
	return texts
}

// onlyTests returns files of tests, with everything blank that these tests don't
// use. It goes by names alone, so it may keep more than it must.
func onlyTests(t *testing.T, texts map[string]string, tests string) (only map[string]string) {
	t.Helper()
	declaring := make(map[string][]ast.Decl) // by name; methods by their type
	for path, text := range texts {
		file, err := parser.ParseFile(token.NewFileSet(), path, text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			for _, name := range declarations(&ast.File{Decls: []ast.Decl{decl}}) {
				name, _, _ := strings.Cut(name, ".")
				declaring[name] = append(declaring[name], decl)
			}
		}
	}
	kept := make(map[string]bool)
	var keep func(name string)
	keep = func(name string) {
		if kept[name] || declaring[name] == nil {
			return
		}
		kept[name] = true
		for _, decl := range declaring[name] {
			for _, also := range declarations(&ast.File{Decls: []ast.Decl{decl}}) { // of a var ( ... )
				also, _, _ := strings.Cut(also, ".")
				keep(also)
			}
			ast.Inspect(decl, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.Ident:
					keep(n.Name)
				case *ast.BasicLit: // "-test.run=^TestChild$"
					for _, word := range words.FindAllString(n.Value, -1) {
						keep(word)
					}
				}
				return true
			})
		}
	}
	wanted, found := regexp.MustCompile(tests), false
	for name := range declaring {
		if (strings.HasPrefix(name, "Test") || strings.HasPrefix(name, "Fuzz")) && wanted.MatchString(name) {
			keep(name)
			found = true
		}
	}
	if !found {
		t.Fatal("there's no test ", tests)
	}
	for _, name := range []string{"TestMain", "init", "_"} {
		keep(name)
	}
	only = make(map[string]string)
	for path, text := range texts {
		only[path] = onlyUsedImports(t, path, onlyDeclarations(t, path, text, func(name string) bool {
			name, _, _ = strings.Cut(name, ".")
			return kept[name]
		}))
	}
	return only
}

var (
	words   = regexp.MustCompile(`\w+`)
	version = regexp.MustCompile(`/v\d+$`)
)

// onlyUsedImports blanks the others, since the compiler refuses them.
func onlyUsedImports(t *testing.T, path, text string) string {
	t.Helper()
	positions := token.NewFileSet()
	file, err := parser.ParseFile(positions, path, text, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	used := []string{"_"}
	ast.Inspect(file, func(n ast.Node) bool {
		if n, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := n.X.(*ast.Ident); ok {
				used = append(used, x.Name)
			}
		}
		return true
	})
	b := []byte(text)
	blank := func(n ast.Node) {
		for i := positions.Position(n.Pos()).Offset; i < positions.Position(n.End()).Offset; i++ {
			if b[i] != '\n' {
				b[i] = ' '
			}
		}
	}
	for _, decl := range file.Decls {
		decl, ok := decl.(*ast.GenDecl)
		if !ok || decl.Tok != token.IMPORT {
			continue
		}
		for _, spec := range decl.Specs {
			spec := spec.(*ast.ImportSpec)
			name := filepath.Base(version.ReplaceAllString(strings.Trim(spec.Path.Value, `"`), ""))
			if spec.Name != nil {
				name = spec.Name.Name
			}
			switch {
			case slices.Contains(used, name):
			case decl.Lparen.IsValid():
				blank(spec)
			default:
				blank(decl)
			}
		}
	}
	return string(b)
}
