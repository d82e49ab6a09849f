package checks

import (
	"go/ast"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The pictures of 06's pages about Await and about giving up are drawn by hand,
// and hold what the code or a run shows.

// drawn returns what a picture has in these attributes, in order. Light and dark
// differ in their style only.
func drawn(t *testing.T, name string, attributes *regexp.Regexp) (all [][]string) {
	t.Helper()
	style := regexp.MustCompile(`(?s)<style>.*</style>`)
	light, _ := readIfThere(t, "docs/pictures/"+name+"-light.svg")
	dark, _ := readIfThere(t, "docs/pictures/"+name+"-dark.svg")
	if diff := cmp.Diff(lines(style.ReplaceAllString(light, "")), lines(style.ReplaceAllString(dark, ""))); diff != "" {
		t.Errorf("docs/pictures/%s-light.svg differs in more than its style (-light +dark):\n%s", name, diff)
	}
	for _, m := range attributes.FindAllStringSubmatch(light, -1) {
		all = append(all, m[1:])
	}
	return all
}

// The struct has the fields of relayHand, and the stack has the functions that are
// on the stack of a relay that waits.
func TestStackBesideAStruct(t *testing.T) {
	t.Parallel()
	var fields [][]string
	ast.Inspect(parse(t, "06-full-runtime/relay_hand.go"), func(n ast.Node) bool {
		if s, is := n.(*ast.StructType); is {
			for _, f := range s.Fields.List {
				for _, name := range f.Names {
					fields = append(fields, []string{name.Name})
				}
			}
		}
		return true
	})
	if diff := cmp.Diff(fields, drawn(t, "stack", regexp.MustCompile(`data-field="(\w+)"`))); diff != "" {
		t.Errorf("docs/pictures/stack-light.svg has other fields than relayHand (-code +picture):\n%s", diff)
	}
	var frames [][]string
	stack := runScenario(t, "stack", drawingCopy(t, "06-full-runtime", "06.go"))
	for _, m := range regexp.MustCompile(`(?m)^main\.(?:.*\.)??(suspend|Await|RelayAwait|run)\b`).FindAllStringSubmatch(stack, -1) {
		frames = append(frames, m[1:])
	}
	if diff := cmp.Diff(frames, drawn(t, "stack", regexp.MustCompile(`data-frame="(\w+)"`))); diff != "" {
		t.Errorf("docs/pictures/stack-light.svg has other frames than the stack (-run +picture):\n%s\n%s", diff, stack)
	}
}

// Each read of the experiment is drawn, with the bytes that it got.
func TestFourBytesAreDrawnAsTheyAreLost(t *testing.T) {
	t.Parallel()
	got := run(t, 2*time.Minute, ".", []string{compiles}, "go", "test", "-v", "-count=1", "-run", "^TestCancelBetweenTwoReads$", "./06-full-runtime")
	var reads [][]string
	for _, m := range regexp.MustCompile(`(\w+) +read "(.*)"`).FindAllStringSubmatch(got.stdout, -1) {
		reads = append(reads, m[1:])
	}
	if diff := cmp.Diff(reads, drawn(t, "four-bytes", regexp.MustCompile(`data-way="(\w+)" data-read="([^"]+)"`))); diff != "" || reads == nil {
		t.Errorf("docs/pictures/four-bytes-light.svg shows other reads than the experiment (-run +picture):\n%s\n%s", diff, got.stdout)
	}
}
