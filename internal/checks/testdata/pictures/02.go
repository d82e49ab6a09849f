package main

import (
	"fmt"

	"golang.org/x/sys/unix"
)

var scenarios = map[string]func(){
	// The peer answers when the future has been told twice that there is nothing.
	"README.md": func() {
		p := newPeer()
		get := HTTPGet(p.addr, "/50/hello").(*httpGet)
		showGet(get)
		answer := func() {
			p.accept()
			p.write()
			p.close()
		}
		begin(map[string][]func(){"K-->>F: EAGAIN": {func() {}, answer}})
		BlockOn(get)
	},
}

// readResult names what a read returns.
func readResult(n int, err error) string {
	switch {
	case err == unix.EAGAIN:
		return "EAGAIN"
	case n > 0:
		return "n bytes"
	}
	return fmt.Sprintf("n = %d", n)
}
