// want: an hour later
package main

import "time"

// A Kettle is a future. Its value is "hot water", and it's ready once Hot is true.
type Kettle struct {
	Hot bool
}

func (k *Kettle) Poll(*Context) (string, bool) {
	time.AfterFunc(30*time.Millisecond, func() { k.Hot = true })
	if k.Hot {
		return "hot water", true
	}
	return "", false
}
