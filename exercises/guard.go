package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// go test has a time limit, but it begins when the first test does: a package
// variable whose initializer hangs would hold it up for minutes. So the go
// command runs each program through this one ("go test -exec"), and guard ends
// the program when its time is over.

const guardCommand = "guard-a-program" // for the go command only, so help doesn't list it

const stopped = "exercises: the program was stopped after "

// guard runs args[1:] for at most args[0].
func guard(args []string) error {
	limit, err := time.ParseDuration(args[0])
	if err != nil {
		return misuse{err}
	}
	cmd := exec.Command(args[1], args[2:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	late := time.AfterFunc(limit, func() { _ = cmd.Process.Kill() })
	err = cmd.Wait()
	if !late.Stop() {
		fmt.Printf("\n%s%v\n", stopped, limit)
		os.Exit(1)
	}
	if code := cmd.ProcessState.ExitCode(); code > 0 {
		os.Exit(code)
	}
	if err != nil {
		fmt.Println(err) // such as "signal: killed"
		os.Exit(1)
	}
	return nil
}

// guarded are the flags that make the go command run programs through guard.
func guarded(limit time.Duration) (string, error) {
	self, err := os.Executable()
	quote := `"`
	if strings.Contains(self, quote) {
		quote = `'`
	}
	return fmt.Sprintf("-exec=%s%s%s %s %v", quote, self, quote, guardCommand, limit), err
}

// environment is what the go command gets: a go.work in a folder above, or a
// version control system that refuses to speak, must not be in the way.
func environment(flags ...string) []string {
	all := append([]string{os.Getenv("GOFLAGS"), "-buildvcs=false"}, flags...)
	return append(os.Environ(), "GOWORK=off", "GOFLAGS="+strings.TrimSpace(strings.Join(all, " ")))
}

// noticeBuild says that the go command is building, unless stop is called soon:
// a cold cache would otherwise mean a minute of silence.
func noticeBuild() (stop func()) {
	t := time.AfterFunc(buildIsSlow, func() {
		fmt.Fprintln(os.Stderr, "Building. The first time takes up to a minute; after that it's quick.")
	})
	return func() { t.Stop() }
}

const buildIsSlow = 2 * time.Second
