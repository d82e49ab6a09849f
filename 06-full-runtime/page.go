package main

import (
	"fmt"
	"sync/atomic"
	"time"
)

// counts is what a runtime has done so far, told by its Trace.
type counts struct {
	start   time.Time
	polls   int
	parks   int
	replies int
	wakes   atomic.Int64 // they may come from any goroutine
}

// watch makes rt count. It is called before the first Spawn.
func watch(rt *Runtime) *counts {
	c := &counts{start: time.Now()}
	rt.Trace.Poll = func(*Task) { c.polls++ }
	rt.Trace.Park = func() { c.parks++ }
	rt.Trace.Woken = func(*Task) { c.wakes.Add(1) }
	return c
}

// The page is as plain as a page can be: it comes from the same task as any
// other reply, and what it shows is true at the moment when it is made.
const page = `<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>A runtime at work</title>
<style>
body { font: 1.1em/1.5 sans-serif; max-width: 40em; margin: 2em auto; padding: 0 1em }
td { padding: 0 1em 0 0; vertical-align: top }
td:first-child { text-align: right; font-variant-numeric: tabular-nums }
</style>
<h1>A runtime at work</h1>
<p>All connections of this server, yours too, are tasks that one thread polls.
Load the page again to see what has happened since.</p>
<h2>Now</h2>
<table>
<tr><td>%d<td>tasks: one for each connection, one accepts, one waits for an interrupt
<tr><td>%d<td>timers: what is idle or slow has one
<tr><td>%d<td>descriptors, that of the listening socket among them
<tr><td>%d<td>connections, of at most %d
<tr><td>%d<td>of them with a request under way, this one among them
</table>
<h2>In the last %v</h2>
<table>
<tr><td>%d<td>replies
<tr><td>%d<td>polls: how often a task was asked to go on
<tr><td>%d<td>wakes: how often somebody had a reason to ask
<tr><td>%d<td>parks: how often there was nothing to do, and the thread slept
</table>
<p>Try <a href="/0/hello">/0/hello</a> and <a href="/2000/later">/2000/later</a>,
which takes two seconds, and this page meanwhile.</p>
</html>
`

func (s *server) page() string {
	r, c, busy := s.runtime.Report(), s.counts, 0
	for conn := range s.conns {
		if conn.worker != nil {
			busy++
		}
	}
	return fmt.Sprintf(page, r.Tasks, r.Timers, r.Descriptors, len(s.conns), s.options.Connections, busy,
		time.Since(c.start).Round(time.Second), c.replies, c.polls, c.wakes.Load(), c.parks)
}
