package main

import (
	"fmt"
	"regexp"
	"strconv"
	"testing"
	"time"
)

var resultLine = regexp.MustCompile(`^RESULT kind=(\w+) n=(\d+) wall_ns=(\d+) cpu_ns=(\d+) wall_per_op=([\d.]+) cpu_per_op=([\d.]+)\n$`)

// checkResult wants exactly one RESULT line, whose figures agree.
func checkResult(t *testing.T, output, kind string, n int) {
	t.Helper()
	m := resultLine.FindStringSubmatch(output)
	if m == nil {
		t.Fatalf("want one line that matches %s, got:\n%s", resultLine, output)
	}
	if m[1] != kind || m[2] != strconv.Itoa(n) {
		t.Errorf("%q: want kind=%s n=%d", output, kind, n)
	}
	for i := range 2 {
		total, _ := strconv.ParseFloat(m[3+i], 64)
		if want := fmt.Sprintf("%.1f", total/float64(n)); m[5+i] != want || total <= 0 {
			t.Errorf("%q: want %s for each, and more than nothing", output, want)
		}
	}
}

func TestSchedPrintsAResult(t *testing.T) {
	t.Parallel()
	for kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			got := runHere(t, "sched", kind, "-n", "2500")
			if got.status != 0 || got.stderr != "" {
				t.Errorf("status %d, %q", got.status, got.stderr)
			}
			checkResult(t, got.stdout, kind, 2500)
		})
	}
}

func TestSleepPrintsAResult(t *testing.T) {
	t.Parallel()
	start := time.Now()
	got := runHere(t, "sleep", "-n", "2500", "-ms", "20")
	if took := time.Since(start); got.status != 0 || got.stderr != "" || took < 20*time.Millisecond {
		t.Errorf("status %d, %q, after %v", got.status, got.stderr, took)
	}
	checkResult(t, got.stdout, "sleep", 2500)
}

// What is measured must happen as often as is said.
func TestKindsDoWhatTheySay(t *testing.T) {
	t.Parallel()
	const n = 2500
	for kind, want := range map[string]struct{ spawns, polls, timers int }{
		"spawn":      {spawns: 1 + n, polls: 1 + 2*n},
		"spawnbatch": {spawns: 1 + n, polls: 1 + n},
		"yield1":     {spawns: 1 + 1, polls: 1 + n},
		"yield1k":    {spawns: 1 + 1000, polls: 1 + n},
		"wake":       {spawns: 1, polls: 1 + n},
		"wakego":     {spawns: 1, polls: 1 + n},
		"timer":      {spawns: 1 + n, polls: 1 + 2*n, timers: n},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			rt, err := NewRuntime()
			if err != nil {
				t.Fatal(err)
			}
			spawns, polls, timers := 0, 0, 0
			rt.Trace = Trace{
				Spawn: func(*Task) { spawns++ },
				Poll:  func(*Task) { polls++ },
				Timer: func() { timers++ },
			}
			if _, err := BlockOn(rt, kinds[kind](n)); err != nil {
				t.Error(err)
			}
			if spawns != want.spawns || polls < want.polls || timers != want.timers {
				t.Errorf("%d spawns, %d polls, %d timers; want %d, at least %d, %d",
					spawns, polls, timers, want.spawns, want.polls, want.timers)
			}
			if left := rt.Close(); left != (Report{}) {
				t.Errorf("left behind: %+v", left)
			}
		})
	}
}

func TestTimersOfSchedAreSpreadOverASecond(t *testing.T) {
	t.Parallel()
	c := kinds["timer"](1000).(*crowd)
	for i, want := range map[int]time.Duration{0: 100, 500: 600, 999: 1099} {
		if got := c.start(&c.group, i).(*sleeper).sleep.d; got != want*time.Millisecond {
			t.Errorf("timer %d of 1000 is due after %v, want %d ms", i, got, want)
		}
	}
}

func TestCPUTimeCounts(t *testing.T) {
	t.Parallel()
	before := cpuTime()
	for cpuTime()-before < time.Millisecond { // ends, or the watchdog of go test does
	}
}
