package main

// A Context is what a future may ask of whoever polls it. So far there is
// nothing to ask for: main polls again whether or not it makes sense.
type Context struct{}
