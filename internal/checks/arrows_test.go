package checks

// drawnArrows are the lines of code that the arrows of the pictures stand for: an
// arrow is drawn just before its line is executed. Of several lines, it is the
// last one. With "once" the arrow is drawn only the first time, as what comes
// later may come at any time; with "ends with" it ends with that value.
const drawnArrows = `
05-executor/README.md
	R->>K: wait        reactor.go    events, err = r.queue.wait()  once
	E->>T: poll        executor.go   e.Trace.Poll(t)
	T->>F: Poll        executor.go   _, ready := f.Poll(cx)
	F->>K: Read        narration.go  n, err := retry(unix.Read, w.fd, buf)
	K-->>F: EAGAIN     narration.go  if err = cx.WakeWhenReadable(w.fd); err == nil {
	F->>R: Register    reactor.go    r.waiting[fd] = all
	R->>K: arm         reactor.go    return r.queue.arm(fd, all.interest()) // still locked: deliver must find the waker
	F-->>E: false      executor.go   e.Trace.Pending(t)
	Note over E: Park  executor.go   e.Trace.Park()
	K-->>R: event      reactor.go    r.deliver(got.fd, got.ready).wake() // without the lock: Wake may call Register
	R->>T: Wake        reactor.go    waker.Wake()
	T->>E: push        executor.go   if e.push(t) {
	T->>E: Wake        executor.go   e.parker.Wake()
	F-->>E: true       executor.go   e.Trace.Ready(t)

06-full-runtime/README.md
	E->>T: poll       runtime.go     ready := t.work.poll(&t.cx)
	T->>F: Poll       joinhandle.go  if h.value, ready = h.future.Poll(cx); ready {
	F->>K: rawRead    stream.go      n, err = rawRead(s.fd, p)
	K-->>F: EAGAIN    stream.go      s.ready[dir] = false ⏎ s.reactor.store(&s.source, dir, cx.waker)
	F->>R: store      stream.go      s.ready[dir] = false ⏎ s.reactor.store(&s.source, dir, cx.waker)
	F-->>E:           runtime.go     rt.current = nil ⏎ if ready {  ends with ready
	E->>R: untilNext  runtime.go     timeout = rt.timers.untilNext()
	E->>K: wait       runtime.go     events, err := rt.reactor.queue.wait(timeout)
	K-->>E: wait      runtime.go     rt.parked = false ⏎ rt.mu.Unlock() ⏎ rt.Trace.call(rt.Trace.Unpark)
	E->>R: deliver    runtime.go     rt.reactor.deliver(ev)
	R->>T: wakeHere   executor.go    w.runtime.Trace.task(w.runtime.Trace.Woken, w)
	T->>E: push       executor.go    w.runtime.ready.push(w)
	G->>T: Wake       executor.go    t.runtime.Trace.task(t.runtime.Trace.Woken, t)
	T->>K: ring       runtime.go     rt.reactor.queue.ring()

06-full-runtime/parking.md
	E->>E: next             runtime.go   t := rt.next(polls)
	E->>E: lieDown          runtime.go   rt.parked = *timeout != 0
	E->>K: wait             runtime.go   events, err := rt.reactor.queue.wait(timeout)
	G->>T: Wake             executor.go  t.runtime.Trace.task(t.runtime.Trace.Woken, t)
	T->>E: wakeFromOutside  executor.go  t.runtime.wakeFromOutside(t)
	T->>K: ring             runtime.go   rt.reactor.queue.ring()
	K-->>E: wait            runtime.go   rt.parked = false ⏎ rt.mu.Unlock() ⏎ rt.Trace.call(rt.Trace.Unpark)
	E->>E: adopt            runtime.go   rt.ready.push(t)
	E->>T: poll             runtime.go   ready := t.work.poll(&t.cx)

06-full-runtime/timers.md
	E->>F: Poll       joinhandle.go  if h.value, ready = h.future.Poll(cx); ready {
	F->>R: add        sleep.go       s.runtime.timers.add(&s.timer, s.d, cx.waker)
	F-->>E:           runtime.go     rt.current = nil ⏎ if ready {  ends with ready
	E->>R: untilNext  runtime.go     timeout = rt.timers.untilNext()
	E->>K: wait       runtime.go     events, err := rt.reactor.queue.wait(timeout)
	K-->>E: wait      runtime.go     rt.parked = false ⏎ rt.mu.Unlock() ⏎ rt.Trace.call(rt.Trace.Unpark)
	E->>R: fire       timers.go      t := heap.Pop(ts).(*timer)
	R->>E: wakeHere   timers.go      wakeHere(w)

06-full-runtime/choosing.md
	E->>T: poll         runtime.go     ready := t.work.poll(&t.cx)
	T->>R: Poll         joinhandle.go  if h.value, ready = h.future.Poll(cx); ready {
	R->>A: Poll         race.go        if value, ready := t.future.Poll(cx); ready {
	A-->>R: false       race.go        if _, ready := t.sleep.Poll(cx); ready {
	R->>S: Poll         race.go        if _, ready := t.sleep.Poll(cx); ready {
	S-->>R: false       race.go        return Result[T]{Err: ErrTimeout}, true ⏎ } ⏎ return Result[T]{}, false
	R-->>E: false       race.go        return Result[T]{Err: ErrTimeout}, true ⏎ } ⏎ return Result[T]{}, false
	E->>S: fire         timers.go      t := heap.Pop(ts).(*timer)
	S->>T: wakeHere     timers.go      wakeHere(w)
	S-->>R: true        race.go        if _, ready := t.sleep.Poll(cx); ready { ⏎ t.Close()
	R->>A: Close        race.go        t.sleep.Close() ⏎ return Close(f)
	A->>E: leave        stream.go      s.reactor.leave(&s.source, readable, r.waker)
	R-->>T: ErrTimeout  race.go        return Result[T]{Err: ErrTimeout}, true

06-full-runtime/streams.md
	R->>K: add      reactor.go  if err := r.queue.add(s.fd, s.generation); err != nil {
	F->>K: rawRead  stream.go   n, err = rawRead(s.fd, p)
	K-->>F: EAGAIN  stream.go   s.ready[dir] = false ⏎ s.reactor.store(&s.source, dir, cx.waker)
	F->>R: store    stream.go   s.ready[dir] = false ⏎ s.reactor.store(&s.source, dir, cx.waker)
	F->>R: leave    stream.go   s.reactor.leave(&s.source, readable, r.waker)
	K-->>R: event   reactor.go  s.ended = s.ended || ev.ended
	R->>R: ready    reactor.go  s.ended = s.ended || ev.ended

06-full-runtime/await.md
	E->>C: Poll         joinhandle.go  if h.value, ready = h.future.Poll(cx); ready {
	C->>B: next         await.go       if _, suspended := c.next(); suspended {
	B->>F: Poll         await.go       if value, ready := f.Poll(co.cx); ready {
	F-->>B: true        await.go       if value, ready := f.Poll(co.cx); ready { ⏎ return value
	Note over B: Await  await.go       if value, ready := f.Poll(co.cx); ready { ⏎ return value
	F-->>B: false       await.go       return value ⏎ } ⏎ co.suspend(f)
	B-->>C: yield       await.go       if !co.stopped && co.yield(struct{}{}) {
	C-->>E: false       await.go       return value, false
	C-->>E: true        await.go       return c.value, true
`
