module github.com/async-go-tutorial/async-runtime

go 1.25.0

require (
	github.com/google/go-cmp v0.7.0
	golang.org/x/sys v0.46.0
)

ignore (
	./exercises
	./internal/measure
)
