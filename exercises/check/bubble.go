package check

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// Bubble is Within for an f in a bubble of testing/synctest. If f and all that
// it has started sleep, and nobody is left to wake them, it says so at once,
// with the sentence; if they run round and round instead, after d.
func Bubble(t *testing.T, d time.Duration, sentence string, f func(t testing.TB)) {
	t.Helper()
	var panicked string
	var deadlock any
	Within(t, d, sentence, func(outer testing.TB) {
		defer func() { deadlock = recover() }() // synctest panics with nothing else
		synctest.Test(t, func(inner *testing.T) {
			returned := false
			defer func() {
				if !returned && !inner.Failed() && panicked == "" {
					select {} // silenced: it came too late, and no test is there to be ended
				}
			}()
			defer func() {
				if v := recover(); v != nil {
					panicked = fmt.Sprintf("%s panics: %v", Culprit(), v)
				}
			}()
			f(&bubbled{outer.(*guarded), inner})
			returned = true
		})
	})
	if panicked != "" {
		t.Fatal(panicked)
	}
	if deadlock != nil && !t.Failed() {
		t.Fatalf("all sleep, and nobody is left to wake them: %s", sentence)
	}
}

// bubbled says outside what it is told, and ends what is inside.
type bubbled struct {
	*guarded
	inner *testing.T
}

func (b *bubbled) Fatal(args ...any) {
	b.Helper()
	b.Error(args...)
	b.inner.FailNow()
}

func (b *bubbled) Fatalf(format string, args ...any) {
	b.Helper()
	b.Errorf(format, args...)
	b.inner.FailNow()
}
