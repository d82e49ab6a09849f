package main

import (
	"fmt"
	"testing"
)

// More calls than any buffer has room for, and some of them are closed.
func TestManyCalls(t *testing.T) {
	for _, n := range []int{1, 3, 65} {
		testTry(t, n, func(s *testScene) {
			var running, waiting []*testCall
			for i := range 1500 {
				c := s.call(fmt.Sprintf("call %04d", i))
				c.want("pending", "its function blocks, or waits")
				switch {
				case i < n:
					running = append(running, c)
				case i%3 == 0:
					c.close()
				default:
					waiting = append(waiting, c)
				}
			}
			for len(running) > 0 {
				var names []string
				for _, c := range running {
					names = append(names, c.name)
				}
				s.settle(fmt.Sprintf("1500 calls were polled, and of those that wait each third was closed; %d are to run, in order of the first polls, and %d still wait", len(running), len(waiting)), names...)
				first := running[0]
				first.ends <- nil
				first.wantWoken(1, "its function has returned")
				first.want("value", "its function has returned")
				running = running[1:]
				if len(waiting) > 0 {
					running, waiting = append(running, waiting[0]), waiting[1:]
				}
			}
			s.settle("all have returned")
		})
	}
}
