package main

import (
	_ "embed"
	"strings"
	"testing"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

//go:embed prediction.txt
var testPredicted string

func TestPrediction(t *testing.T) {
	check.Instant(t, "program has no loop without an end; is program.go as you found it?", func(t testing.TB) {
		var printed strings.Builder
		program(&printed)
		got, want := testLines(testPredicted), testLines(printed.String())
		if len(got) == 0 {
			t.Fatal("prediction.txt is not started: it has no line yet that counts. Read program.go and write down the first line that it prints")
		}
		for i, line := range got {
			switch {
			case i == len(want):
				t.Fatalf("line %d: you wrote %q after the last line of the output: what would print it?", i+1, line)
			case line != want[i]:
				t.Fatalf("%d lines are right. Line %d: you wrote %q, and the program printed %q. Which call printed that, and why now?", i, i+1, line, want[i])
			}
		}
		if len(got) < len(want) {
			t.Fatalf("your prediction is right so far, but it ends after %d lines, and the program prints more", len(got))
		}
	})
}

// testLines are the lines that count.
func testLines(text string) (all []string) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			all = append(all, line)
		}
	}
	return all
}
