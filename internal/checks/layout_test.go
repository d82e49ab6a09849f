package checks

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	rootEntries = 18  // what a visitor scrolls past before the README
	testLines   = 500 // of a chapter's test file
)

// folderLimits says how many entries a chapter's folder may have, tests and
// pages included, and how many of them may be test files; 0 means no limit of
// its own.
var folderLimits = map[string]struct{ entries, tests int }{
	"01-future-trait":  {entries: 12},
	"02-blocking-poll": {entries: 24},
	"03-reactor":       {entries: 26},
	"04-waker":         {entries: 28},
	"05-executor":      {entries: 30, tests: 8},
	"06-full-runtime":  {tests: 18},
}

// entries lists what git tracks, or would track, directly below a folder. What
// a learner leaves lying around and git ignores doesn't count.
func entries(t *testing.T, dir string) []string {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("this test asks git which files belong to the repository:", err)
	}
	got := run(t, time.Minute, ".", nil, "git", "-c", "safe.directory=*", "ls-files", "-co", "--exclude-standard", "--", dir)
	if got.exit != 0 {
		t.Skip("git can't list the files of this checkout: " + got.stderr)
	}
	var names []string
	for _, path := range lines(got.stdout) {
		if _, there := readIfThere(t, path); !there {
			continue // deleted, but not yet committed
		}
		path = strings.TrimPrefix(path, strings.TrimPrefix(dir+"/", "./"))
		name, _, _ := strings.Cut(path, "/")
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func TestRootFitsOneGlance(t *testing.T) {
	t.Parallel()
	names := entries(t, ".")
	if len(names) > rootEntries {
		t.Errorf("the root has %d entries, want at most %d: %s", len(names), rootEntries, strings.Join(names, " "))
	}
	for _, name := range names {
		if strings.HasSuffix(name, ".go") {
			t.Errorf("%s is in the root: tests belong in internal/checks, programs in folders of their own", name)
		}
	}
}

func TestChapterFoldersFitOneGlance(t *testing.T) {
	t.Parallel()
	for _, c := range chapters {
		limit, tests := folderLimits[c.dir], 0
		names := entries(t, c.dir)
		for _, name := range names {
			if !strings.HasSuffix(name, "_test.go") {
				continue
			}
			tests++
			if n := fileLines(t, filepath.Join(c.dir, name)); n > testLines {
				t.Errorf("%s/%s has %d lines, want at most %d: split it by subject", c.dir, name, n, testLines)
			}
		}
		if limit.entries > 0 && len(names) > limit.entries {
			t.Errorf("%s has %d entries, want at most %d: %s", c.dir, len(names), limit.entries, strings.Join(names, " "))
		}
		if limit.tests > 0 && tests > limit.tests {
			t.Errorf("%s has %d test files, want at most %d", c.dir, tests, limit.tests)
		}
	}
}

// On a hosting site, a link to a folder opens a list of files, and the page
// begins somewhere below it.
func TestLinksToChaptersOpenTheirPage(t *testing.T) {
	t.Parallel()
	for _, p := range allPages(t) {
		for i, line := range p.prose {
			for _, m := range target.FindAllStringSubmatch(codeSpan.ReplaceAllString(line, ""), -1) {
				link, _, _ := strings.Cut(m[1]+m[2]+m[3], "#")
				path := filepath.Join(filepath.Dir(p.path), link)
				if link == "" || scheme.MatchString(link) {
					continue
				}
				if _, err := os.Stat(filepath.Join(path, "README.md")); err == nil {
					t.Errorf("%s links to the folder %s: link to its README.md", p.at(i+1), link)
				}
			}
		}
	}
}
