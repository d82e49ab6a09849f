package main

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
	"github.com/async-go-tutorial/async-runtime/exercises/check/order"
)

// A testReal is the kernel of this system.
type testReal struct {
	opens func() (heard, ring int, err error)
}

func (k testReal) open() (heard, ring int, err error)    { return k.opens() }
func (testReal) write(fd int, p []byte) (n int, e error) { return unix.Write(fd, p) }
func (testReal) read(fd int, p []byte) (n int, e error)  { return unix.Read(fd, p) }
func (testReal) close(fd int)                            { unix.Close(fd) }
func (testReal) wait(heard int) {
	unix.Poll([]unix.PollFd{{Fd: int32(heard), Events: unix.POLLIN}}, -1)
}

func testOpenPipe() (heard, ring int, err error) {
	var ends [2]int
	err = unix.Pipe(ends[:])
	for _, end := range ends {
		unix.SetNonblock(end, true)
	}
	return ends[0], ends[1], err
}

// testStepped is a bell in a scenario of package order.
type testStepped struct {
	s      *order.Schedule
	count  int
	other  bool // something else ends the sleep
	closed bool
}

func (k *testStepped) open() (heard, ring int, err error) { return 5, 5, nil }

func (k *testStepped) use(what string) {
	k.s.Step(what)
	if k.closed {
		k.s.Fatalf("and the bell was closed before that, so its number is that of another connection by now")
	}
}

func (k *testStepped) write(_ int, p []byte) (int, error) {
	k.use("writes to the bell")
	k.count++
	return len(p), nil
}

func (k *testStepped) read(_ int, p []byte) (int, error) {
	k.use("reads from the bell")
	if k.count == 0 {
		return -1, unix.EAGAIN
	}
	k.count = 0
	return 8, nil
}

func (k *testStepped) wait(int) {
	if order.Held() {
		k.s.Fatalf("Wait sleeps with the lock held, and Wake waits for it")
	}
	k.s.Wait("has slept", "for the bell", func() bool { return k.count > 0 || k.other })
}

func (k *testStepped) close(int) {
	k.use("closes the bell")
	k.closed = true
}

// testList tells tasks, the first few of them.
func testList(tasks []int) string {
	if len(tasks) > 5 {
		return fmt.Sprintf("%v and so on, %d in all", tasks[:5], len(tasks))
	}
	return fmt.Sprint(tasks)
}

func testTimes(n int) string {
	switch n {
	case 0:
		return "not at all"
	case 1:
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// testOrderFailed keeps code whose goroutines share without a lock away from real
// goroutines, which might break the memory of the whole program.
var testOrderFailed bool

// An executor and other goroutines, in every order of their steps.
func TestEveryOrder(t *testing.T) {
	defer func() { testOrderFailed = t.Failed() }()
	wakes := func(story string, bound, wakers int) order.Scenario {
		return order.Scenario{Story: story, Bound: bound, Run: func(s *order.Schedule) {
			k := &testStepped{s: s}
			d, _ := NewDoor(k, new(order.Mutex))
			s.Go("executor", func() {
				for left := wakers; left > 0; {
					left -= len(d.Wait())
				}
			})
			for i := range wakers {
				s.Go(fmt.Sprint("waker ", i+1), func() { d.Wake(i) })
			}
		}}
	}
	order.All(t, "bell.go", testSource,
		wakes("the executor waits, and a task is woken meanwhile", 2, 1),
		wakes("the executor waits, and two tasks are woken meanwhile", 1, 2),
		order.Scenario{Story: "the executor stops, and a task is woken meanwhile", Bound: 2, Run: func(s *order.Schedule) {
			k := &testStepped{s: s, other: true}
			d, _ := NewDoor(k, new(order.Mutex))
			s.Go("executor", func() {
				d.Wait()
				d.Close()
			})
			s.Go("waker", func() { d.Wake(7) })
		}},
	)
}

func TestRealBell(t *testing.T) {
	if check.IsStub(testSource) {
		t.Skip("not tried: bell.go is not started")
	}
	if testOrderFailed {
		t.Skip("not tried: TestEveryOrder has failed, and what goes wrong there may end the whole program here")
	}
	for kind, open := range testBells {
		check.Within(t, 5*time.Second, "1000 tasks are woken, and with a real bell Wait does not return them all", func(t testing.TB) {
			d, err := NewDoor(testReal{open}, new(sync.Mutex))
			if err != nil {
				t.Fatal(err)
			}
			const tasks = 1000
			go func() {
				defer func() {
					if v := recover(); v != nil {
						t.Errorf("Wake panics: %v", v)
					}
				}()
				for task := range tasks {
					d.Wake(task)
				}
			}()
			for next, calls := 0, 0; next < tasks; {
				if calls++; calls > 3*tasks {
					t.Fatalf("with a real bell, %s: Wait has returned %d times, and %d of %d tasks", kind, calls, next, tasks)
				}
				for _, task := range d.Wait() {
					if task != next {
						t.Fatalf("with a real bell, %s: task %d comes where %d should", kind, task, next)
					}
					next++
				}
			}
			d.Close()
			d.Wake(7)
		})
	}
}
