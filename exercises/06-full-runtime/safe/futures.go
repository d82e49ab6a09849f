package main

// A Source gives bytes, one after the other. What was taken is taken.
type Source struct{ bytes string }

// Take returns the next byte. It returns false if none has come yet.
func (s *Source) Take() (b byte, ok bool) {
	if s.bytes == "" {
		return 0, false
	}
	b, s.bytes = s.bytes[0], s.bytes[1:]
	return b, true
}

// ReadByte yields one byte.
type ReadByte struct{ source *Source }

func (r *ReadByte) Poll(*Context) (string, bool) {
	b, ok := r.source.Take()
	if !ok {
		return "", false
	}
	return string(b), true
}

// ReadTwo yields two bytes.
type ReadTwo struct {
	source *Source
	got    string
}

func (r *ReadTwo) Poll(*Context) (string, bool) {
	for len(r.got) < 2 {
		b, ok := r.source.Take()
		if !ok {
			return "", false
		}
		r.got += string(b)
	}
	return r.got, true
}

// A Buffer keeps what was taken from a source, for whoever reads next.
type Buffer struct {
	source *Source
	got    string
}

// ReadTwoBuffered yields two bytes.
type ReadTwoBuffered struct{ buffer *Buffer }

func (r *ReadTwoBuffered) Poll(*Context) (string, bool) {
	b := r.buffer
	for len(b.got) < 2 {
		next, ok := b.source.Take()
		if !ok {
			return "", false
		}
		b.got += string(next)
	}
	two := b.got[:2]
	b.got = b.got[2:]
	return two, true
}

// ReadTwoAndPutBack yields two bytes. What it has taken goes back if it's closed.
type ReadTwoAndPutBack struct {
	source *Source
	got    string
	done   bool
}

func (r *ReadTwoAndPutBack) Poll(*Context) (string, bool) {
	for len(r.got) < 2 {
		b, ok := r.source.Take()
		if !ok {
			return "", false
		}
		r.got += string(b)
	}
	r.done = true
	return r.got, true
}

func (r *ReadTwoAndPutBack) Close() error {
	if !r.done {
		r.source.bytes = r.got + r.source.bytes
		r.got = ""
	}
	return nil
}

// Then yields what the second future yields, which is made of the first one's
// value.
type Then struct {
	first  Future[string]
	make   func(first string) Future[string]
	second Future[string]
}

func (t *Then) Poll(cx *Context) (string, bool) {
	if t.second == nil {
		value, ready := t.first.Poll(cx)
		if !ready {
			return "", false
		}
		t.second = t.make(value)
	}
	return t.second.Poll(cx)
}

func (t *Then) Close() error {
	if t.second != nil {
		return Close(t.second)
	}
	return Close(t.first)
}

// Either yields what the first of two yields. It asks the left one first.
type Either struct{ left, right Future[string] }

func (e *Either) Poll(cx *Context) (string, bool) {
	if value, ready := e.left.Poll(cx); ready {
		Close(e.right)
		return value, true
	}
	if value, ready := e.right.Poll(cx); ready {
		Close(e.left)
		return value, true
	}
	return "", false
}

func (e *Either) Close() error {
	Close(e.left)
	return Close(e.right)
}
