package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
)

const (
	tokioDir     = "internal/measure/tokio"
	debianCrates = "/usr/share/cargo/registry" // where Debian's packages of Rust libraries put their source
)

// buildTokio builds what tokio is measured with, if cargo and the crates are here.
// Debian's crates suffice: cargo may not look at the network then.
func (l *lab) buildTokio() error {
	if _, err := exec.LookPath("cargo"); err != nil {
		return err
	}
	dir := filepath.Join(l.dir, "source", "tokio")
	if err := os.CopyFS(dir, os.DirFS(tokioDir)); err != nil {
		return err
	}
	args := []string{"build", "--release", "--target-dir", "target"}
	if found, _ := filepath.Glob(debianCrates + "/tokio-[0-9]*"); found != nil {
		args = append(args, "--offline",
			"--config", `source.crates-io.replace-with="debian"`,
			"--config", `source.debian.directory="`+debianCrates+`"`)
	}
	if err := runIn(dir, "cargo", args...); err != nil {
		return err
	}
	lock, err := os.ReadFile(filepath.Join(dir, "Cargo.lock"))
	if err != nil {
		return err
	}
	version := regexp.MustCompile(`name = "tokio"\nversion = "(.*)"`).FindSubmatch(lock)
	if version == nil {
		return errors.New("cargo's lock file doesn't say which tokio this is")
	}
	l.Machine = append(l.Machine, "tokio "+string(version[1]))
	return os.Rename(filepath.Join(dir, "target", "release", "peer"), filepath.Join(l.dir, "tokio"))
}
