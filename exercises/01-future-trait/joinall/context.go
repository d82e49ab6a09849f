package main

// Context is what a future may ask of whoever polls it: so far, nothing.
type Context struct{}
