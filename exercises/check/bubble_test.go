package check

import (
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// Bubble wants a real test, so what fails is tried in a process of its own.
func TestBubble(t *testing.T) {
	var enough atomic.Bool
	for _, test := range []struct {
		name, want string
		f          func(testing.TB)
	}{
		{"return", "", func(testing.TB) {}},
		{"sleep", "", func(testing.TB) { time.Sleep(time.Hour) }},
		{"error", "cold tea", func(t testing.TB) { t.Errorf("cold %s", "tea") }},
		{"fatal", "cold tea", func(t testing.TB) { t.Fatalf("cold %s", "tea") }},
		{"panic", "panics: no tea", func(testing.TB) { panic("no tea") }},
		{"all sleep", "all sleep, and nobody is left to wake them: is it plugged in?", func(testing.TB) { select {} }},
		{"left behind", "all sleep, and nobody is left to wake them: is it plugged in?", func(testing.TB) { go func() { select {} }() }},
		{"said already", "cold tea", func(t testing.TB) { go func() { select {} }(); t.Fatal("cold tea") }},
		{"spins", "still waiting after 1s: is it plugged in?", func(testing.TB) {
			for !enough.Load() {
			}
		}},
	} {
		if os.Getenv("BUBBLE") == test.name {
			Bubble(t, time.Second, "is it plugged in?", test.f)
		}
		if os.Getenv("BUBBLE") != "" {
			continue
		}
		cmd := exec.Command(os.Args[0], "-test.run=^TestBubble$")
		cmd.Env = append(os.Environ(), "BUBBLE="+test.name)
		output, err := cmd.CombinedOutput()
		got := string(output)
		if !strings.Contains(got, test.want) || strings.Contains(got, "goroutine ") || (err == nil) != (test.want == "") {
			t.Errorf("%s: the test of Bubble says, with %v, want %q:\n%s", test.name, err, test.want, got)
		}
		if strings.Count(got, "bubble_test.go:") > 2 {
			t.Errorf("%s: the test of Bubble says more than one thing:\n%s", test.name, got)
		}
	}
}
