package main

import (
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// hearing is a future that ends when it has read so many bytes, or with an
// error.
type hearing struct {
	fd, bytes int
	heard     chan struct{}
}

func newHearing(fd, bytes int) *hearing { return &hearing{fd, bytes, make(chan struct{}, bytes)} }

func (h *hearing) Poll(cx *Context) (error, bool) {
	for h.bytes > 0 {
		_, err := retry(unix.Read, h.fd, make([]byte, 1))
		if err == unix.EAGAIN {
			err = cx.WakeWhenReadable(h.fd)
			return err, err != nil
		}
		if err != nil {
			return err, true
		}
		h.bytes--
		h.heard <- struct{}{}
	}
	cx.Forget(h.fd)
	return nil, true
}

// hearOneByOne runs a future to its end, to which a byte is sent whenever it
// has heard the one before.
func hearOneByOne(t *testing.T, bytes int, beforeEach func()) (polls int) {
	t.Helper()
	fd, peer := openPair(t)
	h, over := newHearing(fd, bytes), make(chan struct{})
	var sender sync.WaitGroup
	sender.Go(func() {
		for range bytes {
			beforeEach()
			retry(unix.Write, peer, []byte("x"))
			select {
			case <-h.heard:
			case <-over:
				return
			}
		}
	})
	if err := runOne(t, Counted[error]{h, &polls}); err != nil {
		t.Error(err)
	}
	close(over)
	sender.Wait()
	return polls
}
