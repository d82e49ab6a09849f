package main

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

// Each benchmark measures a thing twice, with tasks and with goroutines:
//
//	go run ./internal/measure build -source /tmp/measured -o /tmp/measured/program
//	cd /tmp/measured && go test -run='^$' -bench=.
//
// docs/MEASURED.md says how long whole programs take.

// inRuntime runs a future, which calls b.Loop, to its end.
func inRuntime(b *testing.B, f Future[struct{}]) {
	b.Helper()
	b.ReportAllocs()
	rt, err := NewRuntime()
	if err != nil {
		b.Fatal(err)
	}
	if _, err := BlockOn(rt, f); err != nil {
		b.Fatal(err)
	}
	if left := rt.Close(); left != (Report{}) {
		b.Errorf("left behind: %+v", left)
	}
}

// onProcessors lets Go run goroutines on n threads at a time. A comparison with
// tasks uses one, because tasks have one.
func onProcessors(b *testing.B, n int) {
	before := runtime.GOMAXPROCS(n)
	b.Cleanup(func() { runtime.GOMAXPROCS(before) })
}

// pollFunc is a future made of its Poll.
type pollFunc func(*Context) bool

func (f pollFunc) Poll(cx *Context) (struct{}, bool) { return struct{}{}, f(cx) }

func until(poll func(cx *Context) (ready bool)) Future[struct{}] { return pollFunc(poll) }

func BenchmarkReady(b *testing.B) {
	b.Run("future", func(b *testing.B) {
		f := until(func(*Context) bool { return true })
		inRuntime(b, until(func(cx *Context) bool {
			for b.Loop() {
				f.Poll(cx)
			}
			return true
		}))
	})
	b.Run("channel", func(b *testing.B) {
		b.ReportAllocs()
		closed := make(chan struct{})
		close(closed)
		for b.Loop() {
			<-closed
		}
	})
}

func BenchmarkSpawnAndJoin(b *testing.B) {
	b.Run("task", func(b *testing.B) {
		onProcessors(b, 1)
		var child *JoinHandle[struct{}]
		inRuntime(b, until(func(cx *Context) bool {
			for {
				if child != nil {
					if _, ready := child.Poll(cx); !ready {
						return false
					}
				}
				if !b.Loop() {
					return true
				}
				child = Spawn(cx, until(func(*Context) bool { return true }))
			}
		}))
	})
	b.Run("goroutine", func(b *testing.B) {
		onProcessors(b, 1)
		b.ReportAllocs()
		for b.Loop() {
			done := make(chan struct{}, 1)
			go func() { done <- struct{}{} }()
			<-done
		}
	})
}

// One of n tasks counts the rounds. The others yield as often.
func BenchmarkYield(b *testing.B) {
	for _, n := range []int{1, 1000} {
		perYield := func(b *testing.B) {
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/yield")
		}
		b.Run(fmt.Sprintf("%d/task", n), func(b *testing.B) {
			onProcessors(b, 1)
			others := n - 1
			inRuntime(b, until(func(cx *Context) bool {
				for ; others > 0; others-- {
					Spawn(cx, until(yieldOnce))
				}
				yieldOnce(cx)
				return !b.Loop()
			}))
			perYield(b)
		})
		b.Run(fmt.Sprintf("%d/goroutine", n), func(b *testing.B) {
			onProcessors(b, 1)
			b.ReportAllocs()
			var stop atomic.Bool
			defer stop.Store(true)
			for range n - 1 {
				go func() {
					for !stop.Load() {
						runtime.Gosched()
					}
				}()
			}
			for b.Loop() {
				runtime.Gosched()
			}
			perYield(b)
		})
	}
}

// yieldOnce is a poll of a task that never ends, until Close cancels it.
func yieldOnce(cx *Context) (ready bool) {
	wakeLocal(cx.waker)
	return false
}

// There and back, on the same thread.
func BenchmarkWake(b *testing.B) {
	b.Run("task", func(b *testing.B) {
		onProcessors(b, 1)
		var asks, answers Waker
		inRuntime(b, until(func(cx *Context) bool {
			if answers == nil {
				asks = cx.waker
				Spawn(cx, until(func(cx *Context) bool {
					answers = cx.waker
					wakeLocal(asks)
					return false
				}))
				return false
			}
			wakeLocal(answers)
			return !b.Loop()
		}))
	})
	b.Run("goroutine", func(b *testing.B) {
		onProcessors(b, 1)
		benchmarkChannels(b)
	})
}

// benchmarkChannels asks a goroutine and takes its answer.
func benchmarkChannels(b *testing.B) {
	b.ReportAllocs()
	questions, answers := make(chan struct{}, 1), make(chan struct{}, 1)
	defer close(questions)
	go func() {
		for range questions {
			answers <- struct{}{}
		}
	}()
	for b.Loop() {
		questions <- struct{}{}
		<-answers
	}
}

// A goroutine wakes a task and waits for the answer. With one processor this is
// where the Gosched before the park shows: without it the goroutine has to wait
// until Go has seen that the thread of the executor sleeps in a system call,
// which takes a hundred times as long as all of the rest.
func BenchmarkWakeFromGoroutine(b *testing.B) {
	for _, processors := range []int{1, 2} {
		b.Run(fmt.Sprintf("GOMAXPROCS=%d/task", processors), func(b *testing.B) {
			onProcessors(b, processors)
			wakers, answers := make(chan Waker, 1), make(chan struct{}, 1)
			var asked, stop atomic.Bool
			go func() {
				w := <-wakers
				for b.Loop() {
					asked.Store(true)
					w.Wake()
					<-answers
				}
				stop.Store(true)
				w.Wake()
			}()
			first := true
			inRuntime(b, until(func(cx *Context) bool {
				if w := cx.Waker(); first {
					first = false
					wakers <- w
				}
				if asked.Swap(false) {
					answers <- struct{}{}
				}
				return stop.Load()
			}))
		})
		b.Run(fmt.Sprintf("GOMAXPROCS=%d/goroutine", processors), func(b *testing.B) {
			onProcessors(b, processors)
			benchmarkChannels(b)
		})
	}
}

// A thousand tasks sleep for a microsecond, again and again.
func BenchmarkTimer(b *testing.B) {
	const sleepers = 1000
	b.Run("task", func(b *testing.B) {
		onProcessors(b, 1)
		more := untilFalse(b.Loop)
		started := false
		inRuntime(b, until(func(cx *Context) bool {
			if !started {
				started = true
				for range sleepers {
					Spawn(cx, &dozing{more: more, end: cx.waker})
				}
				return false
			}
			return true
		}))
	})
	b.Run("goroutine", func(b *testing.B) {
		onProcessors(b, 1)
		b.ReportAllocs()
		b.SetParallelism(sleepers)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				time.Sleep(time.Microsecond)
			}
		})
	})
}

// untilFalse doesn't call more again after that has returned false.
func untilFalse(more func() bool) func() bool {
	over := false
	return func() bool {
		over = over || !more()
		return !over
	}
}

// dozing sleeps, and sleeps again when it's woken, with the same timer.
type dozing struct {
	sleep sleep
	more  func() bool
	end   Waker // is woken at the end
}

func (d *dozing) Poll(cx *Context) (struct{}, bool) {
	if !d.more() {
		wakeLocal(d.end)
		return struct{}{}, true
	}
	d.sleep = sleep{d: time.Microsecond}
	d.sleep.Poll(cx)
	return struct{}{}, false
}

func (d *dozing) Close() error { return d.sleep.Close() }

// A body yields. BenchmarkYield/1 is the same without a coroutine.
func BenchmarkAwait(b *testing.B) {
	b.Run("coroutine", func(b *testing.B) {
		onProcessors(b, 1)
		inRuntime(b, Async(func(co *Co) struct{} {
			var y yield
			for b.Loop() {
				y = yield{}
				Await(co, &y)
			}
			return struct{}{}
		}))
	})
	b.Run("goroutine", func(b *testing.B) {
		onProcessors(b, 1)
		benchmarkChannels(b)
	})
}

// Clients and server are in one process, so this measures both.
func BenchmarkEcho(b *testing.B) {
	for _, n := range []int{1, 64, 1000} {
		b.Run(fmt.Sprintf("%d/task", n), func(b *testing.B) {
			onProcessors(b, 1)
			inRuntime(b, Async(func(co *Co) struct{} {
				l := listenForEcho(co)
				defer l.Close()
				var streams []*Stream
				for range n {
					dialed := Await(co, Dial(l.Addr()))
					if dialed.Err != nil {
						panic(dialed.Err)
					}
					defer dialed.Value.Close()
					streams = append(streams, dialed.Value)
				}
				more := untilFalse(b.Loop)
				var clients []Future[Result[struct{}]]
				for _, s := range streams {
					clients = append(clients, Spawn(co.cx, Async(func(co *Co) struct{} {
						exchange(b, co.Conn(s), more)
						return struct{}{}
					})))
				}
				Await(co, JoinAll(clients...))
				return struct{}{}
			}))
		})
		b.Run(fmt.Sprintf("%d/goroutine", n), func(b *testing.B) {
			onProcessors(b, 1)
			b.ReportAllocs()
			l := netEcho(b)
			conns := make(chan net.Conn, n)
			for range n {
				conn, err := net.Dial("tcp", l.Addr().String())
				if err != nil {
					b.Fatal(err)
				}
				defer conn.Close()
				conns <- conn
			}
			b.SetParallelism(n)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) { exchange(b, <-conns, pb.Next) })
		})
	}
}

// exchange sends messages, each when the one before is back.
func exchange(b *testing.B, conn io.ReadWriter, more func() bool) {
	message := make([]byte, 64)
	for more() {
		if _, err := conn.Write(message); err != nil {
			b.Error(err)
			return
		}
		if _, err := io.ReadFull(conn, message); err != nil {
			b.Error(err)
			return
		}
	}
}

// listenForEcho starts the server of the command echo.
func listenForEcho(co *Co) *Listener {
	l, err := Listen(co.cx.task.runtime, netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		panic(err)
	}
	Spawn(co.cx, EchoServer(l))
	return l
}

// netEcho starts the same with a goroutine for each connection.
func netEcho(b *testing.B) net.Listener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				buffer := make([]byte, 4096)
				for {
					n, err := conn.Read(buffer)
					if err != nil {
						return
					}
					if _, err := conn.Write(buffer[:n]); err != nil {
						return
					}
				}
			}()
		}
	}()
	return l
}
