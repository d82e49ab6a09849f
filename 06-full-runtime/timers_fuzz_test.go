package main

import (
	"cmp"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// judgedTimers are timers and, as the judge, a list of those that have not
// fired, sorted anew whenever one is added. One may end another when it fires.
type judgedTimers struct {
	timers
	all       []*timer // by name
	victims   map[int]int
	list      []pending
	got, want []int // names of those that have fired
}

type pending struct {
	deadline time.Duration // since the start
	name     int
}

func (j *judgedTimers) add(name int, d time.Duration) {
	j.timers.add(j.all[name], d, wakeFunc(func() {
		j.got = append(j.got, name)
		if victim, ok := j.victims[name]; ok {
			j.timers.remove(j.all[victim])
		}
	}))
	deadline := time.Since(j.start)
	deadline += min(d, math.MaxInt64-deadline)
	j.list = append(j.list, pending{deadline, name})
	slices.SortStableFunc(j.list, func(a, b pending) int { return cmp.Compare(a.deadline, b.deadline) })
}

func (j *judgedTimers) remove(name int) {
	j.timers.remove(j.all[name])
	j.strike(name)
}

// strike takes a timer off the list.
func (j *judgedTimers) strike(name int) {
	j.list = slices.DeleteFunc(j.list, func(p pending) bool { return p.name == name })
}

func (j *judgedTimers) fire() {
	const most = 3
	j.timers.fire(new(Trace), most)
	for n := 0; n < most && len(j.list) > 0 && j.list[0].deadline <= time.Since(j.start); n++ {
		name := j.list[0].name
		j.want = append(j.want, name)
		j.strike(name)
		if victim, ok := j.victims[name]; ok {
			j.strike(victim)
		}
	}
}

// step does what a letter says. Only some of its bits count.
//
//	a  adds a timer of n nanoseconds; A, S and T mean about so many milliseconds
//	n  adds a timer that nobody will live to see
//	s  stops one of the timers and starts it anew, with n nanoseconds
//	r  removes one, which may have fired, or been removed already
//	e  lets one end the next one when it fires
//	t  lets n nanoseconds pass, and up to three of them fire
func (j *judgedTimers) step(letter byte, n int) {
	d := time.Duration(n)
	if letter&('a'-'A') == 0 {
		d <<= 20
	}
	switch letter & 7 {
	case 'n' & 7:
		d = math.MaxInt64 - d
		fallthrough
	case 'a' & 7:
		j.all = append(j.all, new(timer))
		j.add(len(j.all)-1, d)
	case 't' & 7:
		time.Sleep(d)
		j.fire()
	default:
		if len(j.all) > 0 {
			j.change(letter, n%len(j.all), d)
		}
	}
}

func (j *judgedTimers) change(letter byte, name int, d time.Duration) {
	switch letter & 7 {
	case 's' & 7:
		j.remove(name)
		j.add(name, d)
	case 'r' & 7:
		j.remove(name)
	case 'e' & 7:
		j.victims[name] = (name + 1) % len(j.all)
	}
}

// Property 34.
func FuzzTimers(f *testing.F) {
	f.Fuzz(func(t *testing.T, steps []byte) {
		mustEnd(t)
		synctest.Test(t, func(t *testing.T) {
			j := &judgedTimers{timers: timers{start: time.Now()}, victims: make(map[int]int)}
			for ; len(steps) >= 2; steps = steps[2:] {
				j.step(steps[0], int(steps[1]))
				next := time.Duration(-1)
				if len(j.list) > 0 {
					next = max(j.list[0].deadline-time.Since(j.start), 0)
				}
				if len(j.heap) != len(j.list) || j.untilNext() != next || !slices.Equal(j.got, j.want) {
					t.Fatalf("%d timers, the next in %v, fired have %v; want %v, the next in %v, fired have %v",
						len(j.heap), j.untilNext(), j.got, j.list, next, j.want)
				}
			}
		})
	})
}
