// want: has appended

package main

import (
	"encoding/binary"
	"errors"
	"io"
)

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

	header [4]byte // the length
	body   []byte  // nil while the length isn't known
	count  int     // so many bytes of the one that's being read are there
}

// NewMessages reads from s.
func NewMessages(s Stream) *Messages { return &Messages{stream: s} }

// Next yields the next message. Only one Next is in use at a time, and it can be
// closed at any moment.
func (m *Messages) Next() Future[Message] { return &next{messages: m} }

type next struct {
	messages *Messages
}

// Poll goes on where the Next before has stopped. All that has been read is in
// messages.
func (n *next) Poll(cx *Context) (Message, bool) {
	m := n.messages
	for {
		fill := m.header[:]
		if m.body != nil {
			fill = m.body
		}
		if m.count == len(fill) {
			m.count = 0
			if body := m.body; body != nil {
				m.body = nil
				return Message{Body: body}, true
			}
			size := binary.BigEndian.Uint32(m.header[:])
			if size > MaxBody {
				return Message{Err: ErrTooLong}, true
			}
			if size == 0 {
				return Message{Body: m.header[:0]}, true // nothing to allocate
			}
			m.body = make([]byte, size)
			continue
		}
		got, err, ready := m.stream.PollRead(cx, fill[m.count:])
		if !ready {
			return Message{}, false
		}
		if err != nil {
			if err == io.EOF && (m.body != nil || m.count > 0) {
				err = io.ErrUnexpectedEOF
			}
			return Message{Err: err}, true
		}
		m.count += got
	}
}
