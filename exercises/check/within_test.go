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
	name   string
	said   string
	failed bool
}

func (r *recorder) Helper()       {}
func (r *recorder) Name() string  { return r.name }
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
func (r *recorder) Skipf(format string, args ...any) {
	r.said += "skip: " + fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// record returns what a test says that is nothing but Within.
func record(name string, d time.Duration, f func(testing.TB)) *recorder {
	r, over := &recorder{name: name}, make(chan bool)
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
		if got := record(test.name, 10*time.Second, test.f).said; !strings.Contains(got, test.want) || (got == "") != (test.want == "") {
			t.Errorf("%s: Within says %q, want %q in it", test.name, got, test.want)
		}
	}
}

func TestWithinDoesNotListenToWhoIsLate(t *testing.T) {
	t.Cleanup(func() { hung.Store(nil) })
	late, over := make(chan bool), make(chan bool)
	r := record("late", time.Millisecond, func(t testing.TB) {
		defer close(over)
		<-late
		t.Error("and the toast is burnt")
	})
	close(late)
	<-over
	if want := "still waiting after 1ms: is it plugged in? (The tests after this one are skipped.)"; r.said != want {
		t.Errorf("Within says %q, want %q", r.said, want)
	}
}

func TestWhatHangsIsToldByOneTest(t *testing.T) {
	t.Cleanup(func() { hung.Store(nil) })
	never := make(chan bool)
	defer close(never)
	hang := func(testing.TB) { <-never }
	for _, name := range []string{"first", "second", "first"} { // -count=2
		want := "still waiting"
		if name == "second" {
			want = "skip: not tried: first hangs"
		}
		if r := record(name, time.Millisecond, hang); !strings.HasPrefix(r.said, want) {
			t.Errorf("test %s hangs, and Within says %q, want %q", name, r.said, want)
		}
	}
}
