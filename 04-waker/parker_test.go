package main

import (
	"testing"
	"testing/synctest"
)

// parkElsewhere starts a Park, and returns what tells whether it has returned.
func parkElsewhere(p *Parker) (returned func() bool) {
	done := make(chan struct{})
	go func() {
		p.Park()
		close(done)
	}()
	return func() bool {
		synctest.Wait()
		select {
		case <-done:
			return true
		default:
			return false
		}
	}
}

// Property 25.
func TestWakeBeforeParkIsNotLost(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := NewParker()
		p.Wake()
		if returned := parkElsewhere(p); !returned() {
			t.Error("Park sleeps although there was a wake before")
			p.Wake()
		}
	})
}

// Property 25.
func TestParkWithoutWakeSleeps(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := NewParker()
		if returned := parkElsewhere(p); returned() {
			t.Error("Park returned although nobody called Wake")
		}
		p.Wake()
	})
}

// Property 25.
func TestWakeEndsPark(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := NewParker()
		returned := parkElsewhere(p)
		synctest.Wait() // it sleeps
		p.Wake()
		if !returned() {
			t.Fatal("Park sleeps on after a wake")
		}
	})
}

// Property 25.
func TestManyWakesBeforeParkAreOne(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := NewParker()
		for range 1000 {
			p.Wake()
		}
		p.Park()
		if returned := parkElsewhere(p); returned() {
			t.Error("a second Park returned: it found a token left by 1,000 wakes before the first")
		}
		p.Wake()
	})
}

// Property 25.
func TestEachParkNeedsAWakeOfItsOwn(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := NewParker()
		for range 3 {
			returned := parkElsewhere(p)
			if returned() {
				t.Error("Park returned without a wake of its own")
			}
			p.Wake()
			if !returned() {
				t.Fatal("Park sleeps on after a wake")
			}
		}
	})
}
