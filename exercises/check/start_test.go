package check

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// The package variable is there before init in start.go sets the alarm, and the
// init function below runs after that: file names are in alphabetical order.
var _ = func() bool {
	if os.Getenv("HANG_AT_START") != "" {
		startLimit = 100 * time.Millisecond
	}
	return true
}()

func init() {
	switch os.Getenv("HANG_AT_START") {
	case "sleeps":
		select {}
	case "spins":
		for n := 0; ; {
			n++
		}
	}
}

func TestHangBeforeTheFirstTestIsASentence(t *testing.T) {
	for _, how := range []string{"sleeps", "spins", "neither"} {
		cmd := exec.Command(os.Args[0], "-test.run=^$")
		cmd.Env = append(os.Environ(), "HANG_AT_START="+how)
		output, err := cmd.CombinedOutput()
		hangs := how != "neither"
		if got := string(output); strings.Contains(got, "start_test.go:") != hangs || strings.Contains(got, "goroutine ") || (err != nil) != hangs {
			t.Errorf("an init function that %s ends, with %v, in:\n%s", how, err, got)
		}
	}
}

func TestStartIsOver(t *testing.T) {
	if where, starting := stillStarting(); starting {
		t.Errorf("in a test, the program is still starting in %s", where)
	}
}
