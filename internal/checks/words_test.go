package checks

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A term is a word of the glossary.
type term struct {
	id, name string
	chapter  int // where it is defined
	page     int // of chapter 06, if that's where; 0 is its entrance
	line     int // of the glossary
	uses     *regexp.Regexp
}

var (
	entry = regexp.MustCompile(`^- <a id="([^"]+)"></a>\*\*([^*]+)\*\* \((0[1-5]|06(?:\.(\d))?)\): \S`)

	// everyday is what looks like a term and is none.
	everyday = regexp.MustCompile(`(?i)\bsources:|\bhandled\b`)

	htmlTag = regexp.MustCompile(`<[^>]*>`)
	anyLink = regexp.MustCompile(`\[[^\]]*\]\([^)]*\)`)
)

func glossary(t *testing.T) (all []term) {
	t.Helper()
	text, _ := readIfThere(t, "docs/GLOSSARY.md")
	for i, line := range lines(text) {
		if !strings.HasPrefix(line, "- ") {
			continue
		}
		m := entry.FindStringSubmatch(line)
		if m == nil {
			t.Errorf("GLOSSARY.md:%d does not match %s", i+1, entry)
			continue
		}
		chapter, _ := strconv.Atoi(m[3][:2])
		page, _ := strconv.Atoi(m[4])
		uses := regexp.MustCompile(`(?i)\b` + regexp.QuoteMeta(m[2]) + `(s|d|ed|led|ing|ling)?\b`)
		all = append(all, term{m[1], m[2], chapter, page, i + 1, uses})
	}
	return all
}

func TestGlossaryIsInOrder(t *testing.T) {
	t.Parallel()
	words := glossary(t)
	for i, w := range words {
		if i > 0 && strings.ToLower(words[i-1].name) >= strings.ToLower(w.name) {
			t.Errorf("GLOSSARY.md:%d: %s comes after %s", w.line, w.name, words[i-1].name)
		}
		if w.chapter < 1 || w.chapter > len(chapters) {
			t.Errorf("GLOSSARY.md:%d: there's no chapter %02d", w.line, w.chapter)
		}
	}
}

// Where a page uses a term first, it is in italics, and so defined there, or
// leads to the glossary: on the pages before its chapter, and in its chapter.
// Headings, other links, tags, code, and the title and the line of links below it do not count.
func TestNoTermIsUsedBeforeItIsDefined(t *testing.T) {
	t.Parallel()
	order := readingOrder(t)
	for _, word := range glossary(t) {
		defined := false
		for i, p := range order {
			if chapter := min(i, len(chapters)); chapter > word.chapter || defined {
				break
			}
			line, use, isDefined := firstUse(p, word)
			if line > 0 && !isDefined {
				t.Errorf("%s: %q is used here, but not in italics, so not defined, and does not lead to GLOSSARY.md#%s: …%s…",
					p.at(line), word.name, word.id, use)
			}
			defined = line > 0 && i >= word.chapter
		}
		if !defined {
			t.Errorf("GLOSSARY.md:%d: %s is not used in chapter %02d", word.line, word.name, word.chapter)
		}
	}
}

// firstUse returns the number of the line where a page uses a term first, 0 if
// nowhere, what stands there, and whether it is defined there.
func firstUse(p page, word term) (line int, use string, defined bool) {
	link := regexp.MustCompile(`\[[^\]]*\]\([^)]*#` + word.id + `\)`)
	const head, isLink = 4, "\x00"
	for i, text := range p.prose {
		if strings.HasPrefix(text, "#") || i < head && p.path != "README.md" {
			continue
		}
		text = codeSpan.ReplaceAllString(link.ReplaceAllString(text, isLink), "")
		text = everyday.ReplaceAllString(htmlTag.ReplaceAllString(anyLink.ReplaceAllString(text, ""), ""), "")
		at := word.uses.FindStringIndex(text)
		if linked := strings.Index(text, isLink); linked >= 0 && (at == nil || linked < at[0]) {
			return i + 1, "", true
		}
		if at != nil {
			before, after := text[:at[0]], text[at[1]:]
			italic := strings.HasSuffix(before, "*") || strings.HasPrefix(after, "*")
			return i + 1, lastBytes(before, 40) + text[at[0]:at[1]] + firstBytes(after, 20), italic
		}
	}
	return 0, "", false
}

func lastBytes(s string, n int) string  { return s[max(0, len(s)-n):] }
func firstBytes(s string, n int) string { return s[:min(n, len(s))] }

// A term that a page lists under "Words" is one of the glossary's, and every
// term is listed on the page that the glossary gives.
func TestEveryTermIsListedInItsChapter(t *testing.T) {
	t.Parallel()
	listed := make(map[int][]string) // ids by page, in reading order
	for i, p := range readingOrder(t) {
		for _, m := range regexp.MustCompile(`GLOSSARY\.md#([\w-]+)\)`).FindAllStringSubmatch(p.folds()["Words"], -1) {
			listed[i] = append(listed[i], m[1])
		}
	}
	for _, w := range glossary(t) {
		if !slices.Contains(listed[w.chapter+w.page], w.id) {
			t.Errorf("GLOSSARY.md:%d: page %d of chapter %02d doesn't list %q under Words", w.line, w.page, w.chapter, w.name)
		}
	}
}
