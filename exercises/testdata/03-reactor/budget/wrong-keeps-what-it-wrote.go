// want: still holds
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
	all   []byte // what has come
	buf   []byte // made by the first Poll
	rest  []byte // read, and not written yet
	n     int
	ended bool
}

func NewRelay(from Source, to Sink) *Relay { return &Relay{from: from, to: to} }

// Poll does what can be done now.
func (r *Relay) Poll() (Relayed, bool) {
	if r.buf == nil {
		r.buf = make([]byte, 16<<10)
	}
	for {
		if len(r.rest) > 0 {
			n, err := r.to.Write(r.rest)
			if err == unix.EAGAIN {
				return r.wait(r.to.WakeWhenWritable)
			}
			if err != nil {
				return r.end(err)
			}
			r.n += n
			r.rest = r.rest[n:]
			continue
		}
		if r.ended {
			return r.end(nil)
		}
		n, err := r.from.Read(r.buf)
		if err == unix.EAGAIN {
			return r.wait(r.from.WakeWhenReadable)
		}
		if err != nil {
			return r.end(err)
		}
		r.ended = n == 0
		r.all = append(r.all, r.buf[:n]...)
		r.rest = r.all[len(r.all)-n:]
	}
}

func (r *Relay) wait(ask func() error) (Relayed, bool) {
	if err := ask(); err != nil {
		return r.end(err)
	}
	return Relayed{}, false
}

func (r *Relay) end(err error) (Relayed, bool) { return Relayed{r.n, err}, true }
