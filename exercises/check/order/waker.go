package order

// A Waker wakes a goroutine of a scenario.
type Waker struct {
	s     *Schedule
	Name  string // "the waker", unless it's set
	Count int
	Quiet bool // a call is no step of its own
	woken bool
}

func (s *Schedule) Waker() *Waker { return &Waker{s: s, Name: "the waker"} }

func (w *Waker) Wake() {
	if !w.Quiet {
		w.s.Step("calls " + w.Name)
	}
	if Held() {
		w.s.Fatalf("%s is called with the lock held: the task that's woken may use the lock at once, and waits for it", w.Name)
	}
	w.Count++
	w.woken = true
}

// Sleep sleeps until Wake has been called since the last Sleep.
func (w *Waker) Sleep() {
	w.s.Wait("has been woken", "for a wake", func() bool { return w.woken })
	w.woken = false
}
