package main

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

// One worker, and tasks that wake any tasks in their polls, also themselves. What
// was woken first is polled first: an asleep task is woken at once, and one that's
// being polled when its poll has returned.
func TestWokenFirstIsPolledFirst(t *testing.T) {
	random := check.Random(t)
	for range 100 {
		n := 2 + random.IntN(4)
		testTry(t, "tasks wake each other and themselves in their polls, and one that was woken isn't polled", func(t testing.TB) {
			p, wakers := NewPool(), make([]Waker, n)
			var queue []int // what must be polled next
			var log []string
			seen, polls := make([]bool, n), 0
			for i := range n {
				queue = append(queue, i)
				p.Spawn(func(w Waker) bool {
					wakers[i] = w
					log = append(log, fmt.Sprintf("%c is polled", 'a'+i))
					if polls++; len(queue) == 0 || queue[0] != i {
						if !t.Failed() {
							t.Errorf("one worker, and %d tasks. The latest events: %s; and now it should be the turn of %s: the tasks are polled in the order in which they came to the end of the queue, and a task that's woken in its poll comes there when this poll has returned", n, strings.Join(log[max(0, len(log)-16):], ", "), testNames(queue))
						}
						return true
					}
					queue, seen[i] = queue[1:], true
					if polls > 20 {
						seen[i] = false // it's finished
						for other := range n {
							if seen[other] && !slices.Contains(queue, other) {
								queue = append(queue, other)
								wakers[other].Wake()
							}
						}
						return true
					}
					self := false
					for range random.IntN(4) {
						other := random.IntN(n)
						if !seen[other] {
							continue
						}
						log = append(log, fmt.Sprintf("wakes %c", 'a'+other))
						if wakers[other].Wake(); other == i {
							self = true
						} else if !slices.Contains(queue, other) {
							queue = append(queue, other)
						}
					}
					if len(queue) == 0 && !self { // so that something goes on
						log, self = append(log, fmt.Sprintf("wakes %c", 'a'+i)), true
						w.Wake()
					}
					if self {
						queue = append(queue, i)
					}
					return false
				})
			}
			testWork(t, p, 1)()
		})
		if t.Failed() {
			return
		}
	}
}

func testNames(queue []int) string {
	if len(queue) == 0 {
		return "none"
	}
	return string(rune('a' + queue[0]))
}

// One poll takes long, and a worker is free for all the others.
func TestNoWorkerWaitsForAPoll(t *testing.T) {
	for _, n := range []int{2, 3, 4, 5, 8, 9, 65, 257} {
		for _, long := range []int{0, 1, n / 2, n - 1} {
			for _, workers := range []int{2, 3} {
				testTry(t, testHangs, func(t testing.TB) {
					p, wakers, polls := NewPool(), make([]Waker, n), make([]int, n)
					come := false
					look := func(what string, want int) {
						t.Helper()
						synctest.Wait() // the other workers have done what they will
						for i, got := range polls {
							if i != long && got != want && !t.Failed() {
								t.Errorf("%d workers, and %d tasks. One of them is polled, number %d, and that takes long; meanwhile %s, and when all other workers have nothing to do anymore, task %d has been polled %d times, want %d: no worker waits for another one's poll, nor do the tasks that it could poll", workers, n, long+1, what, i+1, got, want)
							}
						}
					}
					for i := range n {
						p.Spawn(func(w Waker) bool {
							wakers[i] = w
							if polls[i]++; i != long {
								return come
							}
							look("the others are in the queue", 1)
							if t.Failed() {
								come = true
							}
							for round := 2; round <= 3 && !t.Failed(); round++ {
								for other, w := range wakers {
									if other != long {
										w.Wake()
									}
								}
								look("it wakes all the others", round)
							}
							come = true
							for other, w := range wakers {
								if other != long && w != nil {
									w.Wake()
								}
							}
							return true
						})
					}
					testWork(t, p, workers)()
				})
				if t.Failed() {
					return
				}
			}
		}
	}
}

// Each task has a worker, and is woken in its poll, while the others are, too.
func TestAllAreWokenInTheirPolls(t *testing.T) {
	for _, n := range []int{2, 3, 9, 65} {
		story := fmt.Sprintf("%d workers poll %[1]d tasks, one each, at the same time. Each task wakes itself, and when all have done so, their polls return false", n)
		testTry(t, story+": each must be polled again, and one isn't", func(t testing.TB) {
			p, polls := NewPool(), make([]int, n)
			var woken sync.WaitGroup
			woken.Add(n)
			for i := range n {
				p.Spawn(func(w Waker) bool {
					if polls[i]++; polls[i] == 1 {
						w.Wake()
						woken.Done()
						woken.Wait()
					}
					return polls[i] > 1
				})
			}
			testWork(t, p, n)()
			for i, got := range polls {
				if got != 2 {
					t.Fatalf("%s. Task %d was polled %d times in all, want 2", story, i+1, got)
				}
			}
		})
	}
}

func TestNothingToDo(t *testing.T) {
	testTry(t, "no task was spawned, so there's nothing to do; and a worker doesn't return, but waits for the end of something that has never begun", func(t testing.TB) {
		testWork(t, NewPool(), 2)()
	})
	testTry(t, "the only task has finished, and then one more worker was started; it doesn't return, although there's nothing left to do", func(t testing.TB) {
		p := NewPool()
		p.Spawn(func(Waker) bool { return true })
		testWork(t, p, 1)()
		testWork(t, p, 1)()
	})
}
