package checks

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// Pictures of 03 and 04 that aren't sequence diagrams: two signal lines, and
// tables that say what happens step by step.

// tableWith returns the table of a page that has this column.
func (p page) tableWith(t *testing.T, column string) table {
	t.Helper()
	for _, tab := range p.tables() {
		if slices.Contains(tab.rows[0], column) {
			return tab
		}
	}
	t.Fatalf("%s has no table with a column %q", p.path, column)
	return table{}
}

// The kernel's set is in each row what a copy of the chapter finds there.
func TestTablesOfTheKernelsSet(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{"03-reactor", "04-waker"} {
		p := chapterPage(t, dir)
		tab := p.tableWith(t, "The kernel's set")
		var said []string
		for _, row := range tab.rows[2:] {
			what := row[2]
			if dir == "03-reactor" { // there it goes on with a reason
				what = regexp.MustCompile(`^\w+`).FindString(what)
			}
			said = append(said, row[1]+" | "+what)
		}
		o := &overlaid{t.TempDir(), make(map[string]string)}
		for _, name := range []string{"kernelset.go", "table" + dir[:2] + ".go"} {
			text, _ := readIfThere(t, filepath.Join("internal/checks/testdata/pictures", name))
			o.add(t, filepath.Join(dir, "drawing_"+name), text)
		}
		list, _ := json.Marshal(o)
		writeFile(t, filepath.Join(o.dir, "overlay.json"), string(list))
		got := run(t, 2*time.Minute, ".", []string{compiles}, "go", "run", "-overlay", filepath.Join(o.dir, "overlay.json"), "./"+dir)
		if diff := cmp.Diff(said, lines(got.stdout)); diff != "" || got.exit != 0 {
			t.Errorf("%s: the table isn't what happens (-table +what happens):\n%s%s", p.at(tab.line), diff, got.stderr)
		}
	}
}

// The tables with two goroutines take their steps in an order that docs/play
// has recorded: without a token it ends asleep, with one it goes on.
func TestInterleavingsAreRecorded(t *testing.T) {
	t.Parallel()
	p := chapterPage(t, "04-waker")
	var all []table
	for _, tab := range p.tables() {
		if slices.Contains(tab.rows[0], "the letter's goroutine") {
			all = append(all, tab)
		}
	}
	if len(all) != 2 {
		t.Fatalf("%s has %d tables with two goroutines, want a bad order and a good one", p.path, len(all))
	}
	for i, id := range []string{"token", "token-repaired"} {
		text, _ := readIfThere(t, filepath.Join(playDir, id+".js"))
		_, text, _ = strings.Cut(text, "\nplay(")
		var r recording
		if err := json.NewDecoder(strings.NewReader(text)).Decode(&r); err != nil {
			t.Fatal(err)
		}
		at := r.Nodes[0]
		for n, row := range all[i].rows[2:] {
			thread := "0"
			if row[1] == "" {
				thread = "1"
			}
			next, can := at.Next[thread]
			if !can {
				t.Errorf("%s: in the recording %q, this goroutine can't take step %d", p.at(all[i].line+2+n), id, n+1)
				return
			}
			at = r.Nodes[next]
		}
		if asleep := r.Places[at.Places[0]].Status == "asleep" && len(at.Next) == 0; asleep != (id == "token") {
			t.Errorf("%s: after these steps of the recording %q, asleep forever: %t", p.at(all[i].line), id, asleep)
		}
	}
}

// The two signal lines of 03 have a dot at each wait that reports, in light and
// in dark.
func TestLevelAndEdgeReportWhereTheirDotsAre(t *testing.T) {
	t.Parallel()
	style := regexp.MustCompile(`(?s)<style>.*</style>`)
	light, _ := readIfThere(t, "docs/pictures/edges-light.svg")
	dark, _ := readIfThere(t, "docs/pictures/edges-dark.svg")
	if diff := cmp.Diff(lines(style.ReplaceAllString(light, "")), lines(style.ReplaceAllString(dark, ""))); diff != "" {
		t.Errorf("the picture differs in more than its style (-light +dark):\n%s", diff)
	}
	dots := map[string][]int{}
	for _, m := range regexp.MustCompile(`class="(level|edge)" data-wait="(\d)"`).FindAllStringSubmatch(light, -1) {
		wait, _ := strconv.Atoi(m[2])
		dots[m[1]] = append(dots[m[1]], wait)
	}
	want := map[string][]int{"level": waitsThatReport(t, 0), "edge": waitsThatReport(t, unix.EPOLLET)}
	if diff := cmp.Diff(want, dots); diff != "" {
		t.Errorf("docs/pictures/edges-light.svg: dots at other waits (-reported +dots):\n%s", diff)
	}
}

// waitsThatReport does what the picture shows before each of its waits.
func waitsThatReport(t *testing.T, mode uint32) (all []int) {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	epfd, err2 := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	defer func() { unix.Close(epfd); unix.Close(pair[0]); unix.Close(pair[1]) }()
	if err := unix.EpollCtl(epfd, unix.EPOLL_CTL_ADD, pair[0], &unix.EpollEvent{Events: unix.EPOLLIN | mode}); err != nil {
		t.Fatal(err)
	}
	arrive := func(n int) { unix.Write(pair[1], make([]byte, n)) }
	read := func(n int) { unix.Read(pair[0], make([]byte, n)) }
	nothing := func(int) {}
	for i, step := range []struct {
		do func(int)
		n  int
	}{{nothing, 0}, {arrive, 4}, {read, 2}, {nothing, 0}, {arrive, 2}, {read, 4}} {
		step.do(step.n)
		n, err := unix.EpollWait(epfd, make([]unix.EpollEvent, 1), 0)
		if err != nil {
			t.Fatal(fmt.Errorf("wait %d: %w", i+1, err))
		}
		if n > 0 {
			all = append(all, i+1)
		}
	}
	return all
}
