package main

import (
	"fmt"
	"os"
)

var scenarios = map[string]func(){
	// The picture ends when the tea is ready. main goes on with breakfast.
	"README.md": func() {
		display("polls", "value", func() string {
			if polls, is := seen["*int"].(*int); is {
				return fmt.Sprint(*polls)
			}
			return ""
		})
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
}
