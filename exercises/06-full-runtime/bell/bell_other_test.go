//go:build !linux

package main

// testBells are the kinds of bell that this system has.
var testBells = map[string]func() (heard, ring int, err error){testPipe: testOpenPipe}
