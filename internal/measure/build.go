package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const (
	overlayDir = "internal/measure/_overlay" // the commands that chapter 06 gets for the measurements
	choicesDir = "internal/measure/choices"  // one diff for each choice, which takes it back
)

// buildCommand is the command build.
func buildCommand(args []string) error {
	flags := flag.NewFlagSet("build", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // main prints the error
	out := flags.String("o", "", "")
	choice := flags.String("choice", "", "")
	source := flags.String("source", "", "")
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Print(usage)
		return nil
	case err != nil:
		return fmt.Errorf("build: %w", err)
	case *out == "":
		return errors.New("build needs -o FILE")
	case flags.NArg() > 0:
		return fmt.Errorf("build does not take %q", flags.Args())
	}
	dir := *source
	if dir == "" {
		if dir, err = os.MkdirTemp("", "measure"); err != nil {
			return err
		}
		defer os.RemoveAll(dir)
	}
	return buildProgram(dir, *out, *choice)
}

// runCommand builds the program and runs it. If the program fails, it has said why,
// so the error is only its exit status.
func runCommand(args []string) error {
	dir, err := os.MkdirTemp("", "measure")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "program")
	if err := buildProgram(filepath.Join(dir, "source"), program, ""); err != nil {
		return err
	}
	cmd := exec.Command(program, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	return cmd.Run()
}

// buildProgram builds chapter 06 with the commands of the overlay, and leaves its
// source in dir. If choice isn't empty, the diff with that name takes back one of
// the chapter's choices.
func buildProgram(dir, out, choice string) error {
	if err := assemble(dir, choice); err != nil {
		return err
	}
	out, err := filepath.Abs(out)
	if err != nil {
		return err
	}
	return runIn(dir, "go", "build", "-o", out, ".")
}

// assemble makes a module in dir: the files of chapter 06 without its tests, and
// beside them the files of the overlay. Nothing in dir may have the name of one
// of those.
func assemble(dir, choice string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	files, err := filepath.Glob(chapterDir + "/*")
	if err != nil {
		return err
	}
	if files == nil {
		return fmt.Errorf("there's no folder %s here: run this in the root of the repository", chapterDir)
	}
	added, err := filepath.Glob(overlayDir + "/*")
	if err != nil {
		return err
	}
	for _, path := range append(append(files, added...), "go.mod", "go.sum") {
		name := filepath.Base(path)
		if info, err := os.Stat(path); err != nil || info.IsDir() {
			continue
		}
		if filepath.Dir(path) == chapterDir && strings.HasSuffix(name, "_test.go") {
			continue
		}
		if err := copyFile(filepath.Join(dir, name), path); err != nil {
			return err
		}
	}
	if choice == "" {
		return nil
	}
	diff, err := filepath.Abs(filepath.Join(choicesDir, choice+".diff"))
	if err != nil {
		return err
	}
	return runIn(dir, "git", "apply", "-p2", diff)
}

// copyFile fails if there is a file of that name already: what the overlay adds
// must not replace a file of the chapter.
func copyFile(to, from string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

// runIn runs a program in dir. Its error contains what the program prints.
func runIn(dir, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(),
		"GIT_CEILING_DIRECTORIES="+filepath.Dir(dir), // or git takes dir for a part of a repository around it
		"GOFLAGS="+strings.TrimSpace(os.Getenv("GOFLAGS")+" -buildvcs=false"), "GOWORK=off")
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, err, output)
	}
	return nil
}
