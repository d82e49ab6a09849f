package checks

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// These are chapter 05's pictures that aren't sequence diagrams: the states of a
// task, the run queue after each step, and what becomes of it with two mistakes.

// The diagram of a task's states has the transitions that tasks make.
func TestTasksGoThroughTheseStates(t *testing.T) {
	t.Parallel()
	p := chapterPage(t, "05-executor")
	i := slices.IndexFunc(p.fences, func(f fence) bool { return f.language == "mermaid" && f.lines[0] == "stateDiagram-v2" })
	if i < 0 {
		t.Fatalf("%s has no state diagram", p.path)
	}
	var want []string
	for _, line := range p.fences[i].lines {
		if line = strings.TrimSpace(line); transition.MatchString(line) {
			want = append(want, line)
		}
	}
	got := lines(runScenario(t, "states", drawingCopy(t, "05-executor", "05.go")))
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, slices.Compact(got)); diff != "" {
		t.Errorf("%s: tasks don't go through the states of this picture (-picture +tasks):\n%s", p.at(p.fences[i].line), diff)
	}
}

// The table of what the run queue holds after each step is what a run shows.
func TestSnapshotsOfTheRunQueue(t *testing.T) {
	t.Parallel()
	p := chapterPage(t, "05-executor")
	page := strings.Join(p.prose, "\n")
	if rows := runScenario(t, "queue", drawingCopy(t, "05-executor", "05.go")); !strings.Contains(page, rows) {
		t.Errorf("%s doesn't have this table of what happens to the run queue:\n%s", p.path, rows)
	}
}

// The tables of the two mistakes take the steps of docs/play's recordings, one
// digit for each, which is the goroutine's: 0 is the executor, 1 is post. The run
// queue is what has been recorded, and in the end the executor sleeps forever.
func TestRunQueueOfTheTwoMistakesIsRecorded(t *testing.T) {
	t.Parallel()
	p := chapterPage(t, "05-executor")
	var all []table
	for _, tab := range p.tables() {
		if tab.column("letter's goroutine") >= 0 {
			all = append(all, tab)
		}
	}
	mistakes := []struct {
		id   string
		rows []string // the steps of each row
	}{
		{"push", []string{"0000", "11", "11", "0", "0", "1"}},
		{"poll", []string{"0", "0", "11", "1", "0", "00"}},
	}
	if len(all) != len(mistakes) {
		t.Fatalf("%s has %d tables with the letter's goroutine, want %d", p.path, len(all), len(mistakes))
	}
	for i, m := range mistakes {
		text, _ := readIfThere(t, filepath.Join(playDir, m.id+".js"))
		_, text, _ = strings.Cut(text, "\nplay(")
		var r recording
		if err := json.NewDecoder(strings.NewReader(text)).Decode(&r); err != nil {
			t.Fatal(err)
		}
		queue := slices.IndexFunc(r.Variables, func(v shownVariable) bool { return v.Name == "run queue" })
		rows, at := all[i].rows[2:], r.Nodes[0]
		if len(rows) != len(m.rows) {
			t.Fatalf("%s: the table has %d steps, want %d", p.at(all[i].line), len(rows), len(m.rows))
		}
		for n, steps := range m.rows {
			for _, step := range strings.Split(steps, "") {
				next, can := at.Next[step]
				if !can {
					t.Fatalf("%s: in the recording %q, this goroutine can't take step %d", p.at(all[i].line+2+n), m.id, n+1)
				}
				at = r.Nodes[next]
			}
			want := at.Values[queue]
			if want == "" {
				want = "empty"
			}
			executors := steps[0] == '0'
			if row := rows[n]; row[3] != want || (row[1] != "") != executors || (row[2] != "") == executors {
				t.Errorf("%s: the row is %q, but this is a step of goroutine %c after which the run queue is %q", p.at(all[i].line+2+n), row, steps[0], want)
			}
		}
		if r.Places[at.Places[0]].Status != "asleep" || len(at.Next) > 0 {
			t.Errorf("%s: after these steps of the recording %q, the executor doesn't sleep forever", p.at(all[i].line), m.id)
		}
	}
}
