package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// output is what a command prints.
type output struct {
	status         int
	stdout, stderr string
}

func runCommand(args ...string) output {
	var stdout, stderr bytes.Buffer
	status := commands[args[0]](args[1:], &stdout, &stderr)
	return output{status, stdout.String(), stderr.String()}
}

var resultLine = regexp.MustCompile(`(?m)^RESULT kind=(\w+) n=(\d+) wall_ns=(\d+) cpu_ns=(\d+) wall_per_op=([\d.]+) cpu_per_op=([\d.]+)$`)

// checkResult wants exactly one RESULT line, with figures that agree.
func checkResult(t *testing.T, got output, kind string, n int) {
	t.Helper()
	if got.status != 0 || got.stderr != "" {
		t.Errorf("status %d, %q", got.status, got.stderr)
	}
	lines := resultLine.FindAllStringSubmatch(got.stdout, -1)
	if len(lines) != 1 {
		t.Fatalf("want one line that matches %s, got:\n%s", resultLine, got.stdout)
	}
	m := lines[0]
	if m[1] != kind || m[2] != strconv.Itoa(n) {
		t.Errorf("%q: want kind=%s n=%d", m[0], kind, n)
	}
	for i := range 2 {
		total, _ := strconv.ParseFloat(m[3+i], 64)
		if want := fmt.Sprintf("%.1f", total/float64(n)); m[5+i] != want || total <= 0 {
			t.Errorf("%q: want %s per operation, and more than nothing", m[0], want)
		}
	}
}

func TestSchedPrintsAResult(t *testing.T) {
	t.Parallel()
	for kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			checkResult(t, runCommand("sched", kind, "-n", "2500"), kind, 2500)
			if !regexp.MustCompile(`[ ,]` + kind + `[,\n]`).MatchString(measureUsage) {
				t.Errorf("the usage does not mention %s", kind)
			}
		})
	}
}

func TestSleepPrintsAResult(t *testing.T) {
	t.Parallel()
	start := time.Now()
	got := runCommand("sleep", "-n", "2500", "-ms", "20")
	if took := time.Since(start); took < 20*time.Millisecond {
		t.Errorf("2500 tasks have slept 20 ms after %v", took)
	}
	checkResult(t, got, "sleep", 2500)
}

func TestGetPrintsAResult(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "hello")
	}))
	defer server.Close()
	checkResult(t, runCommand("get", "-n", "20", server.URL), "get", 20)
	for _, args := range [][]string{{"get", server.URL}, {"get", "-n", "0", server.URL}, {"get", "-n", "1"}} {
		if got := runCommand(args...); strings.Contains(got.stdout, "RESULT") {
			t.Errorf("%q says: %s", args, got.stdout)
		}
	}
}

func TestWrongArgumentsAreExplained(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"sleep", "sleep -n 1", "sleep -ms 1", "sleep -n 0 -ms 1", "sleep -n 1 -ms -1", "sleep -n 1 -ms 1 more", "sleep -x",
		"sched", "sched -n 1", "sched bogus -n 1", "sched spawn", "sched spawn -n 0", "sched spawn -n 1 more",
	} {
		got := runCommand(strings.Fields(line)...)
		if got.status != 2 || got.stdout != "" || !strings.HasPrefix(got.stderr, "measure: ") || !strings.Contains(got.stderr, "\nusage:\n") {
			t.Errorf("%s: %+v", line, got)
		}
	}
}

// What is measured must happen as often as the RESULT line says.
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
		if got := c.newTask(&c.latch, i).(*sleeper).sleep.d; got != want*time.Millisecond {
			t.Errorf("timer %d of 1000 is due after %v, want %d ms", i, got, want)
		}
	}
}

func TestCPUTimeCounts(t *testing.T) {
	t.Parallel()
	before := cpuTime()
	for cpuTime()-before < time.Millisecond { // ends, or the time limit of go test ends it
	}
}
