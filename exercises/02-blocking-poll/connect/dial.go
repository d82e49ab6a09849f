package main

// A Network has the calls that Dial needs. None of them waits.
type Network interface {
	// Open returns a new socket for this address.
	Open(addr string) (fd int, err error)
	// Start is startConnect: nil if fd is connected already, EAGAIN if the
	// connect is under way, or else why it failed.
	Start(fd int) error
	// Result is connectResult: nil if fd is connected, EAGAIN if the connect is
	// still under way, or else why it failed.
	Result(fd int) error
	// WakeWhenWritable asks for a poll at the end of a connect.
	WakeWhenWritable(fd int) error
	// Close closes fd.
	Close(fd int) error
}

// Dialed is what Dial yields: a connected socket, which belongs to the caller, or
// else -1 and an error.
type Dialed struct {
	FD  int
	Err error
}

// Dial is a future that yields a socket, connected to the first of the addresses
// that answers.
func Dial(n Network, addrs ...string) Future[Dialed] {
	return &dial{net: n, addrs: addrs}
}

// You may add fields.
type dial struct {
	net   Network
	addrs []string
}

// Poll is yours to write.
func (d *dial) Poll(cx *Context) (Dialed, bool) {
	return Dialed{}, false // not started
}

// Close is yours to write.
func (d *dial) Close() error {
	return nil
}
