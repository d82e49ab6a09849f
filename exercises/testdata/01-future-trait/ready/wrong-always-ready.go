// want: cold
package main

// A Kettle is a future. Its value is "hot water", and it's ready once Hot is true.
type Kettle struct {
	Hot bool
}

func (k *Kettle) Poll(*Context) (string, bool) {
	if k.Hot {
		return "hot water", true
	}
	return "hot water", true
}
