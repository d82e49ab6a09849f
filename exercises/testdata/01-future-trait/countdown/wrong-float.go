// want: in the field that keeps
package main

type Launch struct {
	seconds float32
	held    bool
}

func NewLaunch(n int) *Launch { return &Launch{seconds: float32(n)} }

func (l *Launch) Hold() { l.held = true }

func (l *Launch) Release() { l.held = false }

func (l *Launch) Poll(*Context) (string, bool) {
	if l.held {
		return "", false
	}
	if l.seconds >= 1 {
		l.seconds -= 1
		return "", false
	}
	return "liftoff", true
}
