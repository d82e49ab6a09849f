package check

import (
	"flag"
	"fmt"
	"testing"

	"schedules/sched"
)

var (
	of       = flag.String("of", "", "the package whose scenarios to run")
	scenario = flag.String("scenario", "", "the only one to run")
	limit    = flag.Int("limit", 0, "of schedules for each scenario")
)

func TestSchedules(t *testing.T) {
	ran, schedules := 0, 0
	for _, s := range scenarios[*of] {
		if *scenario == "" || *scenario == s.Name {
			ran++
			schedules += sched.Explore(t, s, *limit)
		}
	}
	if ran == 0 {
		t.Fatalf("no scenario %q in %q", *scenario, *of)
	}
	fmt.Printf("%d scenarios, %d schedules\n", ran, schedules)
}
