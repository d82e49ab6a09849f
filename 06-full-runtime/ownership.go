package main

import (
	"errors"
	"io"
	"reflect"
	"slices"
)

// The rule of ownership: whoever holds a future closes it, unless Poll returned
// true, on every way out. Whoever receives a value owns it. A value that has no
// receiver anymore is closed with closeValue.

// Owning is f together with a resource that f uses. An Async body that was
// closed before its first poll has run nothing, so no deferred call of it can
// close the resource. Owning does that: if it's closed before f is ready, it
// closes f and then the resource.
func Owning[T any](resource io.Closer, f Future[T]) Future[T] {
	return &owning[T]{resource, f}
}

type owning[T any] struct {
	resource io.Closer
	future   Future[T] // nil once it's ready or closed
}

func (o *owning[T]) Poll(cx *Context) (T, bool) {
	value, ready := o.future.Poll(cx)
	if ready {
		o.future = nil
	}
	return value, ready
}

func (o *owning[T]) Close() error {
	f := o.future
	if f == nil {
		return nil
	}
	o.future = nil
	return closeAll(f, o.resource)
}

// closeAll closes all of them in order, also if closing one of them panics or
// calls runtime.Goexit.
func closeAll(all ...any) (err error) {
	for _, v := range slices.Backward(all) {
		defer func() { err = errors.Join(err, closeValue(v)) }()
	}
	return nil
}

// settle returns value after it has closed what lost against it. If that
// panics, value has no receiver and is closed as well.
func settle[T any](value T, loser io.Closer) T {
	closed := false
	defer func() {
		if !closed {
			closeValue(value)
		}
	}()
	loser.Close()
	closed = true
	return value
}

// closeValue closes a value that has no receiver, or every element of it that
// can be closed. A struct has to have a Close method for that, as Result has.
func closeValue(value any) error {
	v := reflect.ValueOf(value)
	switch v.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Func, reflect.Chan:
		if v.IsNil() {
			return nil
		}
	}
	if c, ok := value.(io.Closer); ok {
		return c.Close()
	}
	if !v.IsValid() || !mayHoldClosers(v.Type()) {
		return nil
	}
	var elements []any
	if v.Kind() == reflect.Map {
		for _, e := range v.Seq2() {
			elements = append(elements, e.Interface())
		}
	} else {
		for i := range v.Len() {
			elements = append(elements, v.Index(i).Interface())
		}
	}
	return closeAll(elements...)
}

// mayHoldClosers reports whether it's worth looking at the elements of a t: not
// at every one of a million bytes.
func mayHoldClosers(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Slice, reflect.Array, reflect.Map:
		e := t.Elem()
		return e.Kind() == reflect.Interface || e.Implements(reflect.TypeFor[io.Closer]()) || mayHoldClosers(e)
	}
	return false
}
