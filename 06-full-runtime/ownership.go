package main

import (
	"errors"
	"io"
	"reflect"
	"slices"
)

// If you hold a future, you close it unless Poll returned true, on every way
// out. If you receive a value, you own it. A value that has no receiver anymore
// is closed with closeValue.

// Result is the value of something that can fail.
type Result[T any] struct {
	Value T
	Err   error
}

// Close closes a value that has no receiver.
func (r Result[T]) Close() error { return closeValue(r.Value) }

// Owning is f, which uses resource. An Async body that was closed before its
// first poll has run nothing, so no deferred call in it can close the resource.
// Owning can: if it's closed before f is ready, it closes f and then resource.
func Owning[T any](resource io.Closer, f Future[T]) Future[T] { return &owning[T]{resource, f} }

type owning[T any] struct {
	resource io.Closer // nil once f is ready or closed
	future   Future[T]
}

func (o *owning[T]) Poll(cx *Context) (T, bool) {
	value, ready := o.future.Poll(cx)
	if ready {
		o.resource, o.future = nil, nil
	}
	return value, ready
}

func (o *owning[T]) Close() error {
	f, resource := o.future, o.resource
	o.resource, o.future = nil, nil
	return closeAll(f, resource)
}

// closeAll closes all of them in order, even if closing one of them panics or
// calls runtime.Goexit.
func closeAll(all ...any) (err error) {
	for _, v := range slices.Backward(all) {
		defer func() { err = errors.Join(err, closeValue(v)) }()
	}
	return nil
}

// closeValue closes a value that has no receiver, or else what is in it, if it's
// an array, a slice or a map. Other types have a Close method, as Result has.
func closeValue(value any) error {
	v := reflect.ValueOf(value)
	if v.Kind() == reflect.Pointer && v.IsNil() {
		return nil
	}
	if c, ok := value.(io.Closer); ok {
		return c.Close()
	}
	var all []any
	switch v.Kind() {
	case reflect.Array, reflect.Slice, reflect.Map:
		if v.Type().Elem().Kind() < reflect.Array {
			return nil // don't look at every one of a million bytes
		}
		for _, element := range v.Seq2() {
			all = append(all, element.Interface())
		}
	}
	return closeAll(all...)
}

// mustBePending panics if a future is polled after it finished.
func mustBePending(pending bool, name string) {
	if !pending {
		panic(name + " polled after it finished")
	}
}
