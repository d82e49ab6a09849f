package main

import (
	_ "embed"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var (
	//go:embed trace.txt
	testTrace string
	//go:embed answer.txt
	testText string
)

// testPoll is a poll, from its line to the line with pending or ready.
type testPoll struct {
	task        string
	from, to    float64 // ms
	waited      float64 // from the wake until it began
	othersWoken int     // meanwhile
}

// testPolls reads the trace.
func testPolls(t *testing.T) (polls []testPoll) {
	t.Helper()
	woken := make(map[string]float64)
	for i, line := range strings.Split(strings.TrimSpace(testTrace), "\n") {
		fields := strings.Fields(strings.Replace(line, "task ", "", 1))
		if len(fields) != 3 {
			t.Fatalf("trace.txt:%d: %q isn't a time, a task and a step; was the file changed?", i+1, line)
		}
		at, _ := strconv.ParseFloat(fields[0], 64)
		task, n := fields[1], len(polls)-1
		switch fields[2] {
		case "woken":
			if _, queued := woken[task]; !queued {
				woken[task] = at
			}
			if n >= 0 && polls[n].to < 0 && polls[n].task != task {
				polls[n].othersWoken++
			}
		case "poll":
			p := testPoll{task: task, from: at, to: -1}
			if since, ok := woken[task]; ok {
				p.waited = at - since
				delete(woken, task)
			}
			polls = append(polls, p)
		case "pending", "ready":
			polls[n].to = at
		}
	}
	return polls
}

func (p testPoll) took() float64 { return p.to - p.from }

// testStarves reports whether others had to wait for this poll.
func (p testPoll) starves() bool { return p.took() > 10 && p.othersWoken > 1 }

var testQuestions = []string{"task", "since", "victim", "waited", "cure"}

var testLine = regexp.MustCompile(`^(\w+)\s*:\s*(.*)$`)

// testAnswer returns an answer, or skips the test if there's none yet.
func testAnswer(t *testing.T, name string) string {
	t.Helper()
	answers := make(map[string]string)
	for i, line := range strings.Split(testText, "\n") {
		line, _, _ = strings.Cut(line, "#")
		m := testLine.FindStringSubmatch(strings.TrimSpace(line))
		if m != nil {
			question := strings.ToLower(m[1])
			before := answers[question]
			if before != "" && before != "?" && question == name {
				t.Fatalf("answer.txt:%d: %s has an answer already, %q: there's one for each question", i+1, name, before)
			}
			if !slices.Contains(testQuestions, question) && name == "task" {
				t.Fatalf("answer.txt:%d: %q is none of the questions, which are %s", i+1, m[1], strings.Join(testQuestions, ", "))
			}
			answers[question] = strings.TrimSpace(strings.TrimPrefix(strings.ToLower(m[2]), "task"))
		} else if strings.TrimSpace(line) != "" && name == "task" {
			t.Fatalf("answer.txt:%d: %q is no answer: it begins with the question's name and a colon, as in \"task: 7\"", i+1, strings.TrimSpace(line))
		}
	}
	if answers["task"] == "?" {
		if name == "task" {
			t.Fatal("answer.txt is not started: the first answer is still a question mark")
		}
		t.Skip("not tried: answer.txt is not started")
	}
	if answers[name] == "?" || answers[name] == "" {
		t.Fatalf("answer.txt has no answer for %q yet", name)
	}
	return answers[name]
}

// testNumber reads an answer in ms.
func testNumber(t *testing.T, name string) float64 {
	t.Helper()
	text := testAnswer(t, name)
	ms, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(text, "ms")), 64)
	if err != nil {
		t.Fatalf("answer.txt: %s is %q, want a number of milliseconds, such as 13.8", name, text)
	}
	return ms
}

// testSame allows for what two floats lose when one is subtracted from the other.
func testSame(a, b float64) bool { return math.Abs(a-b) < 1e-9 }

func TestTaskThatStarvesItsNeighbors(t *testing.T) {
	task, right := testAnswer(t, "task"), false
	n, longest, during := 0, testPoll{}, 0
	for _, p := range testPolls(t) {
		if p.task != task {
			continue
		}
		right = right || p.starves()
		n, during = n+1, during+p.othersWoken
		if p.took() > longest.took() {
			longest = p
		}
	}
	switch {
	case n == 0:
		t.Fatalf("you say that task %q starves its neighbors; the trace has the tasks 1 to 6", task)
	case !right:
		t.Fatalf("you say that task %s starves its neighbors. It's polled %d times, the longest of these polls takes %.1f ms (from %.1f), and in all its polls together other tasks are woken %d times. A task that starves its neighbors keeps several of them waiting, again and again", task, n, longest.took(), longest.from, during)
	}
}

func TestSinceWhen(t *testing.T) {
	since, task := testNumber(t, "since"), testAnswer(t, "task")
	var before *testPoll // a poll of this kind that comes before
	for _, p := range testPolls(t) {
		switch {
		case p.task != task:
		case testSame(p.from, since) && !p.starves():
			t.Fatalf("you say that it begins at %.1f. There task %s begins a poll that takes %.1f ms, and meanwhile %d other tasks are woken: that's no harm yet", since, task, p.took(), p.othersWoken)
		case testSame(p.from, since) && before != nil:
			t.Fatalf("you say that it begins at %.1f, but task %s has kept its neighbors waiting before that", since, task)
		case testSame(p.from, since):
			return
		case p.starves() && before == nil:
			before = &p
		}
	}
	t.Fatalf("you say that it begins at %.1f, and no poll of task %s begins then: want the time of a line with \"task %[2]s\" and \"poll\"", since, task)
}

func TestVictim(t *testing.T) {
	victim, waited := testAnswer(t, "victim"), testNumber(t, "waited")
	var longest, its testPoll
	for _, p := range testPolls(t) {
		if p.waited > longest.waited {
			longest = p
		}
		if p.task == victim && p.waited > its.waited {
			its = p
		}
	}
	switch {
	case !strings.Contains("123456", victim) || len(victim) != 1:
		t.Fatalf("you say that task %q had to wait longest; the trace has the tasks 1 to 6", victim)
	case victim != longest.task:
		t.Fatalf("you say that task %s had to wait longest. Its longest way from a wake to a poll took %.1f ms, until %.1f, and there's a task that waited longer", victim, its.waited, its.from)
	case !testSame(waited, its.waited):
		t.Fatalf("you say that task %s waited %.1f ms: take the time of its poll, and subtract the time of the first wake since the poll before", victim, waited)
	}
}

func TestCure(t *testing.T) {
	why := map[string]string{
		"a": "then the tasks that have waited longest wait even longer; and while a poll is under way, the order of the queue doesn't matter",
		"b": "each task has one: the trace shows that only woken tasks are polled",
		"d": "the executor doesn't sleep too long. Look at the lines between the wakes and the polls of the tasks that wait: does it park there?",
	}
	switch cure := testAnswer(t, "cure"); {
	case cure == "c":
	case why[cure] == "":
		t.Fatalf("answer.txt: cure is %q, want a, b, c or d", cure)
	default:
		t.Fatal(fmt.Sprintf("you say that cure %s would help. But ", cure) + why[cure])
	}
}
