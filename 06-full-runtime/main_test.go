package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// ran is how a command ended.
type ran struct {
	status         int
	stdout, stderr string
}

func runHere(t *testing.T, args ...string) ran {
	t.Helper()
	var stdout, stderr bytes.Buffer
	status := run(args, &stdout, &stderr)
	return ran{status, stdout.String(), stderr.String()}
}

// runProcess runs the program in a process of its own, which is this test's
// program again: see TestIsTheProgram.
func runProcess(t *testing.T, args ...string) ran {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestIsTheProgram$")
	cmd.Env = append(os.Environ(), "PROGRAM_ARGS="+strings.Join(args, " "))
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		t.Fatal(err)
	}
	return ran{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

func TestIsTheProgram(t *testing.T) {
	if args, is := os.LookupEnv("PROGRAM_ARGS"); is {
		os.Exit(run(strings.Fields(args), os.Stdout, os.Stderr))
	}
}

func TestDemonstration(t *testing.T) {
	t.Parallel()
	got := runProcess(t)
	if got.status != 0 || got.stderr != "" {
		t.Errorf("status %d, on standard error:\n%s", got.status, got.stderr)
	}
	for _, want := range []string{
		`(?m)^10 responses in \S+: (\d+) polls, \d+ switches, \S+ of CPU$`,
		`(?m)^1000 responses in \S+: (\d+) polls, \d+ switches, \S+ of CPU$`,
		`go run \./05-executor`,
		`(?m)^by hand +sum 55, 40 lines, +[\d.]+ ns a poll, +\d+ bytes`,
		`(?m)^Await +sum 55, 12 lines, +[\d.]+ ns a poll, +\d+ bytes`,
		`second\n +it has stopped, and cut off 0 connections\n`,
		`0 tasks, 0 timers, 0 descriptors\n$`,
	} {
		match := regexp.MustCompile(want).FindStringSubmatch(got.stdout)
		if match == nil {
			t.Fatalf("nothing matches %s in:\n%s", want, got.stdout)
		}
		if len(match) == 2 {
			n, _ := strconv.Atoi(match[0][:strings.Index(match[0], " ")])
			if polls, _ := strconv.Atoi(match[1]); polls < n || polls > 5*n {
				t.Errorf("%q: want between %d and %d polls", match[0], n, 5*n)
			}
		}
	}
}

func TestNarrationTellsTheSameEveryTime(t *testing.T) {
	t.Parallel()
	var first, second string
	var both sync.WaitGroup
	both.Go(func() { first = runProcess(t).stdout })
	both.Go(func() { second = runProcess(t).stdout })
	both.Wait()
	first, _, _ = strings.Cut(first, "\n\n")
	second, _, _ = strings.Cut(second, "\n\n")
	if first != second {
		t.Errorf("first:\n%s\nthen:\n%s", first, second)
	}
}

func TestMisuse(t *testing.T) {
	t.Parallel()
	for _, args := range []string{
		"bogus", "-x", "get", "get -n 0 http://x/", "get -n -1 http://x/", "get -n many http://x/", "get -x http://x/",
		"get -timeout 0 http://x/", "get -timeout soon http://x/", "echo -x", "echo something", "echo -addr nonsense",
		"sleep", "sleep -n 1", "sleep -ms 1", "sleep -n 0 -ms 1", "sleep -n 1 -ms -1", "sleep -n 1 -ms 1 more",
		"sched", "sched -n 1", "sched bogus -n 1", "sched spawn", "sched spawn -n 0", "sched spawn -n 1 more",
	} {
		got := runHere(t, strings.Fields(args)...)
		if got.status != 2 || got.stdout != "" {
			t.Errorf("%s: status %d, output %q; want 2 and none", args, got.status, got.stdout)
		}
		said, rest, _ := strings.Cut(got.stderr, "\n")
		if !strings.HasPrefix(said, "06-full-runtime: ") || rest != usage {
			t.Errorf("%s: want a line that says what is wrong, and the usage; got:\n%s", args, got.stderr)
		}
	}
}

func TestHelpIsNoMisuse(t *testing.T) {
	t.Parallel()
	for command := range commands {
		if got := runHere(t, command, "-h"); command != "sched" && (got.status != 0 || got.stderr != usage) {
			t.Errorf("%s -h: status %d, %q; want 0 and the usage", command, got.status, got.stderr)
		}
	}
}

func TestUsageNamesEveryCommandAndKind(t *testing.T) {
	t.Parallel()
	for command := range commands {
		if !strings.Contains(usage, "06-full-runtime "+command+" ") {
			t.Errorf("the usage does not name the command %s", command)
		}
	}
	for kind := range kinds {
		if !regexp.MustCompile(`\b` + kind + `\b`).MatchString(usage) {
			t.Errorf("the usage does not name the kind %s", kind)
		}
	}
}

// Both relays must give back their place in the queue, wherever they wait.
func TestRelaysCloseWhatTheyWaitFor(t *testing.T) {
	t.Parallel()
	for _, r := range relays {
		rt, err := NewRuntime()
		if err != nil {
			t.Fatal(err)
		}
		in, out := NewChannel[int](1), NewChannel[int](1)
		_, err = BlockOn(rt, Async(func(co *Co) struct{} {
			task := Spawn(rt, r.make(in, out)) // waits for in
			Await(co, &Yield{})
			task.Cancel()
			if got := Await(co, task); got.Err != ErrCancelled {
				t.Errorf("%s: cancelled, it ends with %v", r.name, got.Err)
			}
			task = Spawn(rt, r.make(in, out)) // will wait for out, which is full
			Await(co, out.Send(0))
			Await(co, in.Send(1))
			for range 3 {
				Await(co, &Yield{})
			}
			task.Cancel()
			Await(co, task)
			return struct{}{}
		}))
		if err != nil {
			t.Error(err)
		}
		if n := in.filled.waiters.Len() + out.places.waiters.Len(); n > 0 {
			t.Errorf("%s: %d entries are left in queues", r.name, n)
		}
		if left := rt.Close(); left != (Report{}) {
			t.Errorf("%s: left behind: %+v", r.name, left)
		}
	}
}
