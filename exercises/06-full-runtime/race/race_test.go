package main

import (
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

//go:embed race.go
var testSource string

func testTry(t *testing.T, f func(t testing.TB)) {
	t.Helper()
	if check.IsStub(testSource) && t.Name() != "TestOneIsReady" {
		t.Skip("not tried: race.go is not started")
	}
	check.Instant(t, testBlocks, func(t testing.TB) {
		check.Started(t, "race.go", testSource)
		f(t)
	})
}

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

// testPoll polls, and wants it to be that one who has won, or none yet.
func testPoll(t testing.TB, race *Raced[string], what string, winner int) {
	t.Helper()
	want := Won[string]{}
	if winner >= 0 {
		want = Won[string]{Index: winner, Value: string(rune('a' + winner))}
	}
	if got, ready := race.Poll(new(Context)); got != want || ready != (winner >= 0) {
		t.Fatalf("%s: Poll returned {%d %q}, %t, want {%d %q}, %t", what, got.Index, got.Value, ready, want.Index, want.Value, winner >= 0)
	}
}

func TestOneIsReady(t *testing.T) {
	testTry(t, func(t testing.TB) {
		_, race := testLine(0, 1, 0)
		got, ready := race.Poll(new(Context))
		if want := (Won[string]{Index: 1, Value: "b"}); !ready || got != want {
			t.Fatalf("b is ready at its first poll, a and c are not: Poll returned {%d %q}, %t, want {1 \"b\"}, true", got.Index, got.Value, ready)
		}
	})
}

func TestNoneIsReady(t *testing.T) {
	testTry(t, func(t testing.TB) {
		runners, race := testLine(0, 3, 0)
		if got := testPolls(runners); !slices.Equal(got, []int{0, 0, 0}) {
			t.Fatalf("Race has polled %v times, before the first Poll", got)
		}
		for poll := 1; poll <= 2; poll++ {
			cx := new(Context)
			if got, ready := race.Poll(cx); ready || got != (Won[string]{}) {
				t.Fatalf("none is ready: Poll returned {%d %q}, %t, want {0 \"\"}, false", got.Index, got.Value, ready)
			}
			if got := testPolls(runners); !slices.Equal(got, []int{poll, poll, poll}) {
				t.Fatalf("none is ready, and after %d calls of Poll the three were polled %v times, want once in each: a future that isn't polled can't win, and has no waker", poll, got)
			}
			for _, r := range runners {
				if r.cx != cx {
					t.Fatalf("%s was not polled with the Context of this Poll: what does it wake?", r.name)
				}
			}
		}
		if got := testCloses(runners); !slices.Equal(got, []int{0, 0, 0}) {
			t.Fatalf("none is ready, and the three were closed %v times", got)
		}
		testPoll(t, race, "b is ready at its third poll", 1)
	})
}

func TestManyRunners(t *testing.T) {
	testTry(t, func(t testing.TB) {
		for round := range 50 {
			n := 12
			if round > 41 {
				n = []int{63, 64, 65, 127, 129, 255, 257, 1000}[round-42]
			}
			runners, race := testLine(make([]int, n)...)
			testPoll(t, race, fmt.Sprintf("none of %d is ready", n), -1)
			for i, r := range runners {
				if r.polls != 1 {
					t.Fatalf("none of %d is ready, and after one Poll number %d was polled %d times, want once", n, i, r.polls)
				}
				r.readyAt = map[bool]int{true: 2}[i == n-1]
			}
			testPoll(t, race, fmt.Sprintf("the last of %d is ready at its second poll", n), n-1)
			for i, r := range runners {
				if want := map[bool]int{true: 1}[i < n-1]; r.closes != want {
					t.Fatalf("the last of %d has won, and number %d was closed %d times, want %d", n, i, r.closes, want)
				}
			}
		}
	})
}

func TestLosersAreClosed(t *testing.T) {
	testTry(t, func(t testing.TB) {
		for winner := range 3 {
			at := []int{0, 0, 0}
			at[winner] = 2
			runners, race := testLine(at...)
			name := runners[winner].name
			testPoll(t, race, "none is ready at the first poll", -1)
			testPoll(t, race, name+" is ready at its second poll", winner)
			for i, r := range runners {
				switch {
				case i == winner && r.closes > 0:
					t.Fatalf("%s has won, and the winner was closed %d times: it has finished, and what came out of it belongs to the caller", name, r.closes)
				case i != winner && r.closes != 1:
					t.Fatalf("%s has won, and the loser %s was closed %d times, want once, before Poll returns", name, r.name, r.closes)
				}
			}
			race.Close()
			if got, want := testCloses(runners), 2; got[0]+got[1]+got[2] != want {
				t.Fatalf("%s has won, and the race was closed after that: the three were closed %v times, want none again", name, got)
			}
		}
	})
}

// testWins holds so many races, in each of which at least one is ready at that
// poll, and none before.
func testWins(t testing.TB, rounds, poll int, readyAt ...int) []int {
	t.Helper()
	won := make([]int, len(readyAt))
	for range rounds {
		_, race := testLine(readyAt...)
		for range poll - 1 {
			race.Poll(new(Context))
		}
		got, ready := race.Poll(new(Context))
		if !ready {
			t.Fatalf("there are some that are ready at poll %d, and Poll returned false", poll)
		}
		won[got.Index]++
	}
	return won
}

// testGate is a future that's open or closed.
type testGate bool

func (g testGate) Poll(*Context) (string, bool) { return "", bool(g) }

func TestRaceIsFairIfThereAreMany(t *testing.T) {
	testTry(t, func(t testing.TB) {
		for _, n := range []int{9, 17, 33, 65, 129, 257} {
			all, ends := make([]Future[string], n), make([]Future[string], n)
			for i := range n {
				all[i], ends[i] = testGate(true), testGate(i == 0 || i == n-1)
			}
			const rounds = 1600
			first, upper := 0, 0
			for range rounds {
				got, ready := Race(ends...).Poll(new(Context))
				if !ready || got.Index != 0 && got.Index != n-1 {
					t.Fatalf("the first and the last of %d are ready: Poll returned index %d, %t", n, got.Index, ready)
				}
				if got.Index == 0 {
					first++
				}
				if got, _ := Race(all...).Poll(new(Context)); got.Index >= (n+1)/2 {
					upper++
				}
			}
			if first < rounds*40/100 || first > rounds*60/100 {
				t.Fatalf("of %d futures only the first and the last are ready, in each of %d races: the first has won %d times, want about %d: is there a number of futures from which on the draw is another one?", n, rounds, first, rounds/2)
			}
			if want := rounds * (n / 2) / n; upper < want-rounds/10 || upper > want+rounds/10 {
				t.Fatalf("all %d are ready in each of %d races, and one of the second half of them has won %d times, want about %d: is there a number of futures from which on the draw is another one?", n, rounds, upper, want)
			}
		}
	})
}

func TestRaceIsFairIfAllAreReady(t *testing.T) {
	testTry(t, func(t testing.TB) {
		for _, n := range []int{2, 3, 5, 8} {
			const share = 1000
			at := slices.Repeat([]int{1}, n)
			won := testWins(t, share*n, 1, at...)
			for _, wins := range won {
				if wins < share*80/100 || wins > share*120/100 {
					t.Fatalf("all %d are ready in each of %d races, and they have won %v times, want about %d each: in a loop of races, a future that never wins is never seen", n, share*n, won, share)
				}
			}
		}
	})
}

func TestRaceIsFairIfSomeAreNotReady(t *testing.T) {
	testTry(t, func(t testing.TB) {
		for _, at := range [][]int{{0, 1, 1}, {1, 0, 1}, {1, 1, 0}, {1, 0, 0, 1, 1}, {0, 1, 0, 1, 0}} {
			ready := 0
			for _, n := range at {
				ready += n
			}
			for _, poll := range []int{1, 2, 3} {
				const share = 2500
				late := slices.Clone(at)
				for i := range late {
					late[i] *= poll
				}
				won := testWins(t, share*ready, poll, late...)
				for i, n := range won {
					if at[i] == 1 && (n < share*88/100 || n > share*112/100) {
						t.Fatalf("of %d futures %d are ready in each of %d races (at poll %v), and they have won %v times, want about %d each: which one inherits the chances of one that isn't ready?", len(at), ready, share*ready, late, won, share)
					}
				}
			}
		}
	})
}

func TestOnlyTheWinnerGivesItsValue(t *testing.T) {
	testTry(t, func(t testing.TB) {
		for range 100 {
			runners, race := testLine(1, 1, 1)
			got, ready := race.Poll(new(Context))
			if !ready {
				t.Fatal("all three are ready, and Poll returned false")
			}
			for i, r := range runners {
				if i != got.Index && r.polls > 0 {
					t.Fatalf("all three are ready, %s has won, and %s was polled as well: it gave its value, and nothing has it", runners[got.Index].name, r.name)
				}
			}
		}
	})
}

// A shortcut for one or two of them has to keep the contract, too.
func TestFewRunners(t *testing.T) {
	testTry(t, func(t testing.TB) {
		for n := 1; n <= 2; n++ {
			runners, race := testLine([]int{2, 0}[:n]...)
			what := fmt.Sprintf("a race of %d, and a is ready at its second poll", n)
			testPoll(t, race, what, -1)
			testPoll(t, race, what, 0)
			race.Close()
			if got := testCloses(runners); !slices.Equal(got, []int{0, 1}[:n]) {
				t.Fatalf("a race of %d was closed after a had won: they were closed %v times, want %v", n, got, []int{0, 1}[:n])
			}
			runners, race = testLine([]int{0, 0}[:n]...)
			testPoll(t, race, "none is ready", -1)
			race.Close()
			race.Close()
			if got := testCloses(runners); !slices.Equal(got, []int{1, 1}[:n]) {
				t.Fatalf("a race of %d was closed twice, while none was ready: they were closed %v times, want once each", n, got)
			}
		}
	})
}

// testTwin is a future that is a value, and not a pointer, so several are equal.
type testTwin struct{ all *testTwins }

// testTriplet can't even be compared.
type testTriplet struct {
	testTwin
	_ []int
}

type testTwins struct{ polls, closes int }

func (f testTwin) Poll(*Context) (string, bool) {
	f.all.polls++
	return "a", f.all.polls == 5
}

func (f testTwin) Close() error {
	f.all.closes++
	return nil
}

func TestEqualFutures(t *testing.T) {
	testTry(t, func(t testing.TB) {
		for range 20 {
			for _, what := range []string{"that are equal", "that can't be compared"} {
				one := func(all *testTwins) Future[string] {
					if what == "that are equal" {
						return testTwin{all}
					}
					return testTriplet{testTwin: testTwin{all}}
				}
				all := new(testTwins)
				race := Race(one(all), one(all), one(all))
				race.Poll(new(Context))
				if got, ready := race.Poll(new(Context)); !ready || all.polls != 5 || all.closes != 2 {
					t.Fatalf("a race of three futures %s (they're values, not pointers), and one is ready: after two polls Poll returned {%d %q}, %t, they were polled %d times and closed %d times, want true, 5 and 2; what tells the winner from the others?", what, got.Index, got.Value, ready, all.polls, all.closes)
				}
				all = new(testTwins)
				race = Race(one(all), one(all), one(all))
				race.Close()
				if all.closes != 3 {
					t.Fatalf("a race of three futures %s (they're values, not pointers) was closed, and they were closed %d times, want 3", what, all.closes)
				}
			}
		}
	})
}

func TestAbandonedRace(t *testing.T) {
	testTry(t, func(t testing.TB) {
		runners, race := testLine(0, 0, 0)
		race.Close()
		race.Close()
		if got := testCloses(runners); !slices.Equal(got, []int{1, 1, 1}) {
			t.Fatalf("the race was closed twice, before its first Poll: the three were closed %v times, want once each", got)
		}
		runners, race = testLine(0, 0, 0)
		testPoll(t, race, "none is ready", -1)
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
			testTry(t, func(t testing.TB) {
				fail := func() error {
					if end == "panics" {
						panic("Close of the " + which)
					}
					return errors.New("Close of the " + which)
				}
				runners, race := testLine(0, 0, 0)
				runners[at].closing = fail
				// Once, as the executor does: a Close that panics isn't called again.
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

// testPanics calls f. It may panic.
func testPanics(f func()) (panicked bool) {
	defer func() { panicked = recover() != nil }()
	f()
	return false
}

func TestPollThatPanics(t *testing.T) {
	testTry(t, func(t testing.TB) {
		runners, race := testLine(0, 0, 0)
		runners[1].onPoll = func() { panic("no legs") }
		testPanics(func() { race.Poll(new(Context)) })
		race.Close()
		if got := testCloses(runners); !slices.Equal(got, []int{1, 1, 1}) {
			t.Fatalf("the Poll of b panics, and then the executor closes the race: the three were closed %v times, want once each", got)
		}
	})
}
