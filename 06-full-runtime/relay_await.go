package main

// relayAwait does the same as relayHand, and waits where it stands.
func relayAwait(in, out *Channel[int]) Future[int] {
	return Async(func(co *Co) (sum int) {
		for {
			got := Await(co, in.Receive())
			if !got.OK {
				return sum
			}
			sum += got.Value
			Await(co, out.Send(got.Value))
		}
	})
}
