// want: two kettles
package main

// A Kettle is a future. Its value is "hot water", and it's ready once Hot is true.
var hot bool

type Kettle struct {
	Hot bool
}

func (k *Kettle) Poll(*Context) (string, bool) {
	if hot = hot || k.Hot; hot {
		return "hot water", true
	}
	return "", false
}
