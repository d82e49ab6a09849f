package main

// Each choice becomes an experiment: the program as it is, and the program with
// the choice taken back, in turn.
func init() {
	for _, c := range choices {
		programs := func(arguments ...string) []contender {
			return []contender{
				{ours, append([]string{ours}, arguments...)},
				{c.diff, append([]string{c.diff}, arguments...)},
			}
		}
		servers := programs("echo", "-addr", "127.0.0.1:0")
		e := experiment{name: c.experiment(), rounds: 7}
		switch c.kind {
		case "echo, 1 connection":
			e.round = echo(servers, 1)
		case "echo, 64 connections":
			e.round = echo(servers, 64)
		case "yield, 1,000 tasks":
			e.round = results(measured, programs("sched", "yield1k", "-n", "3000000"))
		case "spawn, 1,000 at a time":
			e.round = results(measured, programs("sched", "spawnbatch", "-n", "300000"))
		case "timer":
			e.round = results(measured, programs("sched", "timer", "-n", "100000"))
		case "wake, GOMAXPROCS=1":
			e.round = results(measured, programs("sched", "wakego", "-n", "10000"))
		case "idle, echo":
			e.rounds, e.round = 2, idle(servers, "hello")
		default:
			panic("nothing measures " + c.kind)
		}
		experiments = append(experiments, e)
	}
}
