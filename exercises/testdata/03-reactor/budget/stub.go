package main

import (
	"golang.org/x/sys/unix"
)

// A Source is where a relay reads. A test counts all calls of its four methods
// together: each of them would be a system call.
type Source interface {
	// Read answers as unix.Read does: some bytes; or 0 and no error at the end;
	// or -1 and an error, such as EAGAIN.
	Read(p []byte) (n int, err error)
	// WakeWhenReadable asks for one more poll, once there's something to read. If
	// there is now, that's at once.
	WakeWhenReadable() error
}

// A Sink is where a relay writes.
type Sink interface {
	// Write answers as unix.Write does: it has taken some of p, one byte at
	// least; or it returns -1 and an error, such as EAGAIN.
	Write(p []byte) (n int, err error)
	// WakeWhenWritable asks for one more poll, once Write would take something.
	// If it would now, that's at once.
	WakeWhenWritable() error
}

// Relayed is what a relay yields: how many bytes went through, and why it ended.
// That's nil if the source has ended, and the sink has got everything.
type Relayed struct {
	N   int
	Err error
}

// A Relay copies what comes from one descriptor to another. It's right, and it
// wastes calls. Make it cheap.
type Relay struct {
	from  Source
	to    Sink
	rest  []byte // read, and not written yet
	n     int
	ended bool
}

func NewRelay(from Source, to Sink) *Relay { return &Relay{from: from, to: to} }

// Poll reads a little and writes a little.
func (r *Relay) Poll() (Relayed, bool) {
	if err := r.from.WakeWhenReadable(); err != nil && !r.ended {
		return Relayed{r.n, err}, true
	}
	if err := r.to.WakeWhenWritable(); err != nil {
		return Relayed{r.n, err}, true
	}
	if len(r.rest) == 0 && !r.ended {
		buf := make([]byte, 256)
		n, err := r.from.Read(buf)
		if err != nil && err != unix.EAGAIN {
			return Relayed{r.n, err}, true
		}
		r.ended = n == 0
		r.rest = buf[:max(n, 0)]
	}
	if len(r.rest) > 0 {
		n, err := r.to.Write(r.rest)
		if err != nil && err != unix.EAGAIN {
			return Relayed{r.n, err}, true
		}
		r.n += max(n, 0)
		r.rest = r.rest[max(n, 0):]
	}
	if r.ended && len(r.rest) == 0 {
		return Relayed{N: r.n}, true
	}
	return Relayed{}, false
}
