// want: NewLaunch\(70000\)
package main

type Launch struct {
	n    int16
	held bool
}

func NewLaunch(n int) *Launch { return &Launch{n: int16(n)} }
func (l *Launch) Hold()       { l.held = true }
func (l *Launch) Release()    { l.held = false }
func (l *Launch) Poll(*Context) (string, bool) {
	if l.held {
		return "", false
	}
	if l.n > 0 {
		l.n--
		return "", false
	}
	return "liftoff", true
}
