// want: room at its end

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

// Messages reads messages from a stream. What has come of a message stays here,
// so it's still there when the future that read it is gone.
type Messages struct {
	stream Stream
	header [4]byte
	body   []byte // nil while the length isn't known
	slab   []byte // for the next bodies
	got    int    // bytes of the header, or of the body
}

// NewMessages reads from s.
func NewMessages(s Stream) *Messages { return &Messages{stream: s} }

// Next yields the next message. Only one Next is in use at a time, and it can be
// closed at any moment.
func (m *Messages) Next() Future[Message] { return &next{messages: m} }

type next struct {
	messages *Messages
}

func (n *next) Poll(cx *Context) (Message, bool) {
	m := n.messages
	for {
		want := m.header[:]
		if m.body != nil {
			want = m.body
		}
		if m.got == len(want) {
			if m.body != nil {
				body := m.body
				m.body, m.got = nil, 0
				return Message{Body: body}, true
			}
			length := binary.BigEndian.Uint32(m.header[:])
			if length > MaxBody {
				return Message{Err: ErrTooLong}, true
			}
			if int(length) >= len(m.slab) {
				m.slab = make([]byte, length+64<<10)
			}
			m.body, m.slab, m.got = m.slab[:length], m.slab[length:], 0
			continue
		}
		count, err, ready := m.stream.PollRead(cx, want[m.got:])
		if !ready {
			return Message{}, false
		}
		m.got += count
		if err == io.EOF && (m.got > 0 || m.body != nil) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return Message{Err: err}, true
		}
	}
}
