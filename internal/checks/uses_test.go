package checks

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	// programs are the files of chapter 06 that use the runtime. All others are the
	// runtime.
	programs = "main.go demo.go relay_hand.go relay_await.go workload.go echo.go get.go httpget.go serve.go server.go worker.go request.go answer.go"

	// contract are the files that say what a future, a waker and a context are, and
	// what belongs to which of them. Every other file speaks their language, so
	// they aren't counted.
	contract = "future.go waker.go context.go ownership.go"

	maxUses = 6 // other files that a file of the runtime uses
)

// A reader of one file has to look into few others. A file uses another one if it
// names something that's declared there: a function, a type, a method, a field.
func TestRuntimeFilesUseFewOthers(t *testing.T) {
	t.Parallel()
	all := usesBetweenFiles(t, "06-full-runtime")
	for _, file := range slices.Sorted(maps.Keys(all)) {
		if isIn(file, programs) {
			continue
		}
		var counted, spoken []string
		for _, used := range slices.Sorted(maps.Keys(all[file])) {
			names := strings.Join(slices.Sorted(maps.Keys(all[file][used])), ", ")
			if isIn(used, programs) {
				t.Errorf("%s is a part of the runtime, and uses %s of the program's %s: move that, or pass it in", file, names, used)
			}
			if isIn(used, contract) {
				spoken = append(spoken, used)
			} else {
				counted = append(counted, used+" ("+names+")")
			}
		}
		t.Logf("%s uses %d: %s; and %s", file, len(counted), strings.Join(counted, ", "), strings.Join(spoken, ", "))
		if len(counted) > maxUses {
			t.Errorf("%s uses %d other files, want at most %d: move what is used to where it belongs\n\t%s",
				file, len(counted), maxUses, strings.Join(counted, "\n\t"))
		}
	}
}

func isIn(file, list string) bool { return slices.Contains(strings.Fields(list), file) }

// usesBetweenFiles returns, for each file of a chapter as Linux compiles it, and
// for each other file that it uses, the names of what it uses.
func usesBetweenFiles(t *testing.T, dir string) map[string]map[string]map[string]bool {
	t.Helper()
	positions := token.NewFileSet()
	var files []*ast.File
	all := make(map[string]map[string]map[string]bool)
	for _, name := range goFiles(t, dir) {
		if strings.HasSuffix(name, "_bsd.go") {
			continue
		}
		file, err := parser.ParseFile(positions, filepath.Join(dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files, all[name] = append(files, file), make(map[string]map[string]bool)
	}
	// Only the chapter's own names matter, so other packages aren't loaded, and
	// errors about them are ignored.
	info := types.Info{Uses: make(map[*ast.Ident]types.Object)}
	config := types.Config{Importer: noPackages{}, Error: func(error) {}}
	pkg, _ := config.Check(dir, positions, files, &info)
	nameOf := func(pos token.Pos) string { return filepath.Base(positions.Position(pos).Filename) }
	for identifier, object := range info.Uses {
		if _, is := object.(*types.PkgName); is || object.Pkg() != pkg {
			continue
		}
		file, used := nameOf(identifier.Pos()), nameOf(object.Pos())
		if file == used {
			continue
		}
		if all[file][used] == nil {
			all[file][used] = make(map[string]bool)
		}
		all[file][used][object.Name()] = true
	}
	return all
}

type noPackages struct{}

func (noPackages) Import(path string) (*types.Package, error) {
	return nil, errors.New("other packages aren't loaded")
}
