package main

import "schedules/sched"

var Scenarios = []sched.Scenario{{"letter", letterAgainstPoll}, {"token", letterAgainstPoll}}

func letterAgainstPoll(r *sched.R) {
	l, p := new(letter), (*Parker)(nil)
	sched.Find(&p, "the parker")
	sched.Show("l.arrived", "value", func() bool { return l.arrived })
	sched.Show("l.waker", "value", func() Waker { return l.waker })
	sched.Show("token", "token", func() int { return tokens(p) })
	r.Go("main", func() { BlockOn(nil, l) })
	r.Go("post", l.post)
}

func tokens(p *Parker) int {
	if p == nil {
		return 0
	}
	return len(p.token)
}

// poller isn't used here: nothing waits for a descriptor.
type poller struct{}
