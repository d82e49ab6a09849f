package main

import (
	"fmt"
	"io"
	"time"
)

// stopwatch measures a section of the program: the time on the clock, and the
// time of all its threads on the processors.
type stopwatch struct {
	wall time.Time
	cpu  time.Duration
}

func startStopwatch() stopwatch { return stopwatch{time.Now(), cpuTime()} }

// result prints what n operations have taken since startStopwatch.
func (s stopwatch) result(w io.Writer, kind string, n int) {
	wall, cpu := time.Since(s.wall), cpuTime()-s.cpu
	fmt.Fprintf(w, "RESULT kind=%s n=%d wall_ns=%d cpu_ns=%d wall_per_op=%.1f cpu_per_op=%.1f\n", kind, n,
		wall.Nanoseconds(), cpu.Nanoseconds(), float64(wall)/float64(n), float64(cpu)/float64(n))
}
