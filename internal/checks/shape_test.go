package checks

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// chapterPages are the pages of chapter 06, in the order in which they're read.
var chapterPages = []string{"1-one-thread.md", "2-timers.md", "3-straight-lines.md", "4-giving-up.md", "5-streams.md", "6-a-server.md"}

// These are the sections of each kind of page, in order. Others may come in
// between. Whatever isn't part of the lesson is folded under "More".
var (
	chapterSections  = []string{`What you'll see`, `The picture`, `The problem`, `Build it(: .+)?`, `Break it`, `Exercises`, `Next`, `More`}
	entranceSections = []string{`What you'll see`, `The problem`, `The map`, `Run it`, `What's left out, and why`, `Exercises`, `More`}
	pageSections     = []string{`The problem`, `The picture`, `Build it(: .+)?`, `Break it`, `Next`, `More`}
)

// These are the folds under "More".
var (
	chapterFolds  = []string{`Which test proves which claim`, `What changed since .+|The files`, `How Go, tokio and smol do it`, `For readers from Rust`, `Check yourself`, `Words`}
	entranceFolds = []string{`Which test proves which claim`, `The files`, `Words`}
	pageFolds     = []string{`Which test proves which claim`, `How Go, tokio and smol do it`, `Check yourself`, `Words`}
)

// A kind says what a page of that kind looks like.
type kind struct {
	sections, folds []string
	words           [2]int // of the lesson, at least and at most
	shown           int    // lines in code blocks and transcripts, at most
	pictures        [2]int
}

var (
	chapterKind  = kind{chapterSections, chapterFolds, [2]int{1300, 1800}, 230, [2]int{1, 5}}
	entranceKind = kind{entranceSections, entranceFolds, [2]int{600, 900}, 120, [2]int{1, 2}}
	pageKind     = kind{pageSections, pageFolds, [2]int{900, 1100}, 200, [2]int{1, 3}}
	startKind    = kind{nil, nil, [2]int{600, 800}, 60, [2]int{1, 2}}
)

const (
	longestBlock = 45 // lines shown at once
	lessonShare  = 60 // percent of a chapter page's words that aren't folded away, at least
	newCodeShown = 60 // percent of a chapter's new lines of code, at least, in the chapters below
)

// showsMostCode lists the chapters whose pages show most of their new code.
var showsMostCode = []string{"01-future-trait", "03-reactor", "04-waker", "05-executor"}

// kindOf says what the i-th page of the reading order is.
func kindOf(i int) kind {
	switch {
	case i == 0:
		return startKind
	case i < len(chapters):
		return chapterKind
	case i == len(chapters):
		return entranceKind
	}
	return pageKind
}

// readingOrder returns the pages that a reader goes through, from the first to
// the last.
func readingOrder(t *testing.T) (all []page) {
	t.Helper()
	paths := []string{"README.md"}
	for _, c := range chapters {
		paths = append(paths, filepath.Join(c.dir, "README.md"))
	}
	for _, name := range chapterPages {
		paths = append(paths, filepath.Join(chapters[5].dir, name))
	}
	for _, path := range paths {
		text, there := readIfThere(t, path)
		if !there {
			t.Fatalf("%s is missing", path)
		}
		all = append(all, parsePage(path, lines(text)))
	}
	return all
}

// headings returns the headings of the second level, and the lines where they
// are.
func (p page) headings() (texts []string, at []int) {
	for i, line := range p.prose {
		if text, is := strings.CutPrefix(line, "## "); is {
			texts, at = append(texts, text), append(at, i+1)
		}
	}
	return texts, at
}

// section returns the lines of a section without its heading.
func (p page) section(heading string) []string {
	texts, at := p.headings()
	i := slices.Index(texts, heading)
	if i < 0 {
		return nil
	}
	end := len(p.prose)
	if i+1 < len(at) {
		end = at[i+1] - 1
	}
	return p.prose[at[i]:end]
}

func TestPagesHaveTheirSections(t *testing.T) {
	t.Parallel()
	order := readingOrder(t)
	for i, p := range order[1:] {
		k := kindOf(i + 1)
		checkSections(t, p, k.sections)
		checkFolds(t, p, k.folds)
		checkHead(t, p, order[i], order[min(i+2, len(order)-1)])
		if slices.Contains(k.folds, `Check yourself`) {
			checkQuestions(t, p)
		}
		if strings.Count(p.folds()["Words"], "GLOSSARY.md#") < 2 {
			t.Errorf("%s: the fold \"Words\" links to fewer than two words of the glossary", p.path)
		}
	}
}

// Every chapter links to all of its exercises, in the words of
// exercises/README.md.
func TestChaptersLeadToTheirExercises(t *testing.T) {
	t.Parallel()
	index, _ := readIfThere(t, "exercises/README.md")
	for _, c := range chapters {
		text, _ := readIfThere(t, filepath.Join(c.dir, "README.md"))
		p := parsePage(filepath.Join(c.dir, "README.md"), lines(text))
		var want, got []string
		for _, line := range lines(index) {
			if strings.HasPrefix(line, "| [") && strings.Contains(line, "]("+c.dir+"/") {
				want = append(want, strings.Replace(line, "](", "](../exercises/", 1))
			}
		}
		for _, line := range p.section("Exercises") {
			if strings.HasPrefix(line, "| [") {
				got = append(got, line)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" || want == nil {
			t.Errorf("%s: the exercises differ from those in exercises/README.md (-exercises +chapter):\n%s", p.path, diff)
		}
	}
}

func checkSections(t *testing.T, p page, want []string) {
	t.Helper()
	got, _ := p.headings()
	for _, section := range want {
		i := slices.IndexFunc(got, regexp.MustCompile("^("+section+")$").MatchString)
		if i < 0 {
			t.Errorf("%s: no section matches %q, or it's out of order: want %q", p.path, section, want)
			return
		}
		got = got[i+1:]
	}
	if len(got) > 0 && len(want) > 0 {
		t.Errorf("%s: %q comes after %q, which is the last section", p.path, got, want[len(want)-1])
	}
}

func checkFolds(t *testing.T, p page, want []string) {
	t.Helper()
	folds := p.folds()
	for _, summary := range want {
		re, found := regexp.MustCompile("^("+summary+")$"), false
		for s := range folds {
			found = found || re.MatchString(s)
		}
		if !found {
			t.Errorf("%s: nothing is folded under a summary that matches %q", p.path, summary)
		}
	}
}

// checkHead looks at the title, at the line of links below it, which says how
// many minutes the page takes, and at the one sentence after that.
func checkHead(t *testing.T, p, before, after page) {
	t.Helper()
	if title := regexp.MustCompile(`^# \d(\.\d)?\. `); !title.MatchString(p.prose[0]) {
		t.Errorf("%s: the title does not match %q", p.at(1), title)
	}
	if minutes(p) == 0 {
		t.Errorf("%s: the line does not say how many minutes the page takes", p.at(3))
	}
	for _, other := range []page{before, after} {
		link, err := filepath.Rel(filepath.Dir(p.path), other.path)
		if err != nil {
			t.Fatal(err)
		}
		if other.path == p.path {
			continue
		}
		if all := p.prose[2] + strings.Join(p.section("Next"), " ") + strings.Join(p.section("The map"), " "); !strings.Contains(all, "]("+link) {
			t.Errorf("%s: neither this line nor the last section links to %s", p.at(3), other.path)
		}
	}
}

func minutes(p page) int {
	m := regexp.MustCompile(`(\d+) minutes`).FindStringSubmatch(p.prose[2])
	if m == nil {
		return 0
	}
	return firstNumber(m[1])
}

// checkQuestions wants three questions with their answers, one of which asks
// what a program would do.
func checkQuestions(t *testing.T, p page) {
	t.Helper()
	asked := regexp.MustCompile(`(?m)^\*\*(.+\?)\*\*`).FindAllString(p.folds()["Check yourself"], -1)
	if len(asked) < 3 {
		t.Errorf("%s: %d questions in bold under \"Check yourself\", want 3", p.path, len(asked))
	}
	if does := regexp.MustCompile(`What (does|do|will|would|happens)\b`); !slices.ContainsFunc(asked, does.MatchString) {
		t.Errorf("%s: no question under \"Check yourself\" matches %q", p.path, does)
	}
}

// TestMeasureOfPages prints how long each page is, and rejects a page that
// nobody would want to read:
//
//	go test -v -run TestMeasureOfPages ./internal/checks
func TestMeasureOfPages(t *testing.T) {
	t.Parallel()
	t.Logf("%-36s %6s %6s %7s %6s %7s %8s %8s", "page", "lesson", "all", "blocks", "lines", "longest", "pictures", "new code")
	for i, p := range readingOrder(t) {
		k, m := kindOf(i), measure(p)
		shown := ""
		if i > 0 && i <= len(chapters) {
			share := newCode(t, i-1, p)
			shown = fmt.Sprint(share, " %")
			if c := chapters[i-1].dir; slices.Contains(showsMostCode, c) && share < newCodeShown {
				t.Errorf("%s shows %d %% of the chapter's new lines of code, want at least %d %%", p.path, share, newCodeShown)
			}
		}
		t.Logf("%-36s %6d %6d %7d %6d %7d %8d %8s", p.path, m.lesson, m.words, len(m.blocks), m.lines, m.longest(), m.pictures, shown)
		if m.longest() > longestBlock || m.lines > k.shown {
			t.Errorf("%s shows %d lines of code and output, %d of them at once; want at most %d and %d", p.path, m.lines, m.longest(), k.shown, longestBlock)
		}
		if m.lesson < k.words[0] || m.lesson > k.words[1] {
			t.Errorf("%s: the lesson has %d words, want %d to %d", p.path, m.lesson, k.words[0], k.words[1])
		}
		if k.folds != nil && 100*m.lesson < lessonShare*m.words {
			t.Errorf("%s: the lesson has %d of the page's %d words, want at least %d %%", p.path, m.lesson, m.words, lessonShare)
		}
		if m.pictures < k.pictures[0] || m.pictures > k.pictures[1] {
			t.Errorf("%s has %d pictures, want %d to %d", p.path, m.pictures, k.pictures[0], k.pictures[1])
		}
	}
}

type measurements struct {
	words    int   // of the prose, without the targets of links
	lesson   int   // of those that aren't folded away or in a table
	blocks   []int // lines of each block that isn't folded away; sorted
	lines    int   // of all these blocks
	pictures int
}

func (m measurements) longest() int {
	if len(m.blocks) == 0 {
		return 0
	}
	return m.blocks[len(m.blocks)-1]
}

var oneWord = regexp.MustCompile(`\S*[\pL\pN]\S*`)

func countWords(line string) int {
	return len(oneWord.FindAllString(htmlTag.ReplaceAllString(linkText.ReplaceAllString(line, "$1"), ""), -1))
}

func measure(p page) (m measurements) {
	unfolded := p.unfolded()
	for i, line := range p.prose {
		if !strings.HasPrefix(line, "|") {
			m.words += countWords(line)
			m.lesson += countWords(unfolded[i])
		}
		if strings.HasPrefix(line, "<picture") {
			m.pictures++
		}
	}
	for _, f := range p.fences {
		switch {
		case f.language == "mermaid":
			m.pictures++
		case !p.foldedAt(f.line):
			m.blocks = append(m.blocks, len(f.lines))
			m.lines += len(f.lines)
		}
	}
	slices.Sort(m.blocks)
	return m
}

// foldedAt reports whether a line is inside <details>.
func (p page) foldedAt(line int) bool {
	depth := 0
	for _, text := range p.prose[:line] {
		depth += strings.Count(text, "<details") - strings.Count(text, "</details>")
	}
	return depth > 0
}

// newCode returns how many percent of the lines of code that are new in a
// chapter stand on its page. A line of code has more on it than a comment, an
// import or a bracket; the files for other systems don't count.
func newCode(t *testing.T, chapter int, p page) (percent int) {
	t.Helper()
	on := make(map[string]int)
	for _, f := range p.fences {
		if f.language == "go" {
			for _, line := range f.lines {
				on[strings.TrimSpace(line)]++
			}
		}
	}
	all, shown := 0, 0
	for _, name := range goFiles(t, chapters[chapter].dir) {
		if name == "kqueue_bsd.go" {
			continue
		}
		now, _ := readIfThere(t, filepath.Join(chapters[chapter].dir, name))
		before := ""
		if chapter > 0 {
			before, _ = readIfThere(t, filepath.Join(chapters[chapter-1].dir, name))
		}
		_, added := difference(lines(before), lines(now))
		for _, line := range added {
			if !isCode.MatchString(line) || notCode.MatchString(line) {
				continue
			}
			all++
			if on[line] > 0 {
				on[line]--
				shown++
			}
		}
	}
	return 100 * shown / max(all, 1)
}

var (
	isCode  = regexp.MustCompile(`[\pL\pN]`)
	notCode = regexp.MustCompile(`^(//|package |import |"[\w./-]+"$)`)
)

func chapterPage(t *testing.T, dir string) page {
	t.Helper()
	path := filepath.Join(dir, "README.md")
	text, _ := readIfThere(t, path)
	return parsePage(path, lines(text))
}
