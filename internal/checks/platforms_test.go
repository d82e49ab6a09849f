package checks

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/build"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"strings"
	"testing"
)

func TestContainerHasAGoThatIsNewEnough(t *testing.T) {
	t.Parallel()
	text, _ := readIfThere(t, ".devcontainer/devcontainer.json")
	var container struct{ Image string }
	if err := json.Unmarshal([]byte(text), &container); err != nil {
		t.Fatal(err)
	}
	mod, _ := readIfThere(t, "go.mod")
	var has, wants int
	_, errHas := fmt.Sscanf(container.Image, "golang:1.%d", &has)
	_, errWants := fmt.Sscanf(mod[max(strings.Index(mod, "\ngo "), 0):], "\ngo 1.%d", &wants)
	if errHas != nil || errWants != nil || has < wants {
		t.Errorf("the container is %q, go.mod wants Go 1.%d", container.Image, wants)
	}
	platforms, _ := readIfThere(t, "docs/PLATFORMS.md")
	if !strings.Contains(platforms, " "+container.Image+" ") {
		t.Errorf("PLATFORMS.md does not run %q", container.Image)
	}
}

// .ci/run vets everything for macOS, which compiles Go's library for it. For the
// BSDs the chapters are only type-checked, tests included: that takes a tenth of
// the time. It isn't parallel, as the importer
// has the system in a global variable.
func TestChaptersHaveTypesOnEachBSD(t *testing.T) {
	onlyIfAll(t)
	usual := build.Default
	defer func() { build.Default = usual }()
	for _, system := range []string{"freebsd", "netbsd", "openbsd", "dragonfly"} {
		build.Default.GOOS, build.Default.CgoEnabled = system, false
		files := token.NewFileSet()
		config := types.Config{
			Importer: importer.ForCompiler(files, "source", nil),
			Sizes:    types.SizesFor("gc", build.Default.GOARCH),
			Error:    func(err error) { t.Errorf("%s: %v", system, err) },
		}
		for _, chapter := range chapterFolders(t) {
			folder, err := build.ImportDir(chapter, 0)
			if err != nil {
				t.Fatal(err)
			}
			var parsed []*ast.File
			for _, name := range append(folder.GoFiles, folder.TestGoFiles...) {
				file, err := parser.ParseFile(files, filepath.Join(chapter, name), nil, parser.SkipObjectResolution)
				if err != nil {
					t.Fatal(err)
				}
				parsed = append(parsed, file)
			}
			config.Check("main", files, parsed, nil) // Error is told what is wrong
		}
	}
}

// The systems that we don't have are tried by the hosted workflow. The page about
// them says when that was seen green, and that macOS keeps a short backlog.
func TestOtherSystemsAreTried(t *testing.T) {
	t.Parallel()
	workflow := otherSystems(t, ".github/workflows/ci.yml")
	page := otherSystems(t, "docs/PLATFORMS.md")
	for _, want := range []string{"macos-latest", "freebsd", "netbsd", "openbsd", "kern.ipc.somaxconn", "go test -p 1 ./0[1-6]*/"} {
		if !strings.Contains(workflow, want) {
			t.Errorf("the workflow says nothing of %s", want)
		}
	}
	for _, want := range []string{"last seen green?", "kern.ipc.somaxconn", "macOS", "FreeBSD", "NetBSD", "OpenBSD"} {
		if !strings.Contains(page, want) {
			t.Errorf("docs/PLATFORMS.md says nothing of %s", want)
		}
	}
}

func otherSystems(t *testing.T, path string) string {
	t.Helper()
	text, _ := readIfThere(t, path)
	return text
}
