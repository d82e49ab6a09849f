// Package stepped takes the place of package sync in a learner's file that
// package order has rewritten.
package stepped

import (
	"sync"

	"github.com/async-go-tutorial/async-runtime/exercises/check/order"
)

type (
	Mutex     = order.Mutex
	RWMutex   = order.RWMutex
	Locker    = sync.Locker
	Cond      = sync.Cond
	Once      = sync.Once
	WaitGroup = sync.WaitGroup
	Map       = sync.Map
	Pool      = sync.Pool
)

func NewCond(l Locker) *Cond { return sync.NewCond(l) }

func OnceFunc(f func()) func()             { return sync.OnceFunc(f) }
func OnceValue[T any](f func() T) func() T { return sync.OnceValue(f) }
