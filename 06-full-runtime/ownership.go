package main

import (
	"errors"
	"io"
	"reflect"
	"slices"
)

// If you hold a future, close it unless Poll returned true, on every way out. If
// you receive a value, it's yours. A value without a receiver is closed by what is here.

// Result is the value of something that can fail.
type Result[T any] struct {
	Value T
	Err   error
}

// Owning is f, which uses resource. Once f is ready, it has dealt with resource itself. If
// Owning is closed before that, it closes f and then resource. A deferred call in an Async
// body can't do that: it doesn't run if the body is closed before its first poll.
func Owning[T any](resource io.Closer, f Future[T]) Future[T] { return &owning[T]{resource, f} }

type owning[T any] struct {
	resource io.Closer // nil once f is ready or closed
	future   Future[T]
}

func (o *owning[T]) Poll(cx *Context) (T, bool) {
	mustBePending(o.future != nil, "Owning")
	value, ready := o.future.Poll(cx)
	if ready {
		o.resource, o.future = nil, nil
	}
	return value, ready
}

func (o *owning[T]) Close() error {
	f, resource := o.future, o.resource
	o.resource, o.future = nil, nil
	return closeAll(asFuture{f}, resource)
}

// closeAll closes all of them in order, even if closing one of them panics or
// calls runtime.Goexit. Deferred calls run last first, so the loop goes backward.
func closeAll(all ...any) (err error) {
	for _, v := range slices.Backward(all) {
		defer func() { err = errors.Join(err, closeValue(v)) }()
	}
	return nil
}

// asFuture is for closeAll: closeValue would close what is in a future that has no Close.
type asFuture struct{ f any }

func (a asFuture) Close() error { return Close(a.f) }

// closeValue closes a value that has no receiver or, if the value has no Close, what is in
// it: elements, and exported fields such as Result.Value. It doesn't follow pointers.
func closeValue(value any) error {
	v := reflect.ValueOf(value)
	if c, ok := value.(io.Closer); ok && !(v.Kind() == reflect.Pointer && v.IsNil()) {
		return c.Close()
	}
	var held []any
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Field(i); f.CanInterface() && !f.IsZero() {
				held = append(held, f.Interface())
			}
		}
	case reflect.Array, reflect.Slice, reflect.Map:
		if v.Type().Elem().Kind() < reflect.Array {
			return nil // bools and numbers: don't look at every one of a million bytes
		}
		for _, element := range v.Seq2() {
			held = append(held, element.Interface())
		}
	}
	return closeAll(held...)
}

// mustBePending panics if a future is polled after it finished.
func mustBePending(pending bool, name string) {
	if !pending {
		panic(name + " polled after it finished")
	}
}
