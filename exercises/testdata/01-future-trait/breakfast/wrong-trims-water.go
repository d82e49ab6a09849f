// want: is no water
package main

import "strings"

type Kitchen interface {
	Boil() Future[string]
	Steep(water string) Future[string]
	Toast() Future[string]
}

type Breakfast struct {
	kitchen Kitchen
	state   int
	step    Future[string]
	tea     string
	cx      *Context
}

func NewBreakfast(k Kitchen) *Breakfast { return &Breakfast{kitchen: k} }

func (b *Breakfast) Poll(cx *Context) (string, bool) {
	if b.state == 0 {
		b.step, b.state = b.kitchen.Boil(), 1
	}
	for {
		s, ok := b.step.Poll(cx)
		if !ok {
			return "", false
		}
		switch b.state {
		case 1:
			if strings.TrimSpace(s) == "" {
				b.step = nil
				return "no breakfast", true
			}
			b.step, b.state = b.kitchen.Steep(s), 2
		case 2:
			b.tea = s
			b.step, b.state = b.kitchen.Toast(), 3
		case 3:
			b.step = nil
			return b.tea + " and " + s, true
		}
	}
}

func (b *Breakfast) Close() error {
	f := b.step
	b.step = nil
	return Close(f)
}
