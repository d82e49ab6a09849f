package checks

import (
	"fmt"
	"go/ast"
	"go/build"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Most of the time that a wrong answer takes is spent on linking a test of its
// own. So all versions of an exercise are linked into one: each is a copy of the
// package, with the test files as ordinary ones. Each still has a process of its
// own, which is told in the environment which version it is.

var (
	packageMain = regexp.MustCompile(`(?m)^package main$`)
	testFile    = regexp.MustCompile(`((_linux)?)_test\.go$`) // a system stays at the end
	copiedFile  = regexp.MustCompile(`_t((_linux)?)\.go:`)
)

const versionVar = "EXERCISE_VERSION"

// tryVersions runs the tests of an exercise on versions of its edited file: first
// only some tests of each version, if there are any, and all of them if that fails
// to say enough.
func tryVersions(t *testing.T, e exercise, versions []string, first map[string][]string, enough func(version string, o outcome) bool) []outcome {
	t.Helper()
	o := &overlaid{t.TempDir(), make(map[string]string)}
	driver := filepath.Join(e.dir(), "versions", "versions_test.go")
	imports, values := "", ""
	tests := testNames(t, e.dir())
	for i, version := range versions {
		pkg := fmt.Sprintf("v%d", i)
		addVersion(t, o, e, version, pkg)
		imports += fmt.Sprintf("\t%q\n", exercisesPath+e.name+"/versions/"+pkg)
		values += fmt.Sprintf("\t%q: {", pkg)
		for _, test := range tests {
			values += fmt.Sprintf("%q: %s.%s, ", test, pkg, test)
		}
		values += "},\n"
	}
	text := "package versions\n\nimport (\n\t\"os\"\n\t\"testing\"\n" + imports +
		")\n\nvar versions = map[string]map[string]func(*testing.T){\n" + values + "}\n"
	for _, test := range tests {
		text += fmt.Sprintf("\nfunc %s(t *testing.T) { versions[os.Getenv(%q)][%q](t) }\n", test, versionVar, test)
	}
	o.add(t, driver, text)

	program := filepath.Join(o.dir, "versions")
	build := []string{"test", "-c", "-vet=off", "-ldflags=-s -w", "-overlay", o.write(t), "-o", program}
	args := []string{"-test.v", "-test.timeout=5m"}
	for _, flag := range strings.Fields(os.Getenv("EXERCISE_FLAGS")) {
		if count, ok := strings.CutPrefix(flag, "-count="); ok {
			args = append(args, "-test.count="+count)
		} else {
			build = append(build, flag)
		}
	}
	if got := run(t, 5*time.Minute, ".", []string{compiles}, "go", append(build, "./"+filepath.Dir(driver))...); got.exit != 0 {
		t.Fatalf("the versions of %s don't build:\n%s", e.name, got.stderr)
	}
	outcomes := make([]outcome, len(versions))
	var group sync.WaitGroup
	free := make(chan struct{}, 2)
	try := func(i int, more ...string) outcome {
		got := run(t, 10*time.Minute, e.dir(), []string{fmt.Sprintf("%s=v%d", versionVar, i)}, program, append(more, args...)...)
		return outcome{got.exit == 0, copiedFile.ReplaceAllString(got.stdout+got.stderr, "${1}_test.go:")}
	}
	for i, version := range versions {
		group.Go(func() {
			free <- struct{}{}
			if some := first[version]; len(some) > 0 {
				outcomes[i] = try(i, "-test.run=^("+strings.Join(some, "|")+")$")
			}
			if outcomes[i].output == "" || !enough(version, outcomes[i]) {
				outcomes[i] = try(i)
			}
			<-free
		})
	}
	group.Wait()
	return outcomes
}

// addVersion adds a copy of an exercise's package.
func addVersion(t *testing.T, o *overlaid, e exercise, version, pkg string) {
	t.Helper()
	entries, err := os.ReadDir(e.dir())
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		path := filepath.Join(e.dir(), entry.Name())
		if entry.IsDir() {
			continue
		}
		from := path
		if path == e.edited {
			from = e.file(version)
		}
		text, there := readIfThere(t, from)
		if !there {
			t.Fatal("there's no ", from)
		}
		if filepath.Ext(path) == ".go" {
			text = packageMain.ReplaceAllString(text, "package "+pkg)
		}
		o.add(t, filepath.Join(e.dir(), "versions", pkg, testFile.ReplaceAllString(entry.Name(), "_t$1.go")), text)
	}
}

// testNames are the tests of a package, in the order of its files.
func testNames(t *testing.T, dir string) (names []string) {
	t.Helper()
	paths, _ := filepath.Glob(filepath.Join(dir, "*_test.go"))
	for _, path := range paths {
		if here, err := build.Default.MatchFile(dir, filepath.Base(path)); err != nil || !here {
			continue
		}
		for _, decl := range parseGo(t, token.NewFileSet(), path).Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && isTest(f) {
				names = append(names, f.Name.Name)
			}
		}
	}
	if len(names) == 0 || slices.Contains(names, "TestMain") {
		t.Fatalf("%s has the tests %q: want some, and no TestMain", dir, names)
	}
	return names
}

func isTest(f *ast.FuncDecl) bool {
	return regexp.MustCompile(`^Test([^a-z]|$)`).MatchString(f.Name.Name) && f.Type.Params.NumFields() == 1
}
