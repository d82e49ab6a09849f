package main

import (
	"runtime"
	"sync"
	"time"
)

// kinds has the kinds of sched in ../_overlay, done with goroutines.
var kinds = map[string]func(n int){
	"spawn":      func(n int) { spawn(n, 1) },
	"spawnbatch": func(n int) { spawn(n, 1000) },
	"yield1":     func(n int) { yield(n, 1) },
	"yield1k":    func(n int) { yield(n, 1000) },
	"wake":       func(n int) { wake(n, true) },
	"wakego":     func(n int) { wake(n, false) },
	"timer": func(n int) {
		sleep(n, func(i int) time.Duration {
			return 100*time.Millisecond + time.Second*time.Duration(i)/time.Duration(n)
		})
	},
}

// spawn starts goroutines and waits for them. Each has a channel of its own,
// because each task has a handle of its own.
func spawn(n, batch int) {
	var handles []chan struct{}
	for left := n; left > 0; left -= batch {
		handles = handles[:0]
		for range min(batch, left) {
			done := make(chan struct{}, 1)
			handles = append(handles, done)
			go func() { done <- struct{}{} }()
		}
		for _, done := range handles {
			<-done
		}
	}
}

func yield(n, goroutines int) {
	var all sync.WaitGroup
	for i := range goroutines {
		all.Go(func() {
			for range n*(i+1)/goroutines - n*i/goroutines {
				runtime.Gosched()
			}
		})
	}
	all.Wait()
}

// wake sends questions through one channel and gets the answers through another.
func wake(n int, thread bool) {
	questions, answers := make(chan struct{}, 1), make(chan struct{}, 1)
	go func() {
		if thread {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
		}
		for range n {
			questions <- struct{}{}
			<-answers
		}
		close(questions)
	}()
	for range questions {
		answers <- struct{}{}
	}
}

func sleep(n int, d func(i int) time.Duration) {
	var all sync.WaitGroup
	for i := range n {
		d := d(i)
		all.Go(func() { time.Sleep(d) })
	}
	all.Wait()
}
