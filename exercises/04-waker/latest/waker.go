package main

// A Waker asks for another poll. A wake promises a poll that begins after it, unless
// the future has finished, and several wakes may share a poll. It doesn't promise that a
// poll will find anything. Any goroutine may call Wake, at any time and any number of
// times: before, during and after the poll, and after the future has finished.
type Waker interface{ Wake() }
