package main

// The choices are measured like everything else: as it is, and with the choice
// taken back, in turn.
func init() {
	for _, c := range choices {
		name := c.experiment()
		programs := func(arguments ...string) []contender {
			return []contender{
				{ours, append([]string{ours}, arguments...)},
				{c.diff, append([]string{c.diff}, arguments...)},
			}
		}
		servers := programs("echo", "-addr", "127.0.0.1:0")
		e := experiment{name, 7, nil}
		switch c.kind {
		case "echo":
			e.round = func(l *lab) { l.echo(name, servers, 64) }
		case "yield":
			e.round = func(l *lab) { l.results(measured, name, programs("sched", "yield1k", "-n", "3000000")) }
		case "wake":
			e.round = func(l *lab) { l.results(measured, name, programs("sched", "wakego", "-n", "10000")) }
		case "idle":
			e.rounds = 3
			e.round = func(l *lab) { l.idle(name, servers, "hello") }
		}
		experiments = append(experiments, e)
	}
}
