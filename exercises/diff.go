package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// diff is: diff 03 04. It shows the code that changed, and leaves out tests,
// pages and test data.
func diff(_ *collection, args []string) error {
	if len(args) != 2 {
		return misuse{errors.New("diff compares two chapters: go run ./exercises diff 03 04")}
	}
	a, err := chapterFolder(args[0])
	if err != nil {
		return err
	}
	b, err := chapterFolder(args[1])
	if err != nil {
		return err
	}
	if a == b {
		return misuse{fmt.Errorf("%s and %s are the same chapter", args[0], args[1])}
	}
	before, err := sources(a)
	if err != nil {
		return err
	}
	after, err := sources(b)
	if err != nil {
		return err
	}
	var gone, same, fresh []string
	for name, text := range after {
		if old, carried := before[name]; !carried {
			fresh = append(fresh, fmt.Sprintf("%s (%d lines)", name, len(text)))
		} else if slices.Equal(old, text) {
			same = append(same, name)
		}
	}
	var changed []string
	for name, text := range before {
		if now, stays := after[name]; !stays {
			gone = append(gone, name)
		} else if !slices.Equal(now, text) {
			changed = append(changed, name)
		}
	}
	slices.Sort(changed)
	for _, name := range changed {
		fmt.Printf("%s\n%s\n", color("1", "--- "+a+"/"+name), color("1", "+++ "+b+"/"+name))
		for _, line := range unified(before[name], after[name]) {
			fmt.Println(colorDiff(line))
		}
		fmt.Println()
	}
	for _, kind := range []struct {
		what  string
		names []string
	}{{"Changed, see above", changed}, {"New in " + b, fresh}, {"Gone", gone}, {"As before", same}} {
		if slices.Sort(kind.names); len(kind.names) > 0 {
			fmt.Println(strings.Join(wrap(kind.what+": "+strings.Join(kind.names, ", ")), "\n"))
		}
	}
	return nil
}

func chapterFolder(name string) (string, error) {
	all, err := filepath.Glob("[0-9][0-9]-*")
	if err != nil {
		return "", err
	}
	var numbers []string
	for _, dir := range all {
		number, _, _ := strings.Cut(dir, "-")
		if clean := strings.Trim(filepath.ToSlash(name), "./"); clean == dir || clean == number || "0"+clean == number {
			return dir, nil
		}
		numbers = append(numbers, number)
	}
	return "", misuse{fmt.Errorf("there's no chapter %q. There are: %s", name, strings.Join(numbers, ", "))}
}

// sources reads a chapter's Go files but its tests, by name, in lines.
func sources(dir string) (map[string][]string, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	all := make(map[string][]string)
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		all[filepath.Base(path)] = strings.Split(strings.TrimSuffix(string(unixLines(text)), "\n"), "\n")
	}
	return all, err
}

// A change is a line of a diff: kept (' '), gone ('-') or new ('+').
type change struct {
	mark byte
	line string
}

// changes is the shortest way from a to b, by the longest common subsequence.
func changes(a, b []string) (all []change) {
	same := make([][]int, len(a)+1) // same[i][j] is how many lines a[i:] and b[j:] have in common
	for i := range same {
		same[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				same[i][j] = same[i+1][j+1] + 1
			} else {
				same[i][j] = max(same[i+1][j], same[i][j+1])
			}
		}
	}
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			all = append(all, change{' ', a[i]})
			i, j = i+1, j+1
		case i < len(a) && (j == len(b) || same[i+1][j] >= same[i][j+1]):
			all = append(all, change{'-', a[i]})
			i++
		default:
			all = append(all, change{'+', b[j]})
			j++
		}
	}
	return all
}

const around = 3 // lines of context

// unified shows the changes with the lines around them. Where lines are left
// out, it names the function that goes on.
func unified(a, b []string) (lines []string) {
	all := changes(a, b)
	shown := -1 // up to here
	for i, c := range all {
		near := slices.ContainsFunc(all[max(0, i-around):min(len(all), i+around+1)], func(c change) bool { return c.mark != ' ' })
		if !near {
			continue
		}
		if shown != i-1 || shown < 0 {
			head := "@@"
			if name := enclosing(all[:i]); name != "" {
				head += " " + name
			}
			lines = append(lines, head)
		}
		lines = append(lines, string(c.mark)+c.line)
		shown = i
	}
	return lines
}

// enclosing is the last line before a hunk that begins a declaration.
func enclosing(before []change) string {
	for i := len(before) - 1; i >= 0; i-- {
		line := before[i].line
		if before[i].mark != '-' && (strings.HasPrefix(line, "func ") || strings.HasPrefix(line, "type ")) {
			return strings.TrimSuffix(line, " {")
		}
	}
	return ""
}
