package main

// Semaphore has a number of permits, which futures wait for. All of this happens
// on one goroutine, so there's no lock. The fields are yours.
type Semaphore struct{}

// NewSemaphore makes a semaphore with n free permits.
func NewSemaphore(n int) *Semaphore { return &Semaphore{} }

// Acquire is ready when it has taken k permits, all at once. k is between 1 and
// the number of permits there are.
func (s *Semaphore) Acquire(k int) Future[struct{}] { return &acquire{} }

// Release gives k permits back. It's yours to write.
func (s *Semaphore) Release(k int) {}

// Free returns how many permits are neither taken nor granted. It's yours to
// write.
func (s *Semaphore) Free() int { return 0 }

type acquire struct{}

// Poll is yours to write.
func (a *acquire) Poll(cx *Context) (struct{}, bool) {
	return struct{}{}, false // not started
}

// Close is yours to write.
func (a *acquire) Close() error { return nil }
