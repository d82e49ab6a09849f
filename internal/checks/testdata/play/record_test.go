package record

import (
	"encoding/json"
	"flag"
	"os"
	"testing"

	"schedules/sched"
)

var (
	limit = flag.Int("limit", 400, "of states for each scenario")
	paths = flag.Int("paths", 1000, "random ones for each scenario")
	to    = flag.String("to", "", "the file to write")
)

func TestRecord(t *testing.T) {
	graphs := make(map[string]*sched.Graph)
	for id, s := range scenarios {
		graphs[id] = sched.Record(t, s, *limit, *paths)
	}
	text, err := json.Marshal(graphs)
	if err == nil {
		err = os.WriteFile(*to, text, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	os.Exit(0) // goroutines that have lost a wakeup never end
}

func find(all []sched.Scenario, name string) sched.Scenario {
	for _, s := range all {
		if s.Name == name {
			return s
		}
	}
	panic("there's no scenario " + name)
}
