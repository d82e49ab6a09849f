//go:build !linux

package main

import "errors"

func take(string, int, bool, []string) error {
	return errors.New("the figures are taken on Linux only")
}
