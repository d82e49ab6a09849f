package main

// A Context is what a future can use during a poll. In this chapter it's empty.
type Context struct{}
