// Command 01-future-trait makes futures and polls them by hand.
package main

import "fmt"

// shown prints each poll of a future. main abandons none, so it has no Close.
type shown struct {
	name   string
	future Future[string]
}

func (s shown) Poll(cx *Context) (string, bool) {
	value, ready := s.future.Poll(cx)
	fmt.Printf("  poll %-5s → %q, %t\n", s.name, value, ready)
	return value, ready
}

func main() {
	polls, cx := 0, new(Context)
	tea := Counted[string](shown{"tea", Tea()}, &polls)
	fmt.Printf("A future is made: %d polls, and the kettle is cold.\n\nSomething has to poll it:\n", polls)
	for ready := false; !ready; {
		_, ready = tea.Poll(cx)
	}
	fmt.Printf("  %d polls for one cup\n", polls)
	breakfast := JoinAll[string](shown{"tea", Tea()}, shown{"toast", Countdown(1, "toast")})
	for round, ready := 1, false; !ready; round++ {
		fmt.Printf("\nJoinAll, round %d, polls every future that isn't ready:\n", round)
		_, ready = breakfast.Poll(cx)
	}
	fmt.Println("\nmain called Poll again and again, by hand. Chapter 02 has a loop for that.")
}
