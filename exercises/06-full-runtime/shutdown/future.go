package main

import "io"

// A Future is a value that may not be there yet. Making one starts nothing: all
// work happens in Poll, which returns (zero, false) while the value is missing.
// One goroutine polls at a time, and a polled future isn't copied. The rules:
//
//  1. Poll never blocks.
//  2. Before Poll returns false, it has made sure that something will cause
//     another poll. (This matters from chapter 03 on.)
//  3. Poll returns true once. After that, the future isn't polled again.
//  4. Polling early is harmless: it finds nothing, and loses nothing.
//  5. If you hold a future, close it unless it returned true, on every way out.
//     Close is safe at any moment, also twice, also after Poll panicked.
type Future[T any] interface {
	Poll(cx *Context) (value T, ready bool)
}

// Close closes f, if f is a future that holds something and so has a Close method.
func Close(f any) error {
	if c, ok := f.(io.Closer); ok {
		return c.Close()
	}
	return nil
}
