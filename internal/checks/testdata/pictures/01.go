package main

import (
	"fmt"
	"os"
)

var scenarios = map[string]func(){
	// The picture ends when the tea is ready. main goes on with breakfast.
	"README.md": func() {
		polls := 0
		drawing.first = map[string]func(n int){"E->>F: Poll": func(n int) {
			if drawing.on {
				polls = n
			}
		}}
		display("polls", "value", func() string { return fmt.Sprint(polls) })
		display("state", "value", func() string {
			if t, is := seen["*main.tea"].(*tea); is {
				return t.state
			}
			return "not made"
		})
		display("step", "value", func() string {
			if t, is := seen["*main.tea"].(*tea); is {
				step := t.step.(*countdown)
				return fmt.Sprintf("%q, left: %d", step.value, step.left)
			}
			return ""
		})
		os.Stdout.Close()
		begin(map[string][]func(){"F-->>E: true": {func() { pause(true) }}})
		main()
	},
	"states": states,
	"trace":  trace,
}

// trace writes what the fields of a tea hold after each poll, as rows of a table.
func trace() {
	os.Stdout.Close()
	t := Tea().(*tea)
	row := func(n, answer string) {
		step := t.step.(*countdown)
		left := fmt.Sprint(step.left, " left")
		if step.left < 0 {
			left = "done"
		}
		fmt.Fprintf(os.Stderr, "| %s | %q | `%q`, %s |%s|\n", n, t.state, step.value, left, answer)
	}
	row("0", " ")
	ready := false
	for n := 1; !ready; n++ {
		var value string
		value, ready = t.Poll(new(Context))
		row(fmt.Sprint(n), fmt.Sprintf(" `%q, %t` ", value, ready))
	}
}

// states writes through which states the futures of this chapter go. They're
// written as a state diagram has them.
func states() {
	os.Stdout.Close()
	all := []func() Future[any]{
		func() Future[any] { return anything[string]{Countdown(0, "toast")} },
		func() Future[any] { return anything[string]{Countdown(3, "toast")} },
		func() Future[any] { return anything[string]{Tea()} },
		func() Future[any] { return anything[[]string]{JoinAll[string]()} },
		func() Future[any] { return anything[[]string]{JoinAll(Tea(), Countdown(1, "toast"))} },
	}
	for _, newFuture := range all {
		f, state := newFuture(), "made"
		fmt.Fprintln(os.Stderr, "[*] --> made")
		for state != "ready" {
			next := "pending"
			_, ready := f.Poll(new(Context))
			if ready {
				next = "ready"
			}
			fmt.Fprintf(os.Stderr, "%s --> %s: %t\n", state, next, ready)
			state = next
		}
		if panics(f) {
			fmt.Fprintln(os.Stderr, "ready --> [*]")
		}
		for _, polls := range []int{0, 1} {
			f, state := newFuture(), "made"
			for range polls {
				if _, ready := f.Poll(new(Context)); ready {
					state = "ready"
				} else {
					state = "pending"
				}
			}
			if state != "ready" && Close(f) == nil && Close(f) == nil {
				fmt.Fprintf(os.Stderr, "%s --> closed: Close\nclosed --> [*]\n", state)
			}
		}
	}
}

func panics(f Future[any]) (is bool) {
	defer func() { is = recover() != nil }()
	f.Poll(new(Context))
	return
}

// anything hides the type of a future's value.
type anything[T any] struct{ future Future[T] }

func (a anything[T]) Poll(cx *Context) (any, bool) {
	return a.future.Poll(cx)
}

func (a anything[T]) Close() error { return Close(a.future) }
