package main

import (
	"time"

	"golang.org/x/sys/unix"
)

var scenarios = map[string]func(){
	"README.md": func() {
		rt := must(NewRuntime())
		s, peer := pairedStream(rt)
		f := &readThenHear{read: s.Read(make([]byte, 8)), waits: func() { draw("README.md", "F->>G: Waker", "", false) }}
		begin(map[string][]func(){"E->>K: wait": {
			func() { must(unix.Write(peer, []byte("hello"))) },
			func() { go f.waker.Wake() },
		}})
		must(BlockOn(rt, f))
	},
	"parking.md": func() {
		f := &readThenHear{}
		f.waits = func() { begin(map[string][]func(){"E->>K: wait": {func() { go f.waker.Wake() }}}) }
		must(BlockOn(must(NewRuntime()), f))
	},
	"timers.md": func() {
		begin(nil)
		must(BlockOn(must(NewRuntime()), NewSleep(10*time.Millisecond)))
	},
	"choosing.md": func() {
		rt := must(NewRuntime())
		s, _ := pairedStream(rt)
		begin(nil)
		must(BlockOn(rt, Timeout(s.Read(make([]byte, 8)), 10*time.Millisecond)))
	},
	"streams.md": func() {
		rt := must(NewRuntime())
		begin(nil)
		s, peer := pairedStream(rt)
		must(BlockOn(rt, Timeout(s.Read(make([]byte, 8)), 10*time.Millisecond)))
		must(unix.Write(peer, []byte("hello")))
		must(BlockOn(rt, NewSleep(time.Millisecond)))
		must(BlockOn(rt, s.Read(make([]byte, 8))))
	},
	"await.md": func() {
		begin(nil)
		must(BlockOn(must(NewRuntime()), Async(func(co *Co) struct{} {
			return Await(co, NewSleep(time.Millisecond))
		})))
	},
}

// pairedStream returns a stream, and the other end of it. That it is writable,
// which the kernel reports first, is not drawn.
func pairedStream(rt *Runtime) (s *Stream, peer int) {
	pair := must(unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0))
	must(0, unix.SetNonblock(pair[0], true))
	s = &Stream{source: source{fd: pair[0], ready: interest{true, true}}, reactor: &rt.reactor}
	must(0, rt.reactor.add(&s.source))
	wasOn := pause(true)
	must(BlockOn(rt, NewSleep(time.Millisecond)))
	pause(!wasOn)
	return s, pair[1]
}

// readThenHear is ready when read is, if there is one, and then somebody who has
// no descriptor has called the waker.
type readThenHear struct {
	read  *Reading
	waits func() // is called when it begins to
	waker Waker
}

func (f *readThenHear) Poll(cx *Context) (struct{}, bool) {
	if f.read != nil {
		if _, ready := f.read.Poll(cx); !ready {
			return struct{}{}, false
		}
		f.read = nil
	}
	if f.waker != nil {
		return struct{}{}, true
	}
	f.waker = cx.Waker()
	f.waits()
	return struct{}{}, false
}
