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

//go:embed wakes.go
var testWakes string

//go:embed order.txt
var testText string

// testScenario is an executor that looks for a task, and a wake.
func testScenario(story string, wake func(e *executor)) order.Scenario {
	return order.Scenario{Story: story, Run: func(s *order.Schedule) {
		e := newExecutor()
		s.Go("executor", e.run)
		s.Go("waker", func() { wake(e) })
	}}
}

var (
	testBroken   = testScenario("a task is woken by brokenWake", (*executor).brokenWake)
	testRepaired = testScenario("a task is woken by repairedWake", (*executor).repairedWake)
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
		case line == "executor" || line == "waker":
			steps = append(steps, line)
		default:
			t.Fatalf("order.txt:%d: %q is no step, which is executor or waker, and no answer such as \"A: 3\"", i+1, line)
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
	for _, f := range order.Follow(t, "wakes.go", testWakes, testBroken, func() [][]string {
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
		case !slices.Contains(f.Asleep, "executor"):
			t.Fatalf("in your order no wakeup is lost: the executor finds its task. These are your steps:%s", testTrace(f.Trace))
		}
	}
}

// testOrders are on the page.
var testOrders = []struct{ name, steps, prevents string }{
	{"A", "executor executor executor waker waker waker waker executor executor executor executor executor executor executor", "9"},
	{"B", "executor waker waker waker waker executor executor executor executor executor", "2"},
	{"C", "executor executor executor executor executor waker waker waker waker executor executor executor executor executor", "9"},
	{"D", "waker waker waker executor executor waker executor executor executor", "5"},
}

// Part 2: in each order of repairedWake, a step prevents the loss.
func TestStepsThatPreventTheLoss(t *testing.T) {
	var answers map[string]string
	results := order.Follow(t, "wakes.go", testWakes, testRepaired, func() (orders [][]string) {
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
			t.Errorf("order %s: you say that step %d prevents the loss. But it can be taken, and after it the executor could still sleep forever, or was already safe. Here's what happens until then:%s", o.name, n, testTrace(f.Trace[:n]))
		}
	}
}

// There's no other order either: this tries them all.
func TestNoOrderLosesTheRepairedWake(t *testing.T) {
	order.All(t, "wakes.go", testWakes, testRepaired)
}
