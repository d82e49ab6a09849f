package main

import "io"

// A Future is a value that may not be there yet. Making one does nothing;
// whoever wants the value calls Poll, again and again, until it is there.
//
// Poll never blocks: it returns (zero, false) while the value is not there and
// once (value, true), after which it is not called again; asking too early is
// harmless. One goroutine polls at a time, and a polled future is not copied.
// This is Rust's std::future::Future. A T that can fail says so itself.
type Future[T any] interface {
	Poll(cx *Context) (value T, ready bool)
}

// Close gives back what an abandoned future holds, if anything: Rust's Drop.
func Close(f any) error {
	if c, ok := f.(io.Closer); ok {
		return c.Close()
	}
	return nil
}
