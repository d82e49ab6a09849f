package main

// A Waker asks for another poll. Any goroutine may call Wake at any time, as
// often as it likes, also when nobody waits or the future is long finished.
// A wake is a hint, never a promise: the poll may find nothing.
//
// This is Rust's std::task::Wake. The pair of pointer and method table that
// RawWaker builds by hand is what a Go interface value is anyway.
type Waker interface{ Wake() }
