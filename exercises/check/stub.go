package check

import (
	"math/rand/v2"
	"os"
	"regexp"
	"strconv"
	"testing"
)

// The function to begin with has one line in the stub, and that line is marked.
var untouched = regexp.MustCompile(`(?m)^func .*\{(\n\t[^\n]* // not started\n\}|\} // not started)$`)

// IsStub reports whether the marked function is as it was handed out.
func IsStub(source string) bool { return untouched.MatchString(source) }

// Started fails the test if the file is as it was handed out: a solution that
// does nothing yet and one that does the wrong thing look alike from outside.
func Started(t testing.TB, file, source string) {
	t.Helper()
	if IsStub(source) {
		t.Fatalf("%s is not started: the function whose one line says \"not started\" is still as you found it", file)
	}
}

// Random returns a source of numbers that are others in every run. A test that
// fails prints how to draw the same ones again.
func Random(t testing.TB) *rand.Rand {
	seed, err := strconv.ParseUint(os.Getenv("EXERCISE_SEED"), 10, 64)
	if err != nil {
		seed = rand.Uint64()
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the numbers and texts are others in every run; for the same ones: EXERCISE_SEED=%d go test", seed)
		}
	})
	return rand.New(rand.NewPCG(seed, 0))
}
