package main

// RelayHand passes on what it receives, and yields the sum in the end. It is a
// state machine: the future that it waits for is its state.
func RelayHand(in, out *Channel[int]) Future[int] { return &relayHand{in: in, out: out} }

type relayHand struct {
	in, out   *Channel[int]
	receiving Future[Received[int]] // or nil
	sending   Future[error]         // or nil
	sum       int
}

func (r *relayHand) Poll(cx *Context) (int, bool) {
	for {
		if r.sending != nil {
			if _, ready := r.sending.Poll(cx); !ready {
				return 0, false
			}
			r.sending = nil
		}
		if r.receiving == nil {
			r.receiving = r.in.Receive()
		}
		got, ready := r.receiving.Poll(cx)
		if !ready {
			return 0, false
		}
		r.receiving = nil
		if !got.OK {
			return r.sum, true
		}
		r.sum += got.Value
		r.sending = r.out.Send(got.Value)
	}
}

func (r *relayHand) Close() error { return closeAll(r.receiving, r.sending) }
