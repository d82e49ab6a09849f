package checks

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The diagram of the ready bit on page 5 of chapter 06 has the transitions that
// the bits of two streams go through in a run.
func TestReadyBitGoesThroughTheseStates(t *testing.T) {
	t.Parallel()
	order := readingOrder(t)
	p := order[slices.IndexFunc(order, func(p page) bool { return strings.HasSuffix(p.path, "5-streams.md") })]
	i := slices.IndexFunc(p.fences, func(f fence) bool { return f.language == "mermaid" && f.lines[0] == "stateDiagram-v2" })
	if i < 0 {
		t.Fatalf("%s has no diagram of the ready bit", p.path)
	}
	var want []string
	for _, line := range p.fences[i].lines {
		if line = strings.TrimSpace(line); transition.MatchString(line) {
			want = append(want, line)
		}
	}
	got := lines(runScenario(t, "ready bit", drawingCopy(t, "06-full-runtime", "06.go")))
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, slices.Compact(got)); diff != "" {
		t.Errorf("%s: the bits don't go through the states of this picture (-picture +bits):\n%s", p.at(p.fences[i].line), diff)
	}
}
