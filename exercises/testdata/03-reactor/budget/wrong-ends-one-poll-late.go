// want: nothing left to wait for
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

type Relay struct {
	from  Source
	to    Sink
	rest  []byte
	n     int
	ended bool
	buf   []byte
}

func NewRelay(from Source, to Sink) *Relay { return &Relay{from: from, to: to} }

func (r *Relay) Poll() (Relayed, bool) {
	for i := 0; ; i++ {
		if len(r.rest) > 0 {
			n, err := r.to.Write(r.rest)
			if err == unix.EAGAIN {
				if err = r.to.WakeWhenWritable(); err == nil {
					return Relayed{}, false
				}
			}
			if err != nil {
				return Relayed{r.n, err}, true
			}
			r.n += n
			r.rest = r.rest[n:]
			continue
		}
		if r.ended {
			return Relayed{N: r.n}, true
		}
		if r.buf == nil {
			r.buf = make([]byte, 16<<10)
		}
		n, err := r.from.Read(r.buf)
		if err == unix.EAGAIN {
			if err = r.from.WakeWhenReadable(); err == nil {
				return Relayed{}, false
			}
		}
		if err != nil {
			return Relayed{r.n, err}, true
		}
		if r.ended = n == 0; r.ended && r.n > 0 {
			if err := r.from.WakeWhenReadable(); err != nil { // once more, to be sure
				return Relayed{r.n, err}, true
			}
			return Relayed{}, false
		}
		r.rest = r.buf[:n]
	}
}
