package main

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

var scenarios = map[string]func(){
	// The picture begins when the request has been sent, and the peer answers when the
	// future has been told once that there is nothing. On docs/play, all of it is shown.
	"README.md": func() {
		p := newPeer()
		get := HTTPGet(p.addr, "/50/hello").(*httpGet)
		showGet(get)
		answer := func() {
			p.accept()
			p.write()
			p.close()
		}
		if watching {
			begin(map[string][]func(){"K-->>F: EAGAIN": {func() {}, answer}})
		} else {
			for get.state != receiving {
				get.Poll(new(Context))
			}
			begin(map[string][]func(){"K-->>F: EAGAIN": {answer}})
		}
		BlockOn(get)
	},
	"timeline": timeline,
}

// timeline waits for ten answers in three ways, and writes when each future was
// first polled and when it was ready, in milliseconds.
func timeline() {
	addr, stop := startDelayServer()
	defer stop()
	for _, way := range []struct {
		name string
		run  func([]Future[Response]) []Response
	}{
		{"one after the other", func(gets []Future[Response]) (all []Response) {
			for _, get := range gets {
				all = append(all, BlockOn(get))
			}
			return all
		}},
		{"blocking inside Poll", block},
		{"overlapped", loop},
	} {
		gets := make([]Future[Response], 10)
		start := time.Now()
		for i := range gets {
			ms := 50 * (i + 1)
			gets[i] = &timed{Future: HTTPGet(addr, fmt.Sprintf("/%d/hello", ms)), name: fmt.Sprintf("%s\t%d", way.name, ms), start: start}
		}
		for _, r := range way.run(gets) {
			must(r, r.Err)
		}
	}
}

// timed says when its future was polled first and when it was ready.
type timed struct {
	Future[Response]
	name         string
	start, first time.Time
}

func (t *timed) Poll(cx *Context) (Response, bool) {
	if t.first.IsZero() {
		t.first = time.Now()
	}
	r, ready := t.Future.Poll(cx)
	if ready {
		fmt.Fprintf(os.Stderr, "%s\t%d\t%d\n", t.name, t.first.Sub(t.start).Milliseconds(), time.Since(t.start).Milliseconds())
	}
	return r, ready
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
