// Command 01-future-trait makes futures and polls them by hand.
package main

import (
	"fmt"
	"os"
)

// rounds polls f until it's ready, and returns how many polls that took.
func rounds[T any](title string, f Future[T]) (n int) {
	fmt.Print(title)
	for ready := false; !ready; n++ {
		fmt.Printf("\n  round %d:", n+1)
		_, ready = f.Poll(new(Context))
	}
	return n
}

func main() {
	if len(os.Args) > 1 {
		fmt.Fprintln(os.Stderr, "usage: go run ./01-future-trait (it takes no arguments)")
		if arg := os.Args[1]; arg == "-h" || arg == "--help" || arg == "help" {
			return
		}
		os.Exit(2)
	}
	tea := rounds("A future is made, and nothing happens: the kettle is cold. main polls it:", Tea())
	toast := rounds("\n\nAnd the toast:", Countdown(1, "toast"))
	both := rounds("\n\nJoinAll polls each one that isn't ready:", JoinAll(Tea(), Countdown(1, "toast")))
	fmt.Printf("\n\nTea alone: %d rounds. Tea and toast together: %d rounds, not %d.\n"+
		"main called Poll by hand. Chapter 02 has a loop for that, and shows its price.\n", tea, both, tea+toast)
}
