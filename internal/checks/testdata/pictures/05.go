package main

import "os"

var scenarios = map[string]func(){
	// The reactor waits before anything else happens.
	"README.md": func() {
		waits := make(chan struct{})
		begin(map[string][]func(){"R->>K: wait": {func() { close(waits) }}})
		r := must(NewReactor())
		<-waits
		os.Stdout.Close() // narrate tells a story
		must(0, narrate(r))
		r.Close()
	},
}
