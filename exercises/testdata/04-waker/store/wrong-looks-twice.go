// want: the box looks empty
package main

import "sync"

// Box is a letter box, as a future: its value is the letter.
type Box struct {
	mu     sync.Locker
	letter string // guarded by mu: "" until one is posted
	waker  Waker  // guarded by mu: of the latest poll
}

func NewBox(mu sync.Locker) *Box { return &Box{mu: mu} }

// Poll looks into the box.
func (b *Box) Poll(cx *Context) (string, bool) {
	b.mu.Lock()
	letter := b.letter
	b.mu.Unlock()
	if letter != "" {
		return letter, true
	}
	b.mu.Lock()
	letter = b.letter // once more: it may have come in the meantime
	b.mu.Unlock()
	if letter != "" {
		return letter, true
	}
	b.mu.Lock()
	b.waker = cx.Waker()
	b.mu.Unlock()
	return "", false
}

// Post is called by the postman, who is another goroutine.
func (b *Box) Post(letter string) {
	b.mu.Lock()
	b.letter = letter
	w := b.waker
	b.mu.Unlock()
	if w != nil {
		w.Wake()
	}
}
