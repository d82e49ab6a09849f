package main

// A Kettle is a future. Its value is "hot water", and it's ready once Hot is true.
type Kettle struct {
	Hot bool
}

// Poll says "not yet", even when the water is hot.
func (k *Kettle) Poll(*Context) (string, bool) {
	if k.Hot {
		return "", false // ← change this line
	}
	return "", false
}
