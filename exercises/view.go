package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// open shows the exercise being worked on.
func open(c *collection) error {
	if err := c.tryUnknown(); err != nil {
		return err
	}
	e := c.current()
	if e.outcome == nil { // it hasn't been edited yet: what do its tests say?
		if err := c.try([]*exercise{e}); err != nil {
			return err
		}
	}
	if e.done() {
		fmt.Printf("%s\n  It %s\n\n%s\n\n", heading(e), color("32", "passes."), progress(c))
		return showNext(c, e)
	}
	fmt.Println(heading(e))
	where(c, e)
	fmt.Printf("\nIts tests say:\n%s", indented(e.outcome.Said))
	fmt.Printf("\n%s\n", progress(c))
	return nil
}

// runOne runs the tests of one exercise, whatever is known of it.
func runOne(c *collection, e *exercise) error {
	c.record.opened(e)
	if err := c.try([]*exercise{e}); err != nil {
		return err
	}
	report(c, e)
	if !e.done() {
		return errFailed
	}
	return nil
}

// report says what a run has shown.
func report(c *collection, e *exercise) {
	if e.done() {
		fmt.Printf("%s %s\n", color("1", e.name), color("32", "passes."))
		next := c.after(e, func(*exercise) bool { return true })
		if next == nil {
			fmt.Println(allDone)
		} else {
			fmt.Printf("Compare with %s, then see what's next: go run ./exercises next\n", e.kept("solution"))
		}
		return
	}
	fmt.Printf("%s doesn't pass yet:\n%s", color("1", e.name), indented(e.outcome.Said))
	fmt.Printf("\nEdit %s. Stuck? go run ./exercises hint %s\n", e.edited(), c.short(e))
}

const allDone = "That was the last one: you've solved them all. What's left is to write something of your own."

// next shows what comes after the exercise being worked on.
func next(c *collection, _ []string) error {
	if err := c.tryUnknown(); err != nil {
		return err
	}
	return showNext(c, c.current())
}

func showNext(c *collection, e *exercise) error {
	next := c.after(e, func(*exercise) bool { return true })
	if next == nil {
		if e.done() {
			fmt.Println(allDone)
		} else {
			fmt.Printf("%s is the only one left.\n", e.name)
		}
		return nil
	}
	fmt.Printf("%s %s\n", color("1", "Next:"), heading(next))
	where(c, next)
	if only := c.after(e, func(e *exercise) bool { return e.only }); only != nil && only != next {
		fmt.Printf("\nShort of time? Then do only the one marked ◆ in each chapter: go run ./exercises %s\n", c.short(only))
	}
	return nil
}

// heading is such as: 03-reactor/drain  ★★ ◆  20 minutes.
func heading(e *exercise) string {
	all := color("1", e.name) + "  " + e.stars
	if e.only {
		all += " ◆"
	}
	if e.minutes != "" {
		all += "  " + e.minutes + " minutes"
	}
	return all
}

func where(c *collection, e *exercise) {
	fmt.Printf("  read  %s\n", e.page())
	fmt.Printf("  edit  %s\n", e.edited())
	fmt.Printf("  run   go run ./exercises %s\n", c.short(e))
	fmt.Printf("  hint  go run ./exercises hint %s\n", c.short(e))
}

func progress(c *collection) string {
	done := 0
	for _, e := range c.all {
		if e.done() {
			done++
		}
	}
	const width = 30
	full := width * done / len(c.all)
	return fmt.Sprintf("%d of %d done  [%s%s]  all of them: go run ./exercises list",
		done, len(c.all), strings.Repeat("#", full), strings.Repeat(".", width-full))
}

// list shows the exercises of a chapter, or all.
func list(c *collection, only string) error {
	if err := c.tryUnknown(); err != nil {
		return err
	}
	current, chapter := c.current(), ""
	for _, e := range c.all {
		if only != "" && e.chapter() != only {
			continue
		}
		if e.chapter() != chapter {
			chapter = e.chapter()
			fmt.Println(color("1", chapter))
		}
		state := "     "
		if e.done() {
			state = color("32", "done ")
		} else if e.started {
			state = "begun"
		}
		mark := " "
		if e.only {
			mark = "◆"
		}
		stars := e.stars + strings.Repeat(" ", max(0, 5-len([]rune(e.stars))))
		here := ""
		if e == current {
			here = "  <- you are here"
		}
		fmt.Printf("  %s  %-22s %s %s %4s min%s\n", state, e.base(), stars, mark, e.minutes, here)
	}
	fmt.Printf("\n%s\n◆ is the one to do if you do only one in a chapter.\n", strings.TrimSuffix(progress(c), "  all of them: go run ./exercises list"))
	return nil
}

// indented is a text two columns to the right.
func indented(text string) string {
	var all strings.Builder
	for line := range strings.Lines(text) {
		all.WriteString("  " + line)
	}
	return all.String()
}

// color uses color only where it's welcome. It never carries meaning alone.
func color(code, text string) string {
	info, err := os.Stdout.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func solution(c *collection, args []string) error {
	e := c.current()
	if len(args) > 0 {
		var err error
		if e, err = c.named(args[0]); err != nil {
			return err
		}
	}
	fmt.Println(e.kept("solution"))
	return nil
}

// reset puts the stub back, and keeps what it replaces: nothing that was kept
// before is overwritten.
func reset(c *collection, args []string) error {
	if len(args) == 0 {
		return misuse{errors.New("reset needs a name, such as: go run ./exercises reset " + c.short(c.current()))}
	}
	e, err := c.named(args[0])
	if err != nil {
		return err
	}
	c.record.opened(e)
	if !e.started {
		fmt.Printf("%s is as you got it: there's nothing to reset.\n", e.edited())
		return nil
	}
	stub, err := os.ReadFile(e.kept("stub"))
	if err != nil {
		return err
	}
	now, err := os.ReadFile(e.edited())
	kept := ""
	if err == nil {
		kept, err = putAside(e.edited(), now)
	} else if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	if err == nil {
		err = os.WriteFile(e.edited(), stub, 0o666)
	}
	if err != nil {
		return err
	}
	fmt.Printf("%s is as you got it.\n", e.edited())
	if kept != "" {
		fmt.Printf("What you had is in %s\n", kept)
	}
	return nil
}

// putAside writes a text to path.old, or path.old2, or path.old3 and so on.
func putAside(path string, text []byte) (string, error) {
	for n := 1; ; n++ {
		old := path + ".old"
		if n > 1 {
			old = fmt.Sprintf("%s%d", old, n)
		}
		f, err := os.OpenFile(old, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if errors.Is(err, os.ErrExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		_, err = f.Write(text)
		return old, errors.Join(err, f.Close())
	}
}

// watch runs an exercise whenever its file is saved. Without a name, that's
// whichever exercise you save.
func watch(c *collection, args []string) error {
	e := c.current()
	watched := c.all
	if len(args) > 0 {
		named, err := c.named(args[0])
		if err != nil {
			return err
		}
		e, watched = named, []*exercise{named}
	}
	c.record.opened(e)
	last := stamps(watched)
	for {
		fmt.Printf("\n%s\n", strings.Repeat("-", 60))
		if err := c.try([]*exercise{e}); err != nil {
			fmt.Println(err)
		} else {
			report(c, e)
		}
		fmt.Printf("\n%s  Watching %s. Ctrl-C ends it.\n", time.Now().Format(time.TimeOnly), watching(watched))
		for saved := (*exercise)(nil); saved == nil; {
			time.Sleep(watchInterval)
			now := stamps(watched)
			for _, other := range watched {
				if at, there := now[other]; there && at != last[other] { // gone for a moment is how some editors save
					saved = other
					last[other] = at
				}
			}
			if saved != nil {
				e = saved
				e.look()
			}
		}
	}
}

const watchInterval = 200 * time.Millisecond

func watching(all []*exercise) string {
	if len(all) == 1 {
		return all[0].edited()
	}
	return "all exercises"
}

// A stamp changes when a file is saved.
type stamp struct {
	at   time.Time
	size int64
}

func stamps(all []*exercise) map[*exercise]stamp {
	now := make(map[*exercise]stamp)
	for _, e := range all {
		if info, err := os.Stat(filepath.Clean(e.edited())); err == nil {
			now[e] = stamp{info.ModTime(), info.Size()}
		}
	}
	return now
}
