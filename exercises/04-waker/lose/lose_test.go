package main

import (
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/async-go-tutorial/async-runtime/exercises/check/order"
)

//go:embed letters.go
var testLetters string

//go:embed order.txt
var testText string

// A testLetter is one of the two.
type testLetter interface {
	Future[struct{}]
	post()
}

// testScenario is a poller, as BlockOn is, and a post.
func testScenario(story string, make func() testLetter) order.Scenario {
	return order.Scenario{Story: story, Run: func(s *order.Schedule) {
		l := make()
		s.Go("poller", func() {
			for {
				w := s.Waker()
				w.Quiet = true
				if _, ready := l.Poll(&Context{waker: w}); ready {
					return
				}
				w.Sleep()
			}
		})
		s.Go("post", l.post)
	}}
}

var (
	testBroken   = testScenario("a letter is posted while it's polled", func() testLetter { return new(broken) })
	testRepaired = testScenario("a repaired letter is posted while it's polled", func() testLetter { return new(repaired) })
)

var testAnswer = regexp.MustCompile(`^([A-Za-z]) *: *(\S*)$`)

// testRead reads order.txt.
func testRead(t *testing.T) (steps []string, answers map[string]string) {
	t.Helper()
	answers = make(map[string]string)
	for i, line := range strings.Split(testText, "\n") {
		line, _, _ = strings.Cut(line, "#")
		line = strings.TrimSpace(line)
		switch m := testAnswer.FindStringSubmatch(line); {
		case line == "":
		case m != nil:
			name := strings.ToUpper(m[1])
			if answers[name] != "" && answers[name] != "?" {
				t.Fatalf("order.txt:%d: order %s has an answer already, %q: there's one for each order", i+1, name, answers[name])
			}
			answers[name] = m[2]
		case line == "poller" || line == "post":
			steps = append(steps, line)
		default:
			t.Fatalf("order.txt:%d: %q is no step, which is poller or post, and no answer such as \"A: 3\"", i+1, line)
		}
	}
	return steps, answers
}

func testTrace(trace []string) string {
	var b strings.Builder
	for i, line := range trace {
		fmt.Fprintf(&b, "\n  %2d  %s", i+1, line)
	}
	return b.String()
}

// Part 1: the order loses the wakeup.
func TestOrderLosesTheWakeup(t *testing.T) {
	var steps []string
	for _, f := range order.Follow(t, "letters.go", testLetters, testBroken, func() [][]string {
		steps, _ = testRead(t)
		if len(steps) == 0 {
			t.Fatal("order.txt is not started: it has no steps yet")
		}
		return [][]string{steps}
	}) {
		switch {
		case f.Stuck != "":
			t.Fatalf("step %d of your order can't be taken: %s. The steps until then:%s", len(f.Trace)+1, f.Stuck, testTrace(f.Trace))
		case len(f.Left) > 0:
			t.Fatalf("your order isn't complete: %s can still take a step. The steps until then:%s", strings.Join(f.Left, " and "), testTrace(f.Trace))
		case !slices.Contains(f.Asleep, "poller"):
			t.Fatalf("in your order no wakeup is lost: the poller gets its letter. These are your steps:%s", testTrace(f.Trace))
		}
	}
}

// testOrders are on the page.
var testOrders = []struct{ name, steps, prevents string }{
	{"A", "poller poller post post post post post poller poller poller", "3"},
	{"B", "post poller poller poller poller poller post post post post", "2"},
	{"C", "poller poller poller poller poller post post post post post post", "8"},
	{"D", "post post post post post poller poller poller poller poller", "7"},
	{"E", "post post post post poller post poller poller poller poller", "7"},
}

// Part 2: in each order of the repaired letter, a step prevents the loss.
func TestStepsThatPreventTheLoss(t *testing.T) {
	var answers map[string]string
	results := order.Follow(t, "letters.go", testLetters, testRepaired, func() (orders [][]string) {
		_, answers = testRead(t)
		for _, o := range testOrders {
			if n, err := strconv.Atoi(answers[o.name]); err != nil || n < 1 {
				if steps, _ := testRead(t); len(steps) == 0 && answers[o.name] == "?" {
					t.Skip("part 2 is not tried, because part 1 is not started")
				}
				t.Fatalf("order.txt: order %s has the answer %q, want the number of a step, such as \"%s: 4\"", o.name, answers[o.name], o.name)
			}
			orders = append(orders, strings.Fields(o.steps))
		}
		return orders
	})
	for i, f := range results {
		o := testOrders[i]
		n, _ := strconv.Atoi(answers[o.name])
		switch {
		case answers[o.name] == o.prevents:
		case n > len(f.Trace) && f.Stuck != "":
			t.Errorf("order %s doesn't come to step %d: something prevents it before that", o.name, n)
		case n > len(f.Trace):
			t.Errorf("order %s has no step %d", o.name, n)
		default:
			t.Errorf("order %s: you say that step %d prevents the loss. But it can be taken, and after it the poller could still sleep forever, or was already safe. Here's what happens until then:%s", o.name, n, testTrace(f.Trace[:n]))
		}
	}
}

// There's no other order either: this tries them all.
func TestNoOrderLosesTheWakeupOfTheRepairedLetter(t *testing.T) {
	order.All(t, "letters.go", testLetters, testRepaired)
}
