package main

import "errors"

// A Stream is a connection whose reads never wait.
type Stream interface {
	// PollRead reads up to len(p) bytes, one at least, or fails; io.EOF says that
	// nothing more will come. If it isn't ready, it has read nothing, and cx is
	// woken when another try makes sense.
	PollRead(cx *Context, p []byte) (n int, err error, ready bool)
}

// Message is what Next yields.
type Message struct {
	Body []byte
	Err  error
}

// MaxBody is the longest body that's accepted.
const MaxBody = 1 << 20

// ErrTooLong is the error of a message whose length is above MaxBody.
var ErrTooLong = errors.New("message too long")

// Messages reads messages from a stream. You may add fields.
type Messages struct {
	stream Stream
}

// NewMessages reads from s.
func NewMessages(s Stream) *Messages { return &Messages{stream: s} }

// Next yields the next message. Only one Next is in use at a time, and it can be
// closed at any moment.
func (m *Messages) Next() Future[Message] { return &next{messages: m} }

// You may add fields, and a Close method.
type next struct {
	messages *Messages
}

// Poll is yours to write.
func (n *next) Poll(cx *Context) (Message, bool) {
	return Message{}, false // not started
}
