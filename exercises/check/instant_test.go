package check

import (
	"testing"
	"time"
)

func TestInstantPassesWhatDoesNotWait(t *testing.T) {
	Instant(t, "nothing waits here", func(testing.TB) {})
}

func TestStubIsRecognized(t *testing.T) {
	for _, test := range []struct {
		source string
		want   bool
	}{
		{"func f() int {\n\treturn 1 // not started\n}\n", true},
		{"// f is yours.\nfunc (a *A[T]) f(b func() int) (n int, ok bool) {\n\treturn n, false // not started\n}\n", true},
		{"func f() {} // not started\n", true},
		{"func f() int {\n\tif true {\n\t\treturn 2\n\t}\n\treturn 1 // not started\n}\n", false},
		{"func f() int {\n\treturn 2\n}\n\nfunc g() int {\n\treturn 1 // not started\n}\n", true},
		{"func f() int { return 2 }\n", false},
	} {
		if got := IsStub(test.source); got != test.want {
			t.Errorf("IsStub is %t, want %t, of:\n%s", got, test.want, test.source)
		}
	}
	began := time.Now()
	if got := Random(t).Int(); got < 0 || time.Since(began) > time.Minute {
		t.Error(got)
	}
}
