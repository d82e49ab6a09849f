package order

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

// Followed is what happened in one order.
type Followed struct {
	Trace  []string // one line for each step that was taken
	Stuck  string   // why the step after those couldn't be taken; empty if all could
	Left   []string // the goroutines that could take another step
	Asleep []string // the goroutines that sleep
}

const follows = "EXERCISE_FOLLOW" // in the process that follows orders, the orders

// Follow runs a scenario once for each order, which has the name of a goroutine
// for each step: one statement of the file.
// If there's an order that can't be read, orders fails the test; it isn't called
// in the process that runs them.
func Follow(t *testing.T, file, source string, sc Scenario, orders func() [][]string) (results []Followed) {
	t.Helper()
	if text := os.Getenv(follows); text != "" {
		original, err := os.ReadFile(os.Getenv(inside))
		if err != nil {
			t.Fatal(err)
		}
		s := newSchedule(file, strings.Split(string(original), "\n"), sc)
		synctest.Test(t, func(*testing.T) {
			said, _ := json.Marshal(s.follow(strings.Fields(text)))
			fmt.Print(opening, string(said), "\n", closing)
			os.Exit(failed) // what still sleeps can't be woken
		})
	}
	all := orders()
	program, err := build(t.TempDir(), file, source)
	if err != nil {
		t.Fatalf("the rewritten %s doesn't compile: %v", file, err)
	}
	_, _, most := limits()
	check.Within(t, most, "the orders can't be tried", func(outer testing.TB) {
		outer.Helper()
		for _, steps := range all {
			said, _ := try(program, t.Name(), follows+"="+strings.Join(steps, " ")+" ")
			var f Followed
			if err := json.Unmarshal([]byte(said), &f); err != nil {
				outer.Fatalf("the order wasn't tried: %v\n%s", err, said)
			}
			results = append(results, f)
		}
	})
	return results
}

// follow takes these steps.
func (s *Schedule) follow(steps []string) (f Followed) {
	now.Store(s)
	s.scenario.Run(s)
	synctest.Wait()
	s.exploring.Store(true)
	s.settle()
	for _, name := range steps {
		i := slices.IndexFunc(s.threads, func(t *thread) bool { return t.name == name })
		if i < 0 {
			f.Stuck = fmt.Sprintf("there's no goroutine %q", name)
			break
		}
		t, before := s.threads[i], len(s.trace)
		switch {
		case t.ended:
			f.Stuck = name + " has ended"
		case !t.stopped:
			f.Stuck = fmt.Sprintf("%s sleeps in %s:%d", name, s.file, t.line)
		case t.ready != nil && !t.ready():
			f.Stuck = name + " waits " + t.why
		default:
			s.release(t)
			s.settle()
			if strings.Contains(t.why, "lock") && t.stopped && t.ready != nil && !t.ready() {
				f.Stuck, s.trace = name+" has to wait for the lock, which is held", s.trace[:before]
			}
		}
		if f.Stuck != "" {
			break
		}
		s.last = "" // each line has its name
	}
	f.Trace = slices.Clone(s.trace)
	for _, t := range s.threads {
		switch {
		case t.ended:
		case t.stopped && (t.ready == nil || t.ready()):
			f.Left = append(f.Left, t.name)
		default:
			f.Asleep = append(f.Asleep, t.name)
		}
	}
	return f
}

// settle lets all goroutines go on that are between two steps.
func (s *Schedule) settle() {
	for again := true; again; {
		again = false
		for _, t := range s.threads {
			if t.stopped && t.hidden {
				s.release(t)
				again = true
			}
		}
	}
}
