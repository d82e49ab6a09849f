//go:build !linux || race

package main

import "golang.org/x/sys/unix"

func rawRead(fd int, p []byte) (int, error) { return retry(unix.Read, fd, p) }

func rawWrite(fd int, p []byte) (int, error) { return retry(unix.Write, fd, p) }
