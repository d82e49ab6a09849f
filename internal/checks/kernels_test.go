package checks

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What other kernels do can't be had from this one. So in a copy of each chapter
// some calls are replaced, and testdata/kernels makes them fail as they do there.
var replacedCalls = []string{
	"unix.Connect(fd, to)", "kernelConnect(fd, to)",
	"unix.Getpeername(fd)", "kernelGetpeername(fd)",
}

// These mistakes must be found in the copy, or it's of no use.
var kernelMistakes = map[string][]string{
	"":                       nil,
	"EAGAIN is under way":    {"case unix.EINPROGRESS, unix.EINTR:", "case unix.EINPROGRESS, unix.EINTR, unix.EAGAIN:", "\tcase unix.EAGAIN: //", "\tcase unix.EPERM: //"},
	"EINVAL is said":         {"case err == unix.EINVAL:", "case false:"},
	"getpeername comes last": {"case code != 0:", "case code != 0 && err == nil:"},
}

func TestOtherKernels(t *testing.T) {
	t.Parallel()
	for _, chapter := range chapterFolders(t)[1:] {
		for name, edits := range kernelMistakes {
			if name != "" && chapter != "02-blocking-poll" && chapter != "06-full-runtime" {
				continue // socket.go is a copy
			}
			t.Run(strings.TrimSuffix(chapter+", mistake: "+name, ", mistake: "), func(t *testing.T) {
				t.Parallel()
				if name != "" {
					onlyIfAll(t)
				}
				path := filepath.Join(chapter, "socket.go")
				text, _ := readIfThere(t, path)
				edits := append(edits[:len(edits):len(edits)], replacedCalls...)
				for i := 0; i < len(edits); i += 2 {
					if !strings.Contains(text, edits[i]) {
						t.Fatalf("%s has no %s", path, edits[i])
					}
					text = strings.ReplaceAll(text, edits[i], edits[i+1])
				}
				o := &overlaid{t.TempDir(), make(map[string]string)}
				o.add(t, path, text)
				const tests = "^(TestConnectWithoutALocalPort|TestFailedConnectOnMacOS)$"
				texts := testFiles(t, chapter)
				texts[filepath.Join(chapter, "kernel_test.go")], _ = readIfThere(t, "internal/checks/testdata/kernels/kernel_test.go")
				o.addOnlyTests(t, texts, tests)
				program := buildTests(t, o, chapter)
				got := run(t, time.Minute, chapter, nil, program, "-test.run="+tests)
				if said := got.stdout + got.stderr; got.exit != 0 && name == "" {
					t.Error(said)
				} else if got.exit == 0 && name != "" {
					t.Error("not found")
				}
			})
		}
	}
}
