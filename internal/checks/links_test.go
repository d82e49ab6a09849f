package checks

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

var (
	codeSpan = regexp.MustCompile("`[^`]*`")
	linkText = regexp.MustCompile(`!?\[([^\]]*)\]\([^)]*\)`)
	target   = regexp.MustCompile(`\]\(([^)\s]+)[^)]*\)|^\[[^\]]+\]:\s+(\S+)|\b(?:href|src|srcset)="([^"\s]+)`)
	scheme   = regexp.MustCompile(`^[a-z]+:`)
	htmlID   = regexp.MustCompile(`\b(?:id|name)="([^"]+)"`)
)

func TestLinks(t *testing.T) {
	t.Parallel()
	for _, p := range pages(t) {
		checkLinks(t, p)
	}
}

func checkLinks(t *testing.T, p page) {
	t.Helper()
	for i, line := range p.prose {
		for _, m := range target.FindAllStringSubmatch(codeSpan.ReplaceAllString(line, ""), -1) {
			if link := m[1] + m[2] + m[3]; !scheme.MatchString(link) {
				checkLink(t, p, i+1, link)
			}
		}
	}
}

func checkLink(t *testing.T, p page, line int, link string) {
	t.Helper()
	path, fragment, _ := strings.Cut(link, "#")
	if path = filepath.Join(filepath.Dir(p.path), path); strings.HasPrefix(link, "#") {
		path = p.path
	}
	info, err := os.Stat(path)
	if err != nil || strings.HasPrefix(path, "..") {
		t.Errorf("%s: there's no %s in this repository", p.at(line), path)
		return
	}
	if fragment == "" {
		return
	}
	if info.IsDir() {
		path = filepath.Join(path, "README.md")
	}
	text, _ := readIfThere(t, path)
	there := false
	if filepath.Ext(path) == ".md" {
		there = anchors(parsePage(path, lines(text)))[fragment]
	} else if m := regexp.MustCompile(`^L(\d+)(?:-L(\d+))?$`).FindStringSubmatch(fragment); m != nil {
		first, _ := strconv.Atoi(m[1])
		last, _ := strconv.Atoi(m[2])
		there = max(first, last) <= len(lines(text))
	}
	if !there {
		t.Errorf("%s: %s has no #%s", p.at(line), path, fragment)
	}
}

// anchors are the names by which links reach the headings of a page.
func anchors(p page) map[string]bool {
	all := make(map[string]bool)
	for _, line := range p.prose {
		for _, m := range htmlID.FindAllStringSubmatch(line, -1) {
			all[m[1]] = true
		}
		heading := strings.TrimLeft(line, "#")
		if level := len(line) - len(heading); level == 0 || level > 6 || !strings.HasPrefix(heading, " ") {
			continue
		}
		name := strings.Map(func(r rune) rune {
			switch {
			case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
				return unicode.ToLower(r)
			case r == ' ':
				return '-'
			}
			return -1
		}, strings.TrimSpace(linkText.ReplaceAllString(heading, "$1")))
		unique := name
		for n := 1; all[unique]; n++ {
			unique = fmt.Sprintf("%s-%d", name, n)
		}
		all[unique] = true
	}
	return all
}

// playgroundSite is docs/play, published.
const playgroundSite = "https://async-go-tutorial.github.io/async-runtime/"

// SOURCES.md lists everything outside of this repository and its site that a
// page links to.
func TestSourcesAreListed(t *testing.T) {
	t.Parallel()
	text, _ := readIfThere(t, "docs/SOURCES.md")
	for _, p := range pages(t) {
		if p.path == ".github/CONTRIBUTING.md" || p.path == propertiesPage {
			continue
		}
		for i, line := range p.prose {
			for _, m := range target.FindAllStringSubmatch(codeSpan.ReplaceAllString(line, ""), -1) {
				if link := m[1] + m[2] + m[3]; scheme.MatchString(link) && !strings.HasPrefix(link, playgroundSite) && !strings.Contains(text, "]("+link+")") {
					t.Errorf("%s: %s is not in SOURCES.md", p.at(i+1), link)
				}
			}
		}
	}
}

// A test that a page names is one of the chapter's, or one of these, or, in docs and .github, one of chapter 06.
func TestTestsThatPagesNameExist(t *testing.T) {
	t.Parallel()
	declared := make(map[string][]string) // by folder
	for _, path := range repositoryFiles(t, ".go") {
		if strings.HasSuffix(path, "_test.go") {
			dir := filepath.Dir(path)
			declared[dir] = append(declared[dir], declarations(parse(t, path))...)
		}
	}
	name := regexp.MustCompile("`((?:Test|Fuzz|Benchmark)\\w+)`")
	for _, p := range pages(t) {
		if p.path == propertiesPage { // see TestPropertiesTable
			continue
		}
		for i, line := range p.prose {
			for _, m := range name.FindAllStringSubmatch(line, -1) {
				if !slices.Contains(declared[filepath.Dir(p.path)], m[1]) && !slices.Contains(declared["internal/checks"], m[1]) &&
					!((strings.HasPrefix(p.path, "docs/") || strings.HasPrefix(p.path, ".github/")) && slices.Contains(declared[chapters[len(chapters)-1].dir], m[1])) {
					t.Errorf("%s: there's no %s in %s", p.at(i+1), m[1], filepath.Dir(p.path))
				}
			}
		}
	}
}
