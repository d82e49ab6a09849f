//go:build race

package main

func init() { bigBody /= 10 } // the race detector looks at every byte
