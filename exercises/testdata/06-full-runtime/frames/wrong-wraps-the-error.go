// want: something around it
package main

import (
	"encoding/binary"
	"errors"
	"fmt"
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

// Messages reads messages from a stream. It keeps what has been read.
type Messages struct {
	stream Stream
	header [4]byte
	body   []byte // nil while the length isn't known
	n      int    // how many bytes of the header or the body have been read
}

// NewMessages reads from s.
func NewMessages(s Stream) *Messages { return &Messages{stream: s} }

// Next yields the next message. Only one Next is in use at a time, and it can be
// closed at any moment.
func (m *Messages) Next() Future[Message] { return &next{messages: m} }

type next struct {
	messages *Messages
}

// Poll reads on where the last one has stopped.
func (n *next) Poll(cx *Context) (Message, bool) {
	m := n.messages
	for {
		buf := m.header[:]
		if m.body != nil {
			buf = m.body
		}
		if m.n < len(buf) {
			got, err, ready := m.stream.PollRead(cx, buf[m.n:])
			if !ready {
				return Message{}, false
			}
			if err != nil {
				return Message{Err: m.explain(err)}, true
			}
			m.n += got
			continue
		}
		if m.body != nil {
			body := m.body
			m.body, m.n = nil, 0
			return Message{Body: body}, true
		}
		length := binary.BigEndian.Uint32(m.header[:])
		if length > MaxBody {
			return Message{Err: ErrTooLong}, true
		}
		m.body, m.n = make([]byte, length), 0
	}
}

func (m *Messages) explain(err error) error {
	if err == io.EOF && (m.n > 0 || m.body != nil) {
		return io.ErrUnexpectedEOF
	}
	if err != io.EOF && m.body != nil {
		return fmt.Errorf("%d bytes before the end of a message: %w", len(m.body)-m.n, err)
	}
	return err
}
