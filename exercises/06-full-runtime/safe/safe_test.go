package main

import (
	_ "embed"
	"fmt"
	"strings"
	"testing"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

//go:embed answer.txt
var testAnswered string

const testReturns = "the futures return at once; are futures.go and cases.go as you found them?"

// testFuture polls a case's future once before each byte and after it, and closes
// it after poll number closeAt. Then a new one goes on. It returns all that the
// futures yield; a byte that's missing is lost.
func testFuture(c Case, closeAt int) (got string, story []string) {
	const sent = "abcdef"
	s := new(Source)
	f := c.Future(s)
	polls := 0
	poll := func() {
		value, ready := f.Poll(new(Context))
		polls++
		switch {
		case ready:
			story = append(story, fmt.Sprintf("it yields %q", value))
			got += value
			f = c.Future(s)
		case polls >= closeAt && closeAt > 0:
			story = append(story, "it isn't ready, and is closed")
			closeAt = 0
			Close(f)
			f = c.Future(s)
		default:
			story = append(story, "it isn't ready")
		}
	}
	for _, b := range sent {
		poll()
		s.bytes += string(b)
		story = append(story, fmt.Sprintf("%c comes", b))
		poll()
	}
	return got, story
}

// testLost closes at each place, and returns how a byte was lost, if one was.
func testLost(c Case) (story string) {
	whole, _ := testFuture(c, 0)
	for at := 1; at <= 12; at++ {
		got, steps := testFuture(c, at)
		for i, b := range whole {
			if !strings.ContainsRune(got, b) && i < len(whole)-1 {
				return fmt.Sprintf("%s; and %q is in no value", strings.Join(steps[:min(len(steps), 9)], ", "), b)
			}
		}
	}
	return ""
}

func TestAnswers(t *testing.T) {
	check.Instant(t, testReturns, func(t testing.TB) {
		answers, filled := make(map[string]string), 0
		for line := range strings.Lines(testAnswered) {
			if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
				continue
			}
			name, answer, found := strings.Cut(line, ":")
			name = strings.TrimSpace(name)
			if _, twice := answers[name]; !found || twice {
				t.Fatalf("answer.txt has the line %q, and each line should have one name, a colon, and an answer", line)
			}
			if answers[name] = strings.TrimSpace(answer); answers[name] != "" {
				filled++
			}
		}
		if filled == 0 {
			t.Fatal("answer.txt is not started: no name has an answer yet. Begin with ReadByte: safe, or loses?")
		}
		right := 0
		for _, c := range cases() {
			lost := testLost(c)
			switch answer := answers[c.Name]; {
			case answer != "safe" && answer != "loses":
				t.Fatalf("%d are right. Behind %s stands %q, and it should be safe or loses", right, c.Name, answer)
			case answer == "safe" && lost != "":
				t.Fatalf("%d are right. You say that %s is safe. But try this: %s. Where was that byte when the future was closed?", right, c.Name, lost)
			case answer == "loses" && lost == "":
				t.Fatalf("%d are right. You say that %s loses something. It was closed after each of its polls in turn, and every byte was in a value in the end: where is a byte between two polls?", right, c.Name)
			}
			right++
			delete(answers, c.Name)
		}
		for name := range answers {
			t.Fatalf("all %d are right, but there's no future %q", right, name)
		}
	})
}
