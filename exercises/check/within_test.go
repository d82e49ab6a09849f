package check

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
)

// A recorder is a test that only notes what it is told.
type recorder struct {
	testing.TB
	said   string
	failed bool
}

func (r *recorder) Helper()       {}
func (r *recorder) Failed() bool  { return r.failed }
func (r *recorder) Skipped() bool { return false }
func (r *recorder) Error(args ...any) {
	r.said, r.failed = r.said+fmt.Sprint(args...), true
}
func (r *recorder) Fatal(args ...any) {
	r.Error(args...)
	runtime.Goexit()
}
func (r *recorder) Fatalf(format string, args ...any) { r.Fatal(fmt.Sprintf(format, args...)) }

// record returns what a test says that is nothing but Within.
func record(d time.Duration, f func(testing.TB)) *recorder {
	r, over := new(recorder), make(chan bool)
	go func() {
		defer close(over)
		Within(r, d, "is it plugged in?", f)
	}()
	<-over
	return r
}

func TestWithin(t *testing.T) {
	var none []int
	for _, test := range []struct {
		name, want string
		f          func(testing.TB)
	}{
		{"return", "", func(testing.TB) {}},
		{"error", "cold tea", func(t testing.TB) { t.Errorf("cold %s", "tea") }},
		{"fatal", "cold tea", func(t testing.TB) { t.Fatalf("cold %s", "tea") }},
		{"panic", "within_test.go:", func(testing.TB) { _ = none[3] }},
		{"panic value", "panics: no tea", func(testing.TB) { panic("no tea") }},
		{"goexit", "Goexit", func(testing.TB) { runtime.Goexit() }},
	} {
		if got := record(10*time.Second, test.f).said; !strings.Contains(got, test.want) || (got == "") != (test.want == "") {
			t.Errorf("%s: Within says %q, want %q in it", test.name, got, test.want)
		}
	}
}

func TestWithinDoesNotListenToWhoIsLate(t *testing.T) {
	late, over := make(chan bool), make(chan bool)
	r := record(time.Millisecond, func(t testing.TB) {
		defer close(over)
		<-late
		t.Error("and the toast is burnt")
	})
	close(late)
	<-over
	if want := "still waiting after 1ms: is it plugged in?"; r.said != want {
		t.Errorf("Within says %q, want %q", r.said, want)
	}
}
