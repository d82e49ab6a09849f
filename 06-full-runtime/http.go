package main

import (
	"bufio"
	"io"
	"net/http"
	"time"
)

// worker is what it takes to answer requests: a coroutine and two buffers. All
// that is in this file is written as if it ran on a goroutine that may block,
// and net/http's reader and writer of messages are used as they are.
type worker struct {
	server    *server
	coroutine *Coroutine[struct{}]
	in        *bufio.Reader // from Read, below
	out       *bufio.Writer // to conn

	stream *Stream // of the connection that it works for, nil when it is done
	conn   *Conn   // the same for use inside the coroutine
	first  []byte  // has been read from it already
	limit  int     // bytes that may be read from it
	failed error   // of the latest read
	open   bool    // after the work
}

const (
	bufferSize = 4096
	maxBody    = 256 << 10       // of a request, is read for the sake of the next request
	linger     = 2 * time.Second // for a client to see why it was refused
)

// takeWorker makes a free worker, or a new one, serve stream.
func (s *server) takeWorker(stream *Stream, first []byte) *worker {
	var w *worker
	if last := len(s.free) - 1; last >= 0 {
		w, s.free = s.free[last], s.free[:last]
	} else {
		w = &worker{server: s}
		w.in = bufio.NewReaderSize(w, bufferSize)
		w.out = bufio.NewWriterSize(nil, bufferSize)
		w.coroutine = Async(w.run)
	}
	w.stream, w.first = stream, first
	return w
}

// putWorker takes back a worker that is done.
func (s *server) putWorker(w *worker) {
	if len(s.free) == freeWorkers || s.draining {
		w.coroutine.Close()
		return
	}
	s.free = append(s.free, w)
}

func (w *worker) poll(cx *Context) (open, ready bool) {
	w.coroutine.Poll(cx)
	return w.open, w.stream == nil
}

// run is the coroutine. It outlives the connection: to make a stack and let it
// grow takes longer than to answer a request.
func (w *worker) run(co *Co) struct{} {
	for {
		w.open = w.serve(co)
		w.stream, w.conn = nil, nil
		co.suspend(nil) // until it has another connection
	}
}

// serve answers requests until the last one that has arrived. It says whether
// there may be more.
func (w *worker) serve(co *Co) (open bool) {
	w.conn = co.Conn(w.stream)
	defer w.conn.SetTimeout(0)
	w.in.Reset(w)
	w.out.Reset(w.conn)
	for {
		req, err := w.readRequest()
		if err == io.EOF {
			return false // no request begun
		}
		reply := w.reply(co, req, err)
		w.conn.SetTimeout(w.server.options.Write)
		err = reply.Write(w.out)
		if err == nil && w.in.Buffered() > 0 && !reply.Close {
			Await(co, new(Yield)) // who sends many at once shares with the others
			continue
		}
		return w.finish(err, reply.Close)
	}
}

// reply makes the reply to a request, or to what came instead of one.
func (w *worker) reply(co *Co, req *http.Request, err error) *http.Response {
	if err != nil {
		return w.server.refuse(err)
	}
	w.conn.SetTimeout(0) // the delay is not the client's
	r := w.answer(co, req)
	r.Request, r.ProtoMinor = req, min(req.ProtoMinor, 1)
	r.Close = req.Close || w.server.draining && w.in.Buffered() == 0
	if req.ProtoMinor == 0 && !r.Close {
		r.Header.Set("Connection", "keep-alive") // which HTTP/1.0 does not assume
	}
	return r
}

// finish sends what is left. A client that is still sending must not be closed
// on: the kernel would answer with a reset, which takes away from the client
// what it has not yet read of the reply. So it sees an end first, and has a
// moment to close by itself.
func (w *worker) finish(err error, last bool) (open bool) {
	if err == nil {
		err = w.out.Flush()
	}
	if err != nil || !last {
		return err == nil
	}
	w.stream.CloseWrite()
	w.conn.SetTimeout(linger)
	io.Copy(io.Discard, w.conn)
	return false
}
