package checks

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// testedWith adds files of internal/checks/testdata/<from> to a chapter, and
// builds the tests of that. What needs the inside of a chapter, and is no part of
// it, is tested in this way.
func testedWith(t *testing.T, chapter, from, only string, flags ...string) (program string) {
	t.Helper()
	o := &overlaid{t.TempDir(), make(map[string]string)}
	tests := testFiles(t, chapter)
	maps.Copy(tests, addedFiles(t, chapter, from))
	o.addOnlyTests(t, tests, only)
	return buildTests(t, o, chapter, flags...)
}

// addedFiles returns the texts of what is added to a chapter, by path.
func addedFiles(t *testing.T, chapter, from string) map[string]string {
	t.Helper()
	texts := make(map[string]string)
	for path, text := range testFiles(t, filepath.Join("internal/checks/testdata", from)) {
		texts[filepath.Join(chapter, from+"_"+filepath.Base(path))] = text
	}
	return texts
}

func buildTests(t *testing.T, o *overlaid, chapter string, flags ...string) (program string) {
	t.Helper()
	program = filepath.Join(o.dir, "tests")
	args := append([]string{"test", "-c", "-vet=off", "-overlay", o.write(t), "-o", program}, flags...)
	if got := run(t, 5*time.Minute, ".", []string{compiles}, "go", append(args, "./"+chapter)...); got.exit != 0 {
		t.Fatalf("the copy does not build:\n%s", got.stderr)
	}
	return program
}

// TestChaos nests whatever chapter 06 has, at random, and has some of it fail.
// CI does that for ten seconds. This is for an hour at each GOMAXPROCS:
//
//	TUTORIAL_CHAOS='1h -chaos.late=5m' go test -timeout=0 -run TestChaos -v ./internal/checks
//
// A failure says its seed. This runs that tree again and again, and -chaos.skip
// and -chaos.depth make it smaller:
//
//	TUTORIAL_CHAOS='1m -chaos.seed=4711' go test -run TestChaos -v ./internal/checks
func TestChaos(t *testing.T) {
	flags := strings.Fields(os.Getenv("TUTORIAL_CHAOS"))
	if len(flags) == 0 {
		onlyInCI(t)
		flags = []string{"10s"}
	}
	limit, err := time.ParseDuration(flags[0])
	if err != nil {
		t.Fatal("TUTORIAL_CHAOS: ", err)
	}
	program := testedWith(t, "06-full-runtime", "chaos", "^TestChaos$", "-race")
	for _, processors := range []int{1, 2, 8} {
		t.Run(fmt.Sprintf("GOMAXPROCS=%d", processors), func(t *testing.T) {
			t.Parallel()
			env := []string{fmt.Sprintf("GOMAXPROCS=%d", processors)}
			// The race detector keeps something of each coroutine that has ended: 30 MB a second.
			for left := limit; left > 0 && !t.Failed(); left -= time.Minute {
				args := append([]string{"-test.run=^TestChaos$", "-test.v", "-test.timeout=0", "-chaos.for=" + min(left, time.Minute).String()}, flags[1:]...)
				got := run(t, 15*time.Minute, "06-full-runtime", env, program, args...)
				if said := got.stdout + got.stderr; got.exit != 0 {
					t.Errorf("exit status %d:\n%s", got.exit, said)
				} else {
					t.Log(strings.TrimSpace(said))
				}
			}
		})
	}
}

// These planted mistakes are what it is for, so it has to find them. Wakes that are
// lost it doesn't find, because each root has a timer: TestSchedules does.
var chaosFinds = []string{
	"32-close-stops-at-first-panic", "36-loser-not-closed", "36-timeout-leaves-its-timer", "40-awaited-not-closed", "40-body-not-unwound",
	"42-await-closes-only-when-unwound", "42-loser-closed-twice", "42-resource-of-a-body-that-never-ran",
	"43-joinall-drops-what-it-has", "43-only-closers-are-closed",
}

func TestChaosFindsMistakes(t *testing.T) {
	onlyInCI(t)
	t.Parallel()
	made := 0
	for _, m := range plantedMistakes(t) {
		if m.chapter != "06-full-runtime" || !slices.Contains(chaosFinds, m.name) {
			continue
		}
		made++
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			o := &overlaid{t.TempDir(), make(map[string]string)}
			tests := testFiles(t, m.chapter)
			maps.Copy(tests, addedFiles(t, m.chapter, "chaos"))
			o.addOnlyTests(t, tests, "^TestChaos$")
			config, _ := overlay(t, m.page(), m.diff)
			text, _ := readIfThere(t, config)
			var edited overlaid
			if err := json.Unmarshal([]byte(text), &edited); err != nil {
				t.Fatal(err)
			}
			maps.Copy(o.Replace, edited.Replace)
			program := buildTests(t, o, m.chapter)
			got := run(t, 2*time.Minute, m.chapter, nil, program, "-test.run=^TestChaos$", "-chaos.for=20s")
			if said := got.stdout + got.stderr; got.exit == 0 {
				t.Errorf("not found (seen: %s)", m.seen)
			} else {
				t.Logf("%.300s", said)
			}
		})
	}
	if made != len(chaosFinds) {
		t.Errorf("%d of %d mistakes are planted", made, len(chaosFinds))
	}
}
