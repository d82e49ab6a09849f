package order

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

const (
	inside       = "EXERCISE_ORDERS" // in the process that tries all orders, the path of
	originalFile = "original.txt"    // what is in the learner's file
)

var packageClause = regexp.MustCompile(`(?m)^package \w+$`)

// A learner waits ten seconds at most: a slow machine tries fewer orders. Our own
// CI, whose machine does many things at once, tries them all.
func limits() (explored, process, all time.Duration) {
	if os.Getenv("CI") == "true" {
		return time.Minute, 70 * time.Second, 90 * time.Second
	}
	return 4 * time.Second, 7 * time.Second, 9 * time.Second
}

// All tries each scenario in every order. file is the learner's file, and source
// what is in it. The file is rewritten, and built and run in a process of its
// own, which has the same test.
func All(t *testing.T, file, source string, scenarios ...Scenario) {
	t.Helper()
	if original := os.Getenv(inside); original != "" {
		text, err := os.ReadFile(original) // source is rewritten here
		if err != nil {
			t.Fatal(err)
		}
		explored, _, _ := limits()
		deadline := time.Now().Add(explored)
		lines, counts := strings.Split(string(text), "\n"), make([]int, len(scenarios))
		for bound := range 4 {
			for i, sc := range scenarios {
				if bound <= cmp.Or(sc.Bound, 2) {
					sc.Bound = bound
					counts[i] += explore(t, file, lines, sc, deadline)
				}
			}
		}
		for i, sc := range scenarios {
			t.Logf("%s: %d orders", sc.Story, counts[i])
		}
		return
	}
	if check.IsStub(source) {
		t.Skipf("not tried: %s is not started", file)
	}
	program, err := build(t.TempDir(), file, source) // however long that takes on a busy machine
	if err != nil {
		t.Skipf("not tried in every order, because the rewritten %s doesn't compile: %v", file, err)
	}
	_, _, most := limits()
	check.Within(t, most, "the orders can't be tried", func(outer testing.TB) {
		outer.Helper()
		said, err := try(program, t.Name())
		if err != nil {
			outer.Fatal(strings.TrimSpace(said))
		}
		outer.Log(said)
	})
}

// build makes a test program of this folder, with the file rewritten.
func build(dir, file, source string) (program string, err error) {
	here, err := os.Getwd()
	if err != nil {
		return "", err
	}
	// The repository's own tests try many answers at once, each as another package.
	source = packageClause.ReplaceAllString(source, "package main")
	others, err := Others(".", file)
	if err != nil {
		return "", err
	}
	rewritten, err := Rewrite(file, source, others)
	if err != nil {
		return "", err
	}
	replace := make(map[string]string)
	for name, text := range map[string]string{file: rewritten, "zz_order.go": Helpers, originalFile: source} {
		if name != originalFile {
			replace[filepath.Join(here, name)] = filepath.Join(dir, name)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	overlay, _ := json.Marshal(map[string]any{"Replace": replace})
	if err := os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600); err != nil {
		return "", err
	}
	program = filepath.Join(dir, "orders.test")
	cmd := exec.Command("go", "test", "-c", "-vet=off", "-ldflags=-s -w", "-overlay="+filepath.Join(dir, "overlay.json"), "-o", program, ".")
	if output, err := cmd.CombinedOutput(); err != nil {
		return "", errors.New(string(output))
	}
	return program, nil
}

// try runs one test of the program. What went wrong is between two marks.
func try(program, test string, env ...string) (said string, err error) {
	cmd := exec.Command(program, "-test.run=^"+test+"$", "-test.v")
	cmd.Env = append(os.Environ(), inside+"="+filepath.Join(filepath.Dir(program), originalFile))
	cmd.Env = append(append(cmd.Env, "GOMAXPROCS=1"), env...) // one goroutine runs at a time anyway
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		return err.Error(), err
	}
	_, tooLong, _ := limits()
	late := time.AfterFunc(tooLong, func() { cmd.Process.Kill() })
	err = cmd.Wait()
	if !late.Stop() {
		return "in one order the code isn't over after " + tooLong.String() + ": does something go round and round?", errors.New("late")
	}
	if _, text, found := strings.Cut(output.String(), opening); found {
		text, _, _ = strings.Cut(text, closing)
		return text, errors.New("wrong")
	}
	return output.String(), err
}
