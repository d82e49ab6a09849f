package sched

import "sync/atomic"

// Int32 is atomic.Int32.
type Int32 struct{ v atomic.Int32 }

func (i *Int32) Load() int32 {
	Step("loads")
	return i.v.Load()
}

func (i *Int32) Add(delta int32) int32 {
	Step("adds")
	return i.v.Add(delta)
}
