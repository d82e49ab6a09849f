package checks

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// "Watch it run": what the page shows of a chapter's program. It's the scenario
// that TestPicturesShowWhatHappens compares with the first picture of the page,
// or more of it.
var watched = map[string]struct{ title, intro string }{
	"01-future-trait":  {"Chapter 1, one poll at a time", "main makes tea. Nothing happens until it polls the future, and each poll gets a bit further. Watch what the future keeps in its fields between two polls."},
	"02-blocking-poll": {"Chapter 2, one request", "BlockOn polls an HTTP request again and again. In this run the peer answers after only two useless polls; in a real one there are thousands."},
	"03-reactor":       {"Chapter 3, one event", "The request has been sent already. Watch the future register its socket, BlockOn go to sleep in the kernel, and the event that ends the sleep."},
	"04-waker":         {"Chapter 4, one wake", "The reactor has a goroutine of its own now, and BlockOn parks. Watch how the event gets from the kernel to the parker's token, and from there to the next poll."},
	"05-executor":      {"Chapter 5, one task", "Each task has a waker of its own now. Watch the run queue: a wake puts the task into it, and the executor polls what it takes out."},
	"06-full-runtime":  {"Chapter 6, one thread", "The executor itself waits in the kernel now, so an event needs no second goroutine. When another goroutine wakes a task, it has to end that wait."},
}

// watched06 has the lanes of chapter 06, and what its arrows mean.
const watched06 = "sequenceDiagram\n" + narrow + `
    accDescr: First an event ends the wait in the kernel, then the bell.
    participant F as future
    participant T as task
    participant E as executor
    participant R as reactor
    participant K as kernel
    participant G as goroutine
    E->>E: pop
    E->>T: poll
    T->>F: Poll
    F->>K: read, a try
    K-->>F: EAGAIN
    F->>R: setWaker
    F-->>E: false
    E->>R: untilNext
    E->>E: prepareToPark
    E->>K: wait
    K-->>E: wait, returns
    E->>R: deliver, the event
    R->>T: wakeLocal, on the same thread
    T->>E: push, into the run queue
    G->>T: Wake
    T->>E: wakeRemote, into injected
    T->>K: notify, rings the bell
    E->>E: takeInjected, into the run queue
    F-->>E: true`

// TestPlaygroundRuns: the recordings show what the programs do now.
func TestPlaygroundRuns(t *testing.T) {
	t.Parallel()
	onlyIfPlayed(t)
	for _, c := range chapters {
		t.Run(c.dir, func(t *testing.T) {
			t.Parallel()
			if runtime.GOOS != "linux" {
				t.Skip("what is armed in the kernel is read from proc(5)")
			}
			path := filepath.Join(c.dir, "README.md")
			text, _ := readIfThere(t, path)
			p, picture, scenarios := parsePage(path, lines(text)), "README.md", c.dir[:2]+".go"
			if c.whole {
				picture, scenarios = "watch", "watch"+c.dir[:2]+".go"
				recordRun(t, p, parseDiagram(t, p, fence{lines: strings.Split(watched06, "\n")}), picture, drawingCopy(t, c.dir, scenarios))
				return
			}
			recordRun(t, p, p.diagrams(t)[0], picture, drawingCopy(t, c.dir, scenarios))
		})
	}
}

// recordRun compares a run of a chapter with its recording, or writes that. It
// is run again if it shows something else, as in compareWithRun.
func recordRun(t *testing.T, p page, d diagram, picture, program string) {
	t.Helper()
	dir := filepath.Dir(p.path)
	r := recording{
		ID: "watch-" + dir[:2], Title: watched[dir].title, Chapter: dir, Page: p.path, Intro: watched[dir].intro, Threads: []string{"the program"},
	}
	aliases := slices.SortedFunc(maps.Keys(d.lanes), func(a, b string) int { return cmp.Compare(d.order[a], d.order[b]) })
	for _, alias := range aliases {
		r.Lanes = append(r.Lanes, d.lanes[alias])
	}
	for try := 1; ; try++ {
		got := run(t, time.Minute, ".", []string{"PICTURE=" + picture, "WATCH=1"}, program)
		if got.exit != 0 {
			t.Fatalf("%s: %s", p.path, got.stderr)
		}
		data := r.ofRun(t, dir, aliases, d, lines(got.stderr))
		if try == 5 || isCommitted(t, r.ID, data) {
			sameAsCommitted(t, r.ID, data)
			return
		}
	}
}

var drawnLine = regexp.MustCompile(`^(?:(\w+)(?:->>|-->>)(\w+)|Note over (\w+)(?:,(\w+))?): (.+)$`)

// ofRun makes a recording of what testdata/pictures/draw.go has written.
func (r recording) ofRun(t *testing.T, dir string, aliases []string, d diagram, drawn []string) []byte {
	t.Helper()
	shown := make(map[string][]int) // lines, by file
	var files []string
	for i, line := range drawn {
		cells := strings.Split(line, "\t")
		var values []struct{ Name, Kind, Value string }
		if err := json.Unmarshal([]byte(cells[2]), &values); err != nil {
			t.Fatal(err)
		}
		n := node{Places: []int{len(r.Places)}}
		r.Variables = []shownVariable{}
		for _, v := range values {
			r.Variables, n.Values = append(r.Variables, shownVariable{v.Name, v.Kind}), append(n.Values, v.Value)
		}
		at := place{Status: "finished"}
		if m := drawnLine.FindStringSubmatch(cells[0]); m != nil {
			from, to := m[1]+m[3], cmp.Or(m[2]+m[4], m[1]+m[3])
			label := m[5]
			for _, step := range d.steps { // what comes after a comma is for the reader
				if name, _, _ := strings.Cut(step, ", "); name == cells[0] {
					_, label, _ = strings.Cut(step, ": ")
				}
			}
			n.Arrow = []any{slices.Index(aliases, from), slices.Index(aliases, to), label}
			n.Next = map[string]int{"0": i + 1}
			file, number, _ := strings.Cut(cells[1], ":")
			line, _ := strconv.Atoi(number)
			if len(shown[file]) == 0 {
				files = append(files, file)
			}
			shown[file] = append(shown[file], line)
			at = place{Status: "ready", At: []string{cells[1]}}
		}
		r.Places, r.Nodes = append(r.Places, at), append(r.Nodes, n)
	}
	for _, file := range files {
		if text, there := readIfThere(t, file); there { // or else it's the scenario's
			r.Code = append(r.Code, excerpts(t, file, text, shown[file], nil)...)
		}
	}
	return r.script(t)
}

func isCommitted(t *testing.T, id string, data []byte) bool {
	t.Helper()
	text, _ := readIfThere(t, filepath.Join(playDir, id+".js"))
	return text == string(data)
}

// TestPlaygroundIsComplete: each scenario can be chosen, and nothing else. The
// viewer is short enough to be read.
func TestPlaygroundIsComplete(t *testing.T) {
	t.Parallel()
	var want []string
	for _, p := range playground {
		want = append(want, p.id)
	}
	for _, c := range chapters {
		want = append(want, "watch-"+c.dir[:2])
	}
	text, _ := readIfThere(t, "docs/play/index.html")
	var got []string
	for _, m := range regexp.MustCompile(`<option value="([^"]+)">`).FindAllStringSubmatch(text, -1) {
		got = append(got, m[1])
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("docs/play/index.html has the scenes %v, want %v", got, want)
	}
	if n := fileLines(t, "docs/play/play.js") + fileLines(t, "docs/play/play.css"); n > 500 {
		t.Errorf("the viewer of docs/play has %d lines, want at most 500", n)
	}
}

// TestPlaygroundSaysWhatIsDifferent: the sentence about the steps that lose the
// wakeup, when they're taken in the chapter's code, names steps that are there. If
// it says that one step does what two of the broken version did, then in both
// versions the goroutine gets from the same line to the same line by these steps.
func TestPlaygroundSaysWhatIsDifferent(t *testing.T) {
	t.Parallel()
	for _, p := range playground {
		broken, r := playedData(t, p.id), playedData(t, p.id+"-repaired")
		keys := broken.shortest(t)
		named := regexp.MustCompile(`{(broken )?(.*?)}`).FindAllStringSubmatch(r.Same, -1)
		if len(named) == 0 {
			t.Errorf("%s: %q names no step", p.id, r.Same)
		}
		for _, m := range named {
			in := r
			if m[1] != "" {
				in = broken
			}
			if in.stepThatNotes(keys, m[2]) == 0 {
				t.Errorf("%s: after the keys %s no step of %s has noted %q", p.id, keys, in.ID, m[2])
			}
		}
		for _, m := range regexp.MustCompile(`{([^}]*)} does what steps {broken (.*?)} and {broken (.*?)} did`).FindAllStringSubmatch(r.Same, -1) {
			one, first, second := r.stepThatNotes(keys, m[1]), broken.stepThatNotes(keys, m[2]), broken.stepThatNotes(keys, m[3])
			if one == 0 || first == 0 || second < first {
				t.Fatalf("%s: it says that step %d does what steps %d and %d did", p.id, one, first, second)
			}
			thread := keys[one-1]
			if keys[first-1] != thread || keys[second-1] != thread || strings.Contains(keys[first:second-1], string(thread)) {
				t.Errorf("%s, %s: steps %d and %d aren't two steps of one goroutine, one after the other", p.id, keys, first, second)
			}
			if is, was := r.codeAfter(keys[:one-1], thread), broken.codeAfter(keys[:first-1], thread); is != was {
				t.Errorf("%s, %s: step %d starts at %q, and step %d of the broken version at %q", p.id, keys, one, is, first, was)
			}
			if is, was := r.codeAfter(keys[:one], thread), broken.codeAfter(keys[:second], thread); is != was {
				t.Errorf("%s, %s: step %d ends at %q, and step %d of the broken version at %q", p.id, keys, one, is, second, was)
			}
		}
	}
}

// stepThatNotes returns the number of the first step that notes so, or 0. It takes
// the steps as far as they're possible.
func (r recording) stepThatNotes(keys, what string) (number int) {
	at := r.Nodes[0]
	for i, key := range keys {
		thread := strconv.Itoa(int(key - '1'))
		to, can := at.Next[thread]
		if !can {
			break
		}
		if slices.Contains(strings.Split(at.Found[thread], "; "), what) {
			return i + 1
		}
		at = r.Nodes[to]
	}
	return 0
}

// codeAfter returns the lines of code that a goroutine is at after these steps, the
// innermost first.
func (r recording) codeAfter(keys string, thread byte) (code string) {
	at := r.Nodes[0]
	for _, key := range keys {
		at = r.Nodes[at.Next[strconv.Itoa(int(key-'1'))]]
	}
	for _, place := range r.Places[at.Places[thread-'1']].At {
		file, line, _ := strings.Cut(place, ":")
		number, _ := strconv.Atoi(line)
		for _, e := range r.Code {
			if e.File == file && e.Line <= number && number < e.Line+len(e.Lines) {
				code += strings.TrimSpace(e.Lines[number-e.Line]) + "\n"
			}
		}
	}
	return code
}
