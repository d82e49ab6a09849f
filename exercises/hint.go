package main

import (
	"fmt"
	"html"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

var details = regexp.MustCompile(`(?s)<details><summary>(Hint .*?)</summary>(.*?)</details>`)

func hint(c *collection, args []string) error {
	e, n, err := nameAndNumber(c, args)
	if err != nil {
		return err
	}
	page, err := os.ReadFile(e.page())
	if err != nil {
		return err
	}
	c.record.opened(e)
	hints := details.FindAllSubmatch(unixLines(page), -1)
	if n < 1 || n > len(hints) {
		return misuse{fmt.Errorf("%s has hints 1 to %d", e.name, len(hints))}
	}
	fmt.Printf("%s\n\n%s\n", plainText(string(hints[n-1][1]), ""), plainText(string(hints[n-1][2]), filepath.ToSlash(e.dir())))
	if n < len(hints) {
		fmt.Printf("\nStill stuck? go run ./exercises hint %s %d\n", c.short(e), n+1)
	} else {
		fmt.Printf("\nThat was the last hint. A solution:\n  %s\n", e.kept("solution"))
	}
	return nil
}

var (
	tag  = regexp.MustCompile(`</?(b|br|code|em|i|kbd|strong|sub|sup|summary)/?>`)
	link = regexp.MustCompile(`\[([^\]]*)\]\(([^)\s]+)\)`)
	item = regexp.MustCompile(`^\s*([-*]|\d+\.) `)
)

const columns = 80

// plainText is a piece of a page as it should look in a terminal: links are
// words and a path, lines have at most 80 columns. Relative links are seen from
// dir.
func plainText(text, dir string) string {
	var all []string
	var paragraph string
	flush := func() {
		if paragraph != "" {
			all = append(all, wrap(paragraph)...)
		}
		paragraph = ""
	}
	fenced := false
	for line := range strings.Lines(strings.TrimSpace(text)) {
		line = strings.TrimRight(line, "\r\n")
		fence := strings.HasPrefix(strings.TrimSpace(line), "```")
		switch {
		case fence:
			flush()
			fenced = !fenced
		case fenced:
			all = append(all, "    "+strings.ReplaceAll(line, "\t", "    "))
		case strings.TrimSpace(line) == "":
			flush()
			all = append(all, "")
		default:
			if item.MatchString(line) {
				flush()
			}
			line = html.UnescapeString(tag.ReplaceAllString(plainLinks(line, dir), ""))
			paragraph = strings.TrimLeft(paragraph+" "+line, " ")
		}
	}
	flush()
	return strings.Join(all, "\n")
}

// plainLinks makes "page (04-waker/README.md)" of "[page](../../04-waker/README.md)".
func plainLinks(line, dir string) string {
	return link.ReplaceAllStringFunc(line, func(found string) string {
		m := link.FindStringSubmatch(found)
		target := m[2]
		if !strings.Contains(target, "://") && !strings.HasPrefix(target, "#") {
			target = path.Join(dir, target)
		}
		if strings.Trim(m[1], "`") == path.Base(target) && !strings.Contains(target, "://") {
			return target
		}
		return m[1] + " (" + target + ")"
	})
}

// wrap breaks a paragraph where lines would be longer than the screen is wide.
func wrap(paragraph string) (lines []string) {
	line, indent := "", ""
	if m := item.FindString(paragraph); m != "" {
		indent = strings.Repeat(" ", len(m))
	}
	for _, word := range strings.Fields(paragraph) {
		if line != "" && len([]rune(line))+1+len([]rune(word)) > columns {
			lines = append(lines, line)
			line = indent + word
			continue
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
