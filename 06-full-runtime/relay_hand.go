package main

// RelayHand passes on what it receives, and yields the sum in the end. It is a
// state machine.
func RelayHand(in, out *Channel[int]) Future[int] {
	return &relayHand{in: in, out: out}
}

type relayHand struct {
	in, out   *Channel[int]
	receiving Future[Received[int]] // or nil
	sending   Future[error]         // or nil
	sum       int
}

func (r *relayHand) Poll(cx *Context) (int, bool) {
	for {
		switch {
		case r.sending != nil:
			_, ready := r.sending.Poll(cx)
			if !ready {
				return 0, false
			}
			r.sending = nil
		case r.receiving != nil:
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
		default:
			r.receiving = r.in.Receive()
		}
	}
}

func (r *relayHand) Close() error {
	if r.sending != nil {
		return Close(r.sending)
	}
	if r.receiving != nil {
		return Close(r.receiving)
	}
	return nil
}
