package checks

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The pages of chapter 06, in the order in which they are read.
var chapterPages = []string{"parking.md", "timers.md", "choosing.md", "streams.md", "await.md"}

// sections are the headings of each chapter, in this order. Those of a page of
// chapter 06 are the last ones, from "Break it" on. Others may come in between.
var sections = []string{
	`What you will have`,
	`The picture`,
	`What (is|was) wrong with .+`,
	`Build it(: .+)?`,
	`Break it`,
	`(Run it, test it|Test it)`,
	`(The files|What changed)`,
	`Where Go does this, and the others`,
	`Check yourself`,
	`Words`,
	`Exercises`,
	`Next`,
}

// ofTheChapter stand in a chapter's README only.
var ofTheChapter = []string{`(The files|What changed)`, `Exercises`}

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

func (p page) isREADME() bool { return filepath.Base(p.path) == "README.md" }

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
		want := sections
		if !p.isREADME() {
			want = slices.DeleteFunc(slices.Clone(sections[4:]), func(s string) bool { return slices.Contains(ofTheChapter, s) })
		}
		checkSections(t, p, want)
		checkHead(t, p, order[i], order[min(i+2, len(order)-1)])
		checkQuestions(t, p)
		if n := len(p.section("Words")); strings.Count(strings.Join(p.section("Words"), "\n"), "GLOSSARY.md#") < 2 {
			t.Errorf("%s: %q, of %d lines, leads to fewer than two words of the glossary", p.path, "Words", n)
		}
	}
}

// A chapter leads to all of its exercises, in the words of exercises/README.md.
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
			t.Errorf("%s: the exercises are not those of exercises/README.md (-exercises +chapter):\n%s", p.path, diff)
		}
	}
}

func checkSections(t *testing.T, p page, want []string) {
	t.Helper()
	got, _ := p.headings()
	for _, section := range want {
		i := slices.IndexFunc(got, regexp.MustCompile("^"+section+"$").MatchString)
		if i < 0 {
			t.Errorf("%s: there is no section that matches %q, or not in its place: want %q", p.path, section, want)
			return
		}
		got = got[i+1:]
	}
}

// checkHead looks at the title, and at the line of links below it, which says
// how many minutes it takes.
func checkHead(t *testing.T, p, before, after page) {
	t.Helper()
	if title := regexp.MustCompile(`^# \d[a-z]?\. `); !title.MatchString(p.prose[0]) {
		t.Errorf("%s: the title does not match %q", p.at(1), title)
	}
	if minutes(p) == 0 {
		t.Errorf("%s: the line does not say how many minutes it takes", p.at(3))
	}
	for _, other := range []page{before, after} {
		link, err := filepath.Rel(filepath.Dir(p.path), other.path)
		if err != nil {
			t.Fatal(err)
		}
		if other.path == p.path || filepath.Base(before.path) == "README.md" && !p.isREADME() && other.isREADME() {
			continue
		}
		short := strings.TrimSuffix(link, "/README.md")
		if all := p.prose[2] + p.prose[len(p.prose)-1]; !strings.Contains(all, "]("+link) && !strings.Contains(all, "]("+short+")") {
			t.Errorf("%s: neither this line nor the last one leads to %s", p.at(3), other.path)
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

// checkQuestions wants three with their answers, and one that asks what a
// program would do.
func checkQuestions(t *testing.T, p page) {
	t.Helper()
	asked := regexp.MustCompile(`<details><summary>(.*)</summary>`).FindAllString(strings.Join(p.section("Check yourself"), "\n"), -1)
	if len(asked) < 3 {
		t.Errorf("%s: %d questions, want 3", p.path, len(asked))
	}
	if does := regexp.MustCompile(`What does .*(print|report|yield|get|do)\b`); !slices.ContainsFunc(asked, does.MatchString) {
		t.Errorf("%s: no question matches %q", p.path, does)
	}
}

// The measure of a page. It is printed, and only what nobody wants to read is
// rejected:
//
//	go test -v -run TestMeasureOfPages .
func TestMeasureOfPages(t *testing.T) {
	t.Parallel()
	t.Logf("%-28s %6s %7s %6s %7s %8s %8s %6s", "page", "words", "blocks", "lines", "median", "longest", "pictures", "first")
	for _, p := range readingOrder(t) {
		m := measure(p)
		t.Logf("%-28s %6d %7d %6d %7d %8d %8d %5d%%", p.path, m.words, len(m.blocks), m.lines, m.median(), m.longest(), m.pictures, m.first)
		if m.longest() > 30 || m.lines > 160 {
			t.Errorf("%s: %d lines are shown, %d of them at once, want at most 160 and 30", p.path, m.lines, m.longest())
		}
		if m.pictures < 1 || m.pictures > 2 {
			t.Errorf("%s has %d pictures, want one or two", p.path, m.pictures)
		}
	}
}

type measurements struct {
	words    int   // of the prose, without the targets of links
	blocks   []int // lines of each, without pictures; sorted
	lines    int   // of all blocks
	pictures int
	first    int // where the first picture is, in percent of the words
}

func (m measurements) median() int  { return at(m.blocks, len(m.blocks)/2) }
func (m measurements) longest() int { return at(m.blocks, len(m.blocks)-1) }

func at(all []int, i int) int {
	if i < 0 || i >= len(all) {
		return 0
	}
	return all[i]
}

func measure(p page) (m measurements) {
	words := make([]int, len(p.prose)+1) // before each line
	for i, line := range p.prose {
		words[i+1] = words[i] + len(regexp.MustCompile(`\S*[\pL\pN]\S*`).FindAllString(linkText.ReplaceAllString(line, "$1"), -1))
		if strings.HasPrefix(line, "<picture") {
			m.picture(words[i])
		}
	}
	for _, f := range p.fences {
		if f.language == "mermaid" {
			m.picture(words[f.line-1])
			continue
		}
		m.blocks = append(m.blocks, len(f.lines))
		m.lines += len(f.lines)
	}
	slices.Sort(m.blocks)
	m.words = words[len(p.prose)]
	m.first = 100 * m.first / max(m.words, 1)
	return m
}

func (m *measurements) picture(at int) {
	if m.pictures++; m.pictures == 1 || at < m.first {
		m.first = at
	}
}
