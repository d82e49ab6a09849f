package main

import (
	"fmt"
	"strings"
	"testing"
)

// testLongQueues are numbers of tasks, around those that a limit may have.
var testLongQueues = []int{17, 33, 65, 129, 255, 257, 300, 1100}

// wantHalves wants worker 1 to have stolen the older half of the tasks from first
// to last, and to have polled one of them, and worker 0 to have polled the others:
// those that were left to it, and then those that it stole back.
func (m *testMachine) wantHalves(t testing.TB, look string, first, last int) {
	t.Helper()
	if m.failure != "" {
		t.Fatal(m.report())
	}
	polls := m.polls[first-1:]
	half := (last - first + 2) / 2
	want := []string{fmt.Sprintf("%d by 1", first)}
	for n := first + half; n <= last; n++ {
		want = append(want, fmt.Sprintf("%d by 0", n))
	}
	for n := first + 1; n < first+half; n++ {
		want = append(want, fmt.Sprintf("%d by 0", n))
	}
	for i := range want {
		if i == len(polls) || polls[i] != want[i] {
			t.Fatalf("%s. Worker 1 steals the older half, which is tasks %d to %d, and in its first poll takes its time; worker 0 polls what's left to it, and then steals the others back. Of these polls (task by worker), number %d and the next were %q, want %q: is there a limit to a queue, or to a theft?",
				look, first, first+half-1, i+1, polls[i:min(i+3, len(polls))], want[i:min(i+3, len(want))])
		}
	}
}

func TestHalfOfALongQueueIsStolen(t *testing.T) {
	testWithin(t, func(t testing.TB) {
		for _, n := range testLongQueues {
			m := testNewMachine()
			for range n {
				m.spawn(0, testReady)
			}
			m.workers()
			m.inOrder("1:poll", "0", "1")
			m.wantHalves(t, fmt.Sprintf("%d tasks were spawned with worker 0, and none with worker 1", n), 1, n)
		}
	})
}

// The first task spawns all others, and goes on when worker 1 has stolen its half.
func TestManyAreSpawnedInAPoll(t *testing.T) {
	testWithin(t, func(t testing.TB) {
		for _, n := range testLongQueues {
			m := testNewMachine()
			spawned := false
			m.spawn(0, func(_ *testTask, worker int) bool {
				for range n {
					m.spawn(worker, testReady)
				}
				spawned = true
				m.step("is in the poll of task 1, a long one", nil)
				return true
			})
			m.workers()
			m.run(func(enabled []*testThread) *testThread {
				for _, th := range enabled {
					inPoll := strings.HasPrefix(th.waits, "is in the poll")
					switch th.name {
					case "worker 0":
						if !spawned {
							return th
						}
					case "worker 1":
						if spawned && !inPoll {
							return th
						}
					}
				}
				for _, th := range enabled {
					if th.name == "worker 0" {
						return th
					}
				}
				return enabled[0]
			})
			m.wantHalves(t, fmt.Sprintf("%d tasks were spawned in a poll of worker 0", n), 2, n+1)
		}
	})
}
