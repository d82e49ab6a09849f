package main

// Source is a descriptor that the kernel has been asked about once and for all,
// edge-triggered: the kernel says when something comes, not that it's there.
type Source struct {
	read func(p []byte) (n int, err error) // as unix.Read on the descriptor, which never blocks
}

// NewSource reads nothing yet.
func NewSource(read func([]byte) (int, error)) *Source { return &Source{read: read} }

// Edge is called for each event: something has come. It's yours to write.
func (s *Source) Edge() {}

// Turn reads what's there, with so many reads at most. It returns what has
// come, whether another turn is worthwhile without an event, and the error.
// It's yours to write.
func (s *Source) Turn(reads int) (data []byte, more bool, err error) {
	return nil, false, nil // not started
}
