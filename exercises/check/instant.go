package check

import (
	"testing"
	"time"
)

// Instant is Bubble for an f in which nothing may wait: no time passes between
// its beginning and its end. A sleep of a millisecond in a Poll is found here,
// because the clock of a bubble moves only while everything in it sleeps.
func Instant(t *testing.T, sentence string, f func(t testing.TB)) {
	t.Helper()
	Bubble(t, 2*time.Second, sentence, func(t testing.TB) {
		t.Helper()
		start, failed := time.Now(), t.Failed()
		defer func() {
			if took := time.Since(start); took > 0 && t.Failed() == failed {
				t.Errorf("something slept for %v, and nothing here may wait: %s", took, sentence)
			}
		}()
		f(t)
	})
}
