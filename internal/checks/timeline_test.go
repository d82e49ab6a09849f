package checks

import (
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The timeline of chapter 02 shows three ways to wait for ten answers, from the
// figures of a run. To draw it anew, on a machine that does nothing else:
//
//	TUTORIAL_WRITE=1 go test -run TestTimelineIsDrawnFromARun ./internal/checks

// A waited is a request of such a run: after how many milliseconds it was to be
// answered, when its future was polled first, and when it was ready.
type waited struct {
	Way             string
	Delay, From, To int
}

const timelinePath = "docs/pictures/waiting-%s.svg"

func TestTimelineIsDrawnFromARun(t *testing.T) {
	t.Parallel()
	if os.Getenv("TUTORIAL_WRITE") == "" {
		onlyInCI(t) // it keeps a processor busy for four seconds
	}
	is := timelineOf(t, "light")
	for range 3 { // a machine that is busy may take longer
		var all []waited
		for _, line := range lines(runScenario(t, "timeline", drawingCopy(t, "02-blocking-poll", "02.go"))) {
			cells := strings.Split(line, "\t")
			all = append(all, waited{cells[0], atoi(t, cells[1]), atoi(t, cells[2]), atoi(t, cells[3])})
		}
		if os.Getenv("TUTORIAL_WRITE") != "" {
			for _, theme := range []string{"light", "dark"} {
				writeFile(t, fmt.Sprintf(timelinePath, theme), drawTimeline(all, theme))
			}
			return
		}
		if sameTimes(is, all) {
			return
		}
	}
	t.Errorf(timelinePath+" isn't what happens", "light")
}

// sameTimes allows for a machine that takes a quarter of a second longer.
func sameTimes(a, b []waited) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		near := func(x, y int) bool { return abs(x-y) < 250 }
		if a[i].Way != b[i].Way || a[i].Delay != b[i].Delay || !near(a[i].From, b[i].From) || !near(a[i].To, b[i].To) {
			return false
		}
	}
	return true
}

// Both themes show the same run, and the page's alt text has its totals.
func TestTimelineIsTheSameInLightAndDark(t *testing.T) {
	t.Parallel()
	light := timelineOf(t, "light")
	if diff := cmp.Diff(light, timelineOf(t, "dark")); diff != "" {
		t.Errorf("the timeline in light and dark (-light +dark):\n%s", diff)
	}
	for _, theme := range []string{"light", "dark"} {
		text, _ := readIfThere(t, fmt.Sprintf(timelinePath, theme))
		if diff := cmp.Diff(lines(drawTimeline(light, theme)), lines(text)); diff != "" {
			t.Errorf(timelinePath+" isn't what this test draws (-draws +is):\n%s", theme, diff)
		}
	}
	page, _ := readIfThere(t, "02-blocking-poll/README.md")
	for way, total := range totals(light) {
		if total := fmt.Sprintf("%.2f seconds", total); !strings.Contains(strings.ToLower(page), strings.ToLower(way)) || !strings.Contains(page, total) {
			t.Errorf("02-blocking-poll/README.md doesn't say of the way %q that it takes %s", way, total)
		}
	}
}

// totals returns how many seconds each way takes.
func totals(all []waited) map[string]float64 {
	longest := make(map[string]float64)
	for _, w := range all {
		longest[w.Way] = max(longest[w.Way], float64(w.To)/1000)
	}
	return longest
}

// timelineOf reads the requests out of a timeline.
func timelineOf(t *testing.T, theme string) (all []waited) {
	t.Helper()
	text, _ := readIfThere(t, fmt.Sprintf(timelinePath, theme))
	for _, line := range lines(text) {
		if _, title, is := strings.Cut(line, "<title>"); is {
			var w waited
			way, rest, is := strings.Cut(title, ": ")
			if n, _ := fmt.Sscanf(rest, "answered after %d ms, asked from %d to %d ms", &w.Delay, &w.From, &w.To); is && n == 3 {
				w.Way = way
				all = append(all, w)
			}
		}
	}
	return all
}

func atoi(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func drawTimeline(all []waited, theme string) string {
	text, bar, grid := "#1f2328", "#0969da", "#d1d9e0"
	if theme == "dark" {
		text, bar, grid = "#f0f6fc", "#4493f8", "#3d444d"
	}
	const left, scale, rowHeight = 8, 120.0, 8 // scale: pixels in a second
	var b strings.Builder
	y, way := 4, ""
	for i, w := range all {
		if w.Way != way {
			way = w.Way
			y += 18
			fmt.Fprintf(&b, "<text x=\"%d\" y=\"%d\"><tspan class=\"way\">%s</tspan>: %.2f s</text>\n", left, y, way, totals(all)[way])
			y += 8
		}
		width := math.Max(1, float64(w.To-w.From)/1000*scale)
		fmt.Fprintf(&b, "<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"6\"><title>%s: answered after %d ms, asked from %d to %d ms</title></rect>\n",
			left+float64(w.From)/1000*scale, y, width, w.Way, w.Delay, w.From, w.To)
		if y += rowHeight; i+1 < len(all) && all[i+1].Way != way {
			y += 10
		}
	}
	var lines strings.Builder
	for half := range 6 {
		x := left + float64(half)/2*scale
		fmt.Fprintf(&lines, "<line x1=\"%.0f\" x2=\"%.0f\" y1=\"28\" y2=\"%d\"/>\n", x, x, y+4)
		fmt.Fprintf(&lines, "<text class=\"time\" x=\"%.0f\" y=\"%d\">%g s</text>\n", x, y+18, float64(half)/2)
	}
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 350 %d" width="525" role="img">
<title>Three ways to wait for ten answers</title>
<style>
text { font: 13px system-ui, sans-serif; fill: %s }
.way { font-weight: bold }
.time { font-size: 11px }
line { stroke: %s }
rect { fill: %s }
</style>
%s%s</svg>
`, y+26, text, grid, bar, lines.String(), b.String())
}
