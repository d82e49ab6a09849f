package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// lab is where programs are built, started and watched.
type lab struct {
	data
	dir   string
	cores [2]int // for what is measured; for what keeps it busy
	round int
}

const (
	measured = 0
	busy     = 1
	anywhere = -1
)

func newLab() (*lab, error) {
	l := &lab{}
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return nil, err
	}
	if set.Count() < 2 {
		return nil, fmt.Errorf("this needs two processors")
	}
	for cpu, n := 0, 0; n < 2; cpu++ {
		if set.IsSet(cpu) {
			l.cores[n] = cpu
			n++
		}
	}
	for _, tool := range []string{"cc", "git", "strace", "wrk", "ab"} {
		if _, err := exec.LookPath(tool); err != nil {
			return nil, err
		}
	}
	dir, err := os.MkdirTemp("", "measure")
	if err != nil {
		return nil, err
	}
	l.dir = dir
	l.Machine = machine()
	return l, l.build()
}

// build makes the programs: the chapters, what they are measured beside, and
// what becomes of chapter 06 with another choice.
func (l *lab) build() error {
	chapters, _ := filepath.Glob("0*")
	args := []string{"build", "-o", l.dir + "/", "./internal/measure/peers"}
	for _, c := range chapters {
		args = append(args, "./"+c)
	}
	if err := l.make(".", "go", args...); err != nil {
		return err
	}
	for _, name := range []string{"epoll", "load"} {
		if err := l.make(".", "cc", "-O2", "-o", filepath.Join(l.dir, name), "internal/measure/epoll/"+name+".c"); err != nil {
			return err
		}
	}
	diffs, _ := filepath.Glob("internal/checks/testdata/choices/*.diff")
	for _, path := range diffs {
		if err := l.buildChoice(path); err != nil {
			return err
		}
	}
	return nil
}

// buildChoice makes a program of a copy of chapter 06 to which a diff has been
// applied.
func (l *lab) buildChoice(path string) error {
	name := strings.TrimSuffix(filepath.Base(path), ".diff")
	dir := filepath.Join(l.dir, "src", name)
	if err := os.CopyFS(dir, os.DirFS(chapterDir)); err != nil {
		return err
	}
	for _, file := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(file)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, file), text, 0o666)
		}
		if err != nil {
			return err
		}
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if err := l.make(dir, "git", "apply", "-p2", path); err != nil {
		return err
	}
	return l.make(dir, "go", "build", "-o", filepath.Join(l.dir, name), ".")
}

func (l *lab) make(dir, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CEILING_DIRECTORIES="+l.dir)
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, err, output)
	}
	return nil
}

// start starts a program on one of the processors, or anywhere. A name without
// a slash is one that build has made.
func (l *lab) start(core int, cmd *exec.Cmd) {
	if core != anywhere {
		// A thread passes its processors on to what it starts.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		var before, only unix.CPUSet
		unix.SchedGetaffinity(0, &before)
		only.Set(l.cores[core])
		must(unix.SchedSetaffinity(0, &only))
		defer unix.SchedSetaffinity(0, &before)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	must(cmd.Start())
}

// keepAwake starts a loop of the lowest priority on each processor. It gives way
// to whatever else wants to run, and keeps the processor from falling asleep
// when a message is on its way: to wake it takes long on a virtual machine, and
// how long is for its host to say.
func (l *lab) keepAwake() (stop func()) {
	var loops []*exec.Cmd
	for core := range l.cores {
		cmd := exec.Command("sh", "-c", "while :; do :; done")
		l.start(core, cmd)
		must(unix.SchedSetAttr(cmd.Process.Pid, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_IDLE}, 0))
		loops = append(loops, cmd)
	}
	return func() {
		for _, cmd := range loops {
			cmd.Process.Kill()
			cmd.Wait()
		}
	}
}

func (l *lab) command(name string, args ...string) *exec.Cmd {
	if l.has(name) {
		name = filepath.Join(l.dir, name)
	}
	cmd := exec.Command(name, args...)
	cmd.Stderr = os.Stderr
	return cmd
}

func (l *lab) has(name string) bool {
	_, err := os.Stat(filepath.Join(l.dir, name))
	return err == nil
}

// server is a process that says first where it listens.
type server struct {
	cmd  *exec.Cmd
	addr string
}

func (s server) pid() string { return strconv.Itoa(s.cmd.Process.Pid) }

func (l *lab) serve(core int, name string, args ...string) server {
	cmd := l.command(name, args...)
	output, err := cmd.StdoutPipe()
	must(err)
	l.start(core, cmd)
	line, err := bufio.NewReader(output).ReadString('\n')
	must(err)
	said := strings.Fields(line)
	return server{cmd, strings.TrimPrefix(said[len(said)-1], "http://")}
}

func (s server) stop() {
	s.cmd.Process.Kill()
	s.cmd.Wait()
}

// run runs a program to its end, and returns what it prints, and its peak of
// resident memory in bytes.
func (l *lab) run(core int, name string, args ...string) (output string, peak float64) {
	return l.finish(core, l.command(name, args...))
}

func (l *lab) finish(core int, cmd *exec.Cmd) (output string, peak float64) {
	var b bytes.Buffer
	cmd.Stdout = &b
	l.start(core, cmd)
	if err := cmd.Wait(); err != nil {
		must(fmt.Errorf("%s: %w\n%s", cmd, err, b.String()))
	}
	used := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	return b.String(), float64(used.Maxrss) * 1024
}

// A result is a line such as the commands of chapter 06 print.
type result struct{ n, wall, cpu float64 } // ns

var resultLine = regexp.MustCompile(`(?m)^RESULT kind=\w+ n=(\d+) wall_ns=(\d+) cpu_ns=(\d+) `)

func parse(output string) (r result) {
	m := resultLine.FindStringSubmatch(output)
	if m == nil {
		must(fmt.Errorf("no RESULT line in:\n%s", output))
	}
	for i, v := range []*float64{&r.n, &r.wall, &r.cpu} {
		*v, _ = strconv.ParseFloat(m[1+i], 64)
	}
	return r
}

// number finds the number that a pattern has in parentheses.
func number(output, pattern string) float64 {
	v, err := strconv.ParseFloat(word(output, pattern), 64)
	must(err)
	return v
}

func word(output, pattern string) string {
	m := regexp.MustCompile(pattern).FindStringSubmatch(output)
	if m == nil {
		must(fmt.Errorf("nothing matches %s in:\n%s", pattern, output))
	}
	return m[1]
}

// cpuTime is what all threads of a process have used, in nanoseconds.
func cpuTime(pid int) float64 {
	var now unix.Timespec
	must(unix.ClockGettime(int32(^pid<<3|2), &now)) // see clock_getcpuclockid(3)
	return float64(now.Nano())
}

func machine() []string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	cpu := regexp.MustCompile(`model name\s*: (.*)`).FindStringSubmatch(string(text))
	var name unix.Utsname
	unix.Uname(&name)
	return []string{
		append(cpu, "unknown processor", "unknown processor")[1],
		fmt.Sprintf("%d processors, one for what is measured and one for what keeps it busy", runtime.NumCPU()),
		"Linux " + unix.ByteSliceToString(name.Release[:]),
		runtime.Version(),
		time.Now().UTC().Format(time.DateOnly),
	}
}

// must ends the program: half of the figures are no figures.
func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "measure:", err)
		os.Exit(1)
	}
}
