package main

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

const testBlocks = "Poll and Close must return at once; does something in them wait, or loop until a future is ready?"

// A testRunner is ready at its poll of that number, and never if that is 0. Its
// value is its name.
type testRunner struct {
	name    string
	readyAt int
	polls   int
	closes  int
	cx      *Context     // of the latest poll
	onPoll  func()       // before it answers
	closing func() error // what Close does, if anything
}

func (r *testRunner) Poll(cx *Context) (string, bool) {
	r.polls++
	r.cx = cx
	if r.onPoll != nil {
		r.onPoll()
	}
	if r.polls != r.readyAt {
		return "", false
	}
	return r.name, true
}

func (r *testRunner) Close() error {
	r.closes++
	if r.closing != nil {
		return r.closing()
	}
	return nil
}

// testLine makes a race of runners a, b, c, which are ready at these polls.
func testLine(readyAt ...int) ([]*testRunner, *Raced[string]) {
	var runners []*testRunner
	var futures []Future[string]
	for i, at := range readyAt {
		r := &testRunner{name: string(rune('a' + i)), readyAt: at}
		runners, futures = append(runners, r), append(futures, r)
	}
	return runners, Race(futures...)
}

func testCounts(runners []*testRunner, count func(*testRunner) int) (all []int) {
	for _, r := range runners {
		all = append(all, count(r))
	}
	return all
}

func testPolls(runners []*testRunner) []int {
	return testCounts(runners, func(r *testRunner) int { return r.polls })
}
func testCloses(runners []*testRunner) []int {
	return testCounts(runners, func(r *testRunner) int { return r.closes })
}

// testPoll polls, and wants it to be that one who has won, or nobody yet.
func testPoll(t testing.TB, race *Raced[string], what string, winner int) {
	t.Helper()
	want := Won[string]{}
	if winner >= 0 {
		want = Won[string]{Index: winner, Value: string(rune('a' + winner))}
	}
	if got, ready := race.Poll(new(Context)); got != want || ready != (winner >= 0) {
		t.Fatalf("%s: Poll gave {%d %q}, %t, want {%d %q}, %t", what, got.Index, got.Value, ready, want.Index, want.Value, winner >= 0)
	}
}

func TestOneIsReady(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		runners, race := testLine(0, 1, 0)
		got, ready := race.Poll(new(Context))
		if !ready && slices.Equal(testPolls(runners), []int{0, 0, 0}) {
			t.Fatal("race.go is not started: b is ready at its first poll, and the first Poll of the race has polled nobody")
		}
		if want := (Won[string]{Index: 1, Value: "b"}); !ready || got != want {
			t.Fatalf("b is ready at its first poll, a and c are not: Poll gave {%d %q}, %t, want {1 \"b\"}, true", got.Index, got.Value, ready)
		}
	})
}

func TestNobodyIsReady(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		runners, race := testLine(0, 3, 0)
		if got := testPolls(runners); !slices.Equal(got, []int{0, 0, 0}) {
			t.Fatalf("Race has polled %v times, before the first Poll", got)
		}
		for poll := 1; poll <= 2; poll++ {
			cx := new(Context)
			if got, ready := race.Poll(cx); ready || got != (Won[string]{}) {
				t.Fatalf("nobody is ready: Poll gave {%d %q}, %t, want {0 \"\"}, false", got.Index, got.Value, ready)
			}
			if got := testPolls(runners); !slices.Equal(got, []int{poll, poll, poll}) {
				t.Fatalf("nobody is ready, and after %d calls of Poll the three were polled %v times, want once in each: who is not asked cannot win, and has nobody to wake", poll, got)
			}
			for _, r := range runners {
				if r.cx != cx {
					t.Fatalf("%s was not polled with the Context of this Poll: whom does it wake?", r.name)
				}
			}
		}
		if got := testCloses(runners); !slices.Equal(got, []int{0, 0, 0}) {
			t.Fatalf("nobody is ready, and the three were closed %v times", got)
		}
		testPoll(t, race, "b is ready at its third poll", 1)
	})
}

func TestLosersAreClosed(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		for winner := range 3 {
			at := []int{0, 0, 0}
			at[winner] = 2
			runners, race := testLine(at...)
			name := runners[winner].name
			testPoll(t, race, "nobody is ready at the first poll", -1)
			testPoll(t, race, name+" is ready at its second poll", winner)
			for i, r := range runners {
				switch {
				case i == winner && r.closes > 0:
					t.Fatalf("%s has won, and the winner was closed %d times: it has finished, and what came out of it belongs to whoever has the value", name, r.closes)
				case i != winner && r.closes != 1:
					t.Fatalf("%s has won, and the loser %s was closed %d times, want once, before Poll returns", name, r.name, r.closes)
				}
			}
			race.Close()
			if got, want := testCloses(runners), 2; got[0]+got[1]+got[2] != want {
				t.Fatalf("%s has won, and the race was closed after that: the three were closed %v times, want nobody again", name, got)
			}
		}
	})
}

// testWins holds so many races, in each of which at least one is ready at once.
func testWins(t testing.TB, rounds int, readyAt ...int) []int {
	t.Helper()
	won := make([]int, len(readyAt))
	for range rounds {
		_, race := testLine(readyAt...)
		got, ready := race.Poll(new(Context))
		if !ready {
			t.Fatal("there are some who are ready at the first poll, and Poll gave false")
		}
		won[got.Index]++
	}
	return won
}

func TestRaceIsFairIfAllAreReady(t *testing.T) {
	check.Within(t, 10*time.Second, testBlocks, func(t testing.TB) {
		const rounds = 3000
		won := testWins(t, rounds, 1, 1, 1)
		for _, n := range won {
			if n < rounds*27/100 || n > rounds*40/100 {
				t.Fatalf("all three are ready in each of %d races, and they have won %d, %d and %d, want about 1000 each: in a loop of races, who never wins is never seen", rounds, won[0], won[1], won[2])
			}
		}
	})
}

func TestRaceIsFairIfOneIsNotReady(t *testing.T) {
	check.Within(t, 10*time.Second, testBlocks, func(t testing.TB) {
		const rounds = 10_000
		for pending := range 3 {
			at := []int{1, 1, 1}
			at[pending] = 0
			won := testWins(t, rounds, at...)
			for i, n := range won {
				if i != pending && (n < rounds*45/100 || n > rounds*55/100) {
					t.Fatalf("%c is not ready in any of %d races, and the two that were ready have won %d times (a), %d (b) and %d (c), want 45 to 55 %% each: who inherits the chances of the one that is not ready?", 'a'+pending, rounds, won[0], won[1], won[2])
				}
			}
		}
	})
}

func TestOnlyTheWinnerGivesItsValue(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		for range 100 {
			runners, race := testLine(1, 1, 1)
			got, ready := race.Poll(new(Context))
			if !ready {
				t.Fatal("all three are ready, and Poll gave false")
			}
			for i, r := range runners {
				if i != got.Index && r.polls > 0 {
					t.Fatalf("all three are ready, %s has won, and %s was polled as well: it gave its value, which nobody has", runners[got.Index].name, r.name)
				}
			}
		}
	})
}

func TestAbandonedRace(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		runners, race := testLine(0, 0, 0)
		race.Close()
		race.Close()
		if got := testCloses(runners); !slices.Equal(got, []int{1, 1, 1}) {
			t.Fatalf("the race was closed twice, before its first Poll: the three were closed %v times, want once each", got)
		}
		runners, race = testLine(0, 0, 0)
		testPoll(t, race, "nobody is ready", -1)
		race.Close()
		race.Close()
		if got := testCloses(runners); !slices.Equal(got, []int{1, 1, 1}) {
			t.Fatalf("the race was closed twice, while nobody was ready: the three were closed %v times, want once each", got)
		}
	})
}

func TestCloseThatFails(t *testing.T) {
	for _, end := range []string{"returns an error", "panics"} {
		for at, which := range []string{"first", "second", "third"} {
			check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
				fail := func() error {
					if end == "panics" {
						panic("Close of the " + which)
					}
					return errors.New("Close of the " + which)
				}
				runners, race := testLine(0, 0, 0)
				runners[at].closing = fail
				// Once, as the executor does: whose Close panics is not called again.
				testPanics(func() { race.Close() })
				if got := testCloses(runners); !slices.Equal(got, []int{1, 1, 1}) {
					t.Fatalf("the Close of the %s %s: after the race's own Close the three were closed %v times, want once each; how is the next one closed, whatever happens to this one?", which, end, got)
				}

				runners, race = testLine(0, 0, 0, 1)
				runners[at].closing = fail
				if testPanics(func() { race.Poll(new(Context)) }) {
					testPanics(func() { race.Close() })
				}
				if got := testCloses(runners); !slices.Equal(got, []int{1, 1, 1, 0}) {
					t.Fatalf("d has won, and the Close of the %s %s: the four were closed %v times, want the losers once each", which, end, got)
				}
			})
		}
	}
}

// testPanics calls f. That it panics is allowed.
func testPanics(f func()) (panicked bool) {
	defer func() { panicked = recover() != nil }()
	f()
	return false
}

func TestPollThatPanics(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		runners, race := testLine(0, 0, 0)
		runners[1].onPoll = func() { panic("no legs") }
		testPanics(func() { race.Poll(new(Context)) })
		race.Close()
		if got := testCloses(runners); !slices.Equal(got, []int{1, 1, 1}) {
			t.Fatalf("the Poll of b panics, and then the executor closes the race: the three were closed %v times, want once each", got)
		}
	})
}
