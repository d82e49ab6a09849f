package main

import (
	"bufio"
	"cmp"
	"errors"
	"io"
	"net/http"
	"os"
	"runtime"
	"time"
)

// worker is what it takes to answer requests: a coroutine and two buffers. Its code
// is written as if it could block, so it can use net/http's reader and writer.
type worker struct {
	server    *server
	coroutine Future[struct{}]
	in        *bufio.Reader
	out       *bufio.Writer

	stream    *Stream // of a connection; nil once run has served it, which connection.Poll looks for
	conn      Conn    // the same stream, for use inside the coroutine
	first     []byte  // what the connection has read, still in the scratch buffer
	open      bool    // there may be more requests later
	streaming bool    // it sends figures, until the client leaves or the server drains
}

const (
	freeWorkers = 64
	bufferSize  = 4096
	linger      = 2 * time.Second // for a client to read why it was refused
)

// takeWorker makes a free worker or a new one serve stream.
func (s *server) takeWorker(stream *Stream, first []byte) (w *worker) {
	if last := len(s.free) - 1; last >= 0 {
		w, s.free = s.free[last], s.free[:last]
	} else {
		w = &worker{server: s, out: bufio.NewWriterSize(nil, bufferSize)}
		w.coroutine = Async(w.run)
	}
	w.stream, w.first = stream, first
	return w
}

func (s *server) putWorker(w *worker) {
	if len(s.free) < freeWorkers && !s.draining {
		s.free = append(s.free, w)
	} else {
		Close(w.coroutine)
	}
}

// run is the body of the coroutine. It outlives the connection, because making
// a stack and letting it grow takes longer than answering a request.
func (w *worker) run(co *Co) struct{} {
	for {
		w.conn = Conn{co: co, stream: w.stream}
		w.open = w.serve(co)
		w.stream, w.streaming = nil, false
		runtime.Gosched() // serve has one processor: the garbage collector has it now, and while it marks, allocating costs more
		co.suspend()      // until takeWorker
	}
}

// Read reads what the connection has read already, and then the rest from its stream.
func (w *worker) Read(p []byte) (n int, err error) {
	if len(w.first) == 0 {
		return w.conn.Read(p)
	}
	n = copy(p, w.first)
	w.first = w.first[n:]
	return n, nil
}

// serve answers all requests that have arrived, and reports whether there may be more later.
func (w *worker) serve(co *Co) (open bool) {
	if w.in == nil || w.in.Size() > bufferSize { // after a long header
		w.in = bufio.NewReaderSize(nil, bufferSize)
	}
	w.in.Reset(w)
	w.out.Reset(&w.conn)
	for {
		w.conn.SetTimeout(w.server.options.Read)
		req, err := w.readRequest()
		if err == errIdle || err == io.EOF { // no request, for whatever reason
			return err == errIdle
		}
		reply := w.reply(co, req, err)
		w.conn.SetTimeout(w.server.options.Write)
		err = cmp.Or(reply.Write(w.out), w.out.Flush()) // Flush repeats the error of any Write to w.out
		for ; err == nil && w.streaming; err = w.out.Flush() {
			Await(co, Sleep(w.server.options.Live.untilTick()))
			w.conn.SetTimeout(w.server.options.Write)
			w.out.WriteString(w.server.figures(co.cx.runtime()))
		}
		if err != nil || !reply.Close && w.in.Buffered() == 0 { // it failed, or nothing more has arrived
			return err == nil
		}
		if reply.Close {
			break
		}
		Await(co, Yield()) // a client that sends many requests at once takes turns with the others
	}
	// If we closed while the client sends, the kernel would send a reset, and the
	// client would lose the reply. So it sees an end first, and can close itself.
	w.stream.CloseWrite()
	w.conn.SetTimeout(linger)
	io.Copy(io.Discard, &w.conn)
	return false
}

// reply makes the reply to a request, or to what isn't one.
func (w *worker) reply(co *Co, req *http.Request, err error) *http.Response {
	if err != nil {
		status := refusal(400)
		if errors.As(err, &status); errors.Is(err, os.ErrDeadlineExceeded) {
			status = 408
		}
		r := w.server.fail(int(status), "")
		r.Close = true // we can't know where the next request begins
		return r
	}
	r := w.answer(co, req)
	r.Request, r.ProtoMinor = req, min(req.ProtoMinor, 1)
	r.Close = r.Close || req.Close || w.server.draining && w.in.Buffered() == 0
	if req.ProtoMinor == 0 && !r.Close {
		r.Header.Set("Connection", "keep-alive") // HTTP/1.0 doesn't assume it
	}
	return r
}
