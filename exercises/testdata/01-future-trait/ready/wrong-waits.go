// want: slept for
package main

import "time"

// A Kettle is a future. Its value is "hot water", and it's ready once Hot is true.
type Kettle struct {
	Hot bool
}

func (k *Kettle) Poll(*Context) (string, bool) {
	if !k.Hot {
		time.Sleep(20 * time.Millisecond)
	}
	if k.Hot {
		return "hot water", true
	}
	return "", false
}
