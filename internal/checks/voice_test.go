package checks

import (
	"regexp"
	"strings"
	"testing"
)

// Two habits make a page read as if it were translated, and both can be
// counted. "Who" and its relatives stand for a thing that has a name: a task,
// the reactor, the kernel. A page without contractions doesn't talk to anyone.
const (
	mostWho           = 3.0 // in 1,000 words
	fewestContracted  = 8.0 // in 1,000 words
	shortestPageCheck = 200 // words; below that, a rate says nothing
)

var (
	whoBody    = regexp.MustCompile(`(?i)\b(who|whom|whose|whoever|whomever|somebody|someone|nobody|everybody|everyone|anybody|anyone)\b`)
	contracted = regexp.MustCompile(`(?i)\b\w+(n't|'re|'ll|'ve|'d|'m)\b|\b(it|that|there|here|what|let|who|he|she|where|how)'s\b`)
	plainWord  = regexp.MustCompile(`[A-Za-z][A-Za-z'-]*`)
	emphasized = regexp.MustCompile(`[*_]{1,2}([^*_]+)[*_]{1,2}`)
)

func TestPagesTalkToTheirReader(t *testing.T) {
	t.Parallel()
	for _, p := range allPages(t) {
		text := p.lessonText()
		words := float64(len(plainWord.FindAllString(text, -1)))
		if words < shortestPageCheck {
			continue
		}
		rate := func(re *regexp.Regexp) float64 { return 1000 * float64(len(re.FindAllString(text, -1))) / words }
		if n := rate(whoBody); n >= mostWho {
			t.Errorf("%s: %.1f of 1,000 words are who, somebody, nobody or the like, want less than %v: name the thing", p.path, n, mostWho)
		}
		if n := rate(contracted); n <= fewestContracted {
			t.Errorf("%s: %.1f contractions in 1,000 words, want more than %v: talk to the reader", p.path, n, fewestContracted)
		}
	}
}

// lessonText is the prose that a reader reads from top to bottom: no code, no
// headings, no tables, nothing folded away.
func (p page) lessonText() string {
	var b strings.Builder
	for _, line := range p.unfolded() {
		if s := strings.TrimSpace(line); strings.HasPrefix(s, "|") || strings.HasPrefix(s, "#") || strings.HasPrefix(s, "<") {
			continue
		}
		line = linkText.ReplaceAllString(htmlTag.ReplaceAllString(line, " "), "$1")
		line = codeSpan.ReplaceAllString(line, "CODE")
		b.WriteString(emphasized.ReplaceAllString(line, "$1") + "\n")
	}
	return strings.ReplaceAll(b.String(), "’", "'")
}
