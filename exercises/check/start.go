package check

import (
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strings"
	"time"
)

// A package variable is initialized before the first test begins, so no time
// limit of a test can end an initializer that hangs. But this package is
// initialized even earlier than the package that imports it, and so it can set
// an alarm.

var startLimit = 5 * time.Second

func init() {
	time.AfterFunc(startLimit, func() {
		if where, starting := stillStarting(); starting {
			fmt.Printf("%s hangs: it runs before the first test, as part of a package variable or of an init function, and hasn't returned after %v\n", where, startLimit)
			os.Exit(1)
		}
	})
}

var (
	mainGoroutine = regexp.MustCompile(`(?s)(?:^|\n)goroutine 1 .*?(\n\n|$)`)
	userLine      = regexp.MustCompile(`\n[\w.-]+\.[\w-]+/.*\n\t.*[/\\]([\w.-]+\.go:\d+)`)
)

// stillStarting reports whether main.main hasn't been called yet, and names the
// line where the main goroutine is.
func stillStarting() (where string, starting bool) {
	stack := make([]byte, 1<<20)
	text := mainGoroutine.FindString(string(stack[:runtime.Stack(stack, true)]))
	if text == "" || strings.Contains(text, "\nmain.main()") {
		return "", false
	}
	if m := userLine.FindStringSubmatch(text); m != nil {
		return m[1], true
	}
	return "something", true
}
