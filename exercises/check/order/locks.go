package order

import (
	"slices"
	"sync"
	"sync/atomic"
)

// Mutex takes the place of sync.Mutex in the rewritten file. In a scenario, a
// goroutine that waits for it is known to wait. Otherwise it's a sync.Mutex.
type Mutex struct {
	real    sync.Mutex
	held    bool
	readers int
	taken   atomic.Bool
}

// Taken reports whether it was ever locked.
func (m *Mutex) Taken() bool { return m.taken.Load() }

func (m *Mutex) Lock() {
	acquire(m, func() bool { return !m.held && m.readers == 0 }, func() { m.held = true })
}
func (m *Mutex) Unlock() { release(m, m.held, func() { m.held = false }) }

func (m *Mutex) TryLock() bool {
	if now.Load() == nil {
		return m.real.TryLock()
	}
	if m.held || m.readers > 0 {
		return false
	}
	m.Lock()
	return true
}

// RWMutex takes the place of sync.RWMutex.
type RWMutex struct{ Mutex }

func (m *RWMutex) RLock()   { acquire(&m.Mutex, func() bool { return !m.held }, func() { m.readers++ }) }
func (m *RWMutex) RUnlock() { release(&m.Mutex, m.readers > 0, func() { m.readers-- }) }

func acquire(m *Mutex, free func() bool, take func()) {
	m.taken.Store(true)
	s, t := me()
	if now.Load() == nil {
		m.real.Lock()
		return
	}
	if t == nil {
		if !free() {
			now.Load().Fatalf("the lock is taken while it's held, and is never given back")
		}
		take()
		return
	}
	s.mu.Lock()
	woken := s.running != t // from a sync.Cond, while another goroutine takes its step
	s.mu.Unlock()
	if woken {
		s.pause(t)
	}
	for !free() {
		if slices.Contains(t.held, any(m)) {
			s.Fatalf("%s takes the lock that it has already (near %s:%d), and with a sync.Mutex that waits forever", t.name, s.file, t.line)
		}
		s.stop(t, free, "for a lock that's never given back")
		s.log(t, "(has waited for the lock, and has it now)")
	}
	take()
	t.held = append(t.held, m)
}

func release(m *Mutex, held bool, give func()) {
	s, t := me()
	if now.Load() == nil {
		m.real.Unlock()
		return
	}
	if !held {
		now.Load().Fatalf("a lock is given back that isn't held")
	}
	give()
	if t == nil {
		return
	}
	if i := slices.Index(t.held, any(m)); i >= 0 {
		t.held = slices.Delete(t.held, i, i+1)
	}
	s.pause(t)
}
