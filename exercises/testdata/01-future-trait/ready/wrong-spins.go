// want: a loop in it wait
package main

import "runtime"

// A Kettle is a future. Its value is "hot water", and it's ready once Hot is true.
type Kettle struct {
	Hot bool
}

func (k *Kettle) Poll(*Context) (string, bool) {
	for i := 0; i < 2000 && !k.Hot; i++ { // it'll only take a moment
		runtime.Gosched()
	}
	if k.Hot {
		return "hot water", true
	}
	return "", false
}
