package check

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

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
