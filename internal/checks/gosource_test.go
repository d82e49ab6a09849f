package checks

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	// goFile is a file of Go's own that a page names.
	goFile = regexp.MustCompile("`src/([\\w/.]+\\.go)`")

	// goLink is a link to such a file. Its text, if it is code, is a name that
	// is declared there: netpoll(delay), type g, iter.Pull, pollDesc.fdseq.
	goLink = regexp.MustCompile(`\[([^\]]*)\]\(https://go\.dev/src/([\w/.]+)\)`)
)

// What the text says to be in Go's own source is in that of the Go that runs
// this test.
func TestGoHasWhatThePagesName(t *testing.T) {
	t.Parallel()
	source := filepath.Join(strings.TrimSpace(run(t, time.Minute, ".", nil, "go", "env", "GOROOT").stdout), "src")
	if _, there := readIfThere(t, filepath.Join(source, "runtime", "proc.go")); !there {
		t.Fatalf("Go's source is not in %s, where `go env GOROOT` says that it is", source)
	}
	declared := make(map[string][]string) // by path
	for _, p := range allPages(t) {
		for i, line := range p.prose {
			for _, m := range goFile.FindAllStringSubmatch(line, -1) {
				if _, there := readIfThere(t, filepath.Join(source, m[1])); !there {
					t.Errorf("%s: this Go has no src/%s", p.at(i+1), m[1])
				}
			}
			for _, m := range goLink.FindAllStringSubmatch(line, -1) {
				text, path := m[1], m[2]
				if declared[path] == nil {
					declared[path] = declaredInGo(t, filepath.Join(source, path))
				}
				if name := goName(text, path); name != "" && !slices.Contains(declared[path], name) {
					t.Errorf("%s: src/%s of this Go does not declare %s", p.at(i+1), path, name)
				}
			}
		}
	}
}

// goName returns the name that the text of a link to a file says is declared
// there, as declarations has it.
func goName(text, path string) string {
	name, isCode := strings.CutPrefix(text, "`")
	if !isCode || strings.HasSuffix(path, name) {
		return ""
	}
	name = strings.TrimPrefix(strings.TrimSuffix(name, "`"), "type ")
	name, _, _ = strings.Cut(name, "(")
	return strings.TrimPrefix(name, filepath.Base(filepath.Dir(path))+".")
}

// declaredInGo returns what a file declares: gopark, timers, timers.check,
// pollDesc.fdseq. A method or field is in the list without its type as well.
func declaredInGo(t *testing.T, path string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Error(err)
		return []string{}
	}
	names := declarations(file)
	ast.Inspect(file, func(n ast.Node) bool {
		spec, is := n.(*ast.TypeSpec)
		if !is {
			return true
		}
		if s, is := spec.Type.(*ast.StructType); is {
			for _, field := range s.Fields.List {
				for _, name := range field.Names {
					names = append(names, spec.Name.Name+"."+name.Name)
				}
			}
		}
		return false
	})
	for _, name := range names {
		if _, member, is := strings.Cut(name, "."); is {
			names = append(names, member)
		}
	}
	return names
}
