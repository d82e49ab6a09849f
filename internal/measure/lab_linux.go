package main

import (
	"bufio"
	"bytes"
	"errors"
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

// lab builds, starts and watches programs.
type lab struct {
	data
	dir   string
	cores [2]int // one for the program that is measured, one for the load
	round int
}

const (
	measured = 0
	busy     = 1
	anywhere = -1
)

func newLab(tokio bool) (*lab, error) {
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
	if err := errors.Join(allowFiles(), l.build()); err != nil || !tokio {
		return l, err
	}
	if err := l.buildTokio(); err != nil {
		fmt.Fprintf(os.Stderr, "measure: goes on without tokio: %v\n", err)
	}
	return l, nil
}

// allowFiles lets the programs that we start open as many files as they may. Go
// does that for itself, but starts other programs with the limit of before.
func allowFiles() error {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		return err
	}
	files.Cur = files.Max
	return syscall.Setrlimit(syscall.RLIMIT_NOFILE, &files)
}

// build builds the programs: the chapters, what they are measured beside, and
// chapter 06 without each of its choices.
func (l *lab) build() error {
	chapters, err := filepath.Glob("0*")
	if err != nil {
		return err
	}
	args := []string{"build", "-o", l.dir + "/", "./internal/measure/peers"}
	for _, c := range chapters {
		if c != chapterDir {
			args = append(args, "./"+c)
		}
	}
	if err := runIn(".", "go", args...); err != nil {
		return err
	}
	for _, name := range []string{"epoll", "load", "floor", "peak"} {
		if err := runIn(".", "cc", "-O2", "-pthread", "-o", filepath.Join(l.dir, name), "internal/measure/epoll/"+name+".c"); err != nil {
			return err
		}
	}
	if err := l.buildProgram(ours, ""); err != nil {
		return err
	}
	for _, c := range choices {
		if err := l.buildProgram(c.diff, c.diff); err != nil {
			return err
		}
	}
	return nil
}

func (l *lab) buildProgram(name, choice string) error {
	return buildProgram(filepath.Join(l.dir, "source", name), filepath.Join(l.dir, name), choice)
}

// start starts a program on one of the two processors, or anywhere.
func (l *lab) start(core int, cmd *exec.Cmd) {
	if core != anywhere {
		// A process starts on the processors of the thread that starts it.
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

// keepAwake starts a loop with the lowest priority on each processor. The loop
// gives way to everything else, but it keeps the processor from going to sleep
// while a message is on its way. Waking a processor takes long on a virtual
// machine, and how long depends on its host.
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

// server is a process that listens at an address, which its first line says.
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

// run runs a program to its end, and returns what it prints.
func (l *lab) run(core int, name string, args ...string) (output string) {
	return l.finish(core, l.command(name, args...))
}

// peak runs a program that we have built, and also returns its peak of resident
// memory in bytes.
func (l *lab) peak(core int, name string, args ...string) (output string, peak float64) {
	output = l.run(core, "peak", append([]string{filepath.Join(l.dir, name)}, args...)...)
	return output, number(output, `(?m)^PEAK kib=(\d+)$`) * 1024
}

func (l *lab) finish(core int, cmd *exec.Cmd) (output string) {
	var b bytes.Buffer
	cmd.Stdout = &b
	l.start(core, cmd)
	if err := cmd.Wait(); err != nil {
		must(fmt.Errorf("%s: %w\n%s", cmd, err, b.String()))
	}
	return b.String()
}

// A result is what a RESULT line says.
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

// number returns the number that matches the group in the pattern.
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

// cpuTime returns the CPU time of all threads of a process, in nanoseconds.
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
