package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// A record is what one run leaves for the next, so that a look at the list
// doesn't run forty tests. It lies in your cache folder, one file for each
// clone. Nothing depends on it: without the file, or without a cache folder,
// the tests simply run again.
type record struct {
	path     string
	Opened   string // the exercise that was asked for last,
	When     time.Time
	Outcomes map[string]*outcome // by name of the exercise
}

// An outcome is what the tests said of one state of an exercise's files.
type outcome struct {
	Passed bool
	Said   string // why not
	Files  string // fingerprint of what was tested
}

func readRecord() *record {
	r := new(record)
	dir, err := os.UserCacheDir()
	if root, err2 := os.Getwd(); err == nil && err2 == nil {
		r.path = filepath.Join(dir, "async-runtime-exercises", sum([]byte(root))[:16]+".json")
		text, _ := os.ReadFile(r.path)
		if json.Unmarshal(text, r) != nil {
			*r = record{path: r.path} // half-written, or of another version
		}
	}
	if r.Outcomes == nil {
		r.Outcomes = make(map[string]*outcome)
	}
	return r
}

// write replaces the file at once, so that two runs don't mix their records. An
// error costs time in the next run, and nothing else.
func (r *record) write() {
	text, err := json.Marshal(r)
	if err != nil || r.path == "" || os.MkdirAll(filepath.Dir(r.path), 0o777) != nil {
		return
	}
	f, err := os.CreateTemp(filepath.Dir(r.path), "new-*")
	if err != nil {
		return
	}
	_, err = f.Write(text)
	if f.Close() != nil || err != nil || os.Rename(f.Name(), r.path) != nil {
		os.Remove(f.Name())
	}
}

func (r *record) opened(e *exercise) {
	r.Opened, r.When = e.name, time.Now()
	r.write()
}

// recall gives each exercise the outcome of an earlier run, if its files are
// still the same.
func (c *collection) recall() {
	common := fingerprint(filepath.Join("exercises", "check"), "go.mod", "go.sum")
	for _, e := range c.all {
		if known := c.record.Outcomes[e.name]; known != nil && known.Files == common+fingerprint(e.dir()) {
			e.outcome = known
		}
	}
}

// fingerprint is the same as long as the files in these folders are, pages
// and what reset has put aside excepted.
func fingerprint(paths ...string) string {
	h := sha256.New()
	for _, root := range paths {
		_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(path) == ".md" || strings.Contains(filepath.Ext(path), ".old") {
				return nil
			}
			text, _ := os.ReadFile(path)
			h.Write([]byte(path + "\x00" + sum(text) + "\n"))
			return nil
		})
	}
	h.Write([]byte(runtime.Version() + runtime.GOOS + runtime.GOARCH))
	return hex.EncodeToString(h.Sum(nil))[:16]
}

func sum(text []byte) string {
	s := sha256.Sum256(text)
	return hex.EncodeToString(s[:])
}
