package main

// RelayAwait does the same as RelayHand, and waits where it stands.
func RelayAwait(in, out *Channel[int]) Future[int] {
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
