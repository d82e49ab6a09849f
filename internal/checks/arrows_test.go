package checks

// drawnArrows are the lines of code that the arrows of the pictures stand for: an
// arrow is drawn just before its line is executed. Of several lines, it is the
// last one. With "once" the arrow is drawn only the first time, as what comes
// later may come at any time; with "ends with" it ends with that value. What a
// row "sees" is for the scenario, which couldn't get at it otherwise.
const drawnArrows = `
01-future-trait/README.md
	Note over F: Tea              main.go  tea := rounds("A future is made, and nothing happens: the kettle is cold. main polls it:", Tea())
	E->>F: Poll                   main.go  _, ready = f.Poll(new(Context))
	Note over F: state boiling    tea.go   water, ready := t.step.Poll(cx)  sees t  once
	F-->>E: false                 tea.go   water, ready := t.step.Poll(cx) ⏎ if !ready { ⏎ return "", false
	Note over F: state steeping   tea.go   t.state, t.step = "steeping", Countdown(1, "tea from "+water)
	F-->>E:                       tea.go   return cup, ready  ends with ready

02-blocking-poll/README.md
	E->>F: Poll              blockon.go  if value, ready := f.Poll(cx); ready {
	Note over F: starting    httpget.go  err = g.start()
	F->>K: openSocket        httpget.go  if g.fd, err = openSocket(g.addr); err != nil {
	F->>K: startConnect      httpget.go  return startConnect(g.fd, g.addr)
	K-->>F: EINPROGRESS      socket.go   case unix.EINPROGRESS, unix.EINTR: ⏎ return unix.EAGAIN
	Note over F: connecting  httpget.go  err = cx.WakeWhenWritable(g.fd)
	F-->>E: false            httpget.go  return g.finish(err), true ⏎ } ⏎ return Response{}, false
	F->>K: connectResult     httpget.go  if err = connectResult(g.fd); err == nil {
	Note over F: sending     httpget.go  n, err := ignoringEINTR(unix.Write, g.fd, g.rest)
	F->>K: Write             httpget.go  n, err := ignoringEINTR(unix.Write, g.fd, g.rest)
	Note over F: receiving   httpget.go  g.state = receiving ⏎ } ⏎ return err
	F->>K: Read              httpget.go  n, err := ignoringEINTR(unix.Read, g.fd, g.reply[had:cap(g.reply)])
	K-->>F:                  httpget.go  g.reply = g.reply[:had+n]  ends with readResult(n, err)
	Note over F: finished    httpget.go  g.Close() ⏎ return r
	F-->>E: true             blockon.go  return value

03-reactor/README.md
	E->>F: Poll                  blockon.go  if value, ready := f.Poll(cx); ready {
	F->>K: Read                  httpget.go  n, err := ignoringEINTR(unix.Read, g.fd, g.reply[had:cap(g.reply)])
	K-->>F: EAGAIN               httpget.go  err = cx.WakeWhenReadable(g.fd)
	F->>R: Register              reactor.go  all[dir] = true
	R->>K: arm                   reactor.go  err := r.poller.arm(fd, all)
	F-->>E: false                blockon.go  r.Wait()
	E->>R: Wait                  blockon.go  r.Wait()
	R->>K: wait                  reactor.go  func (r *Reactor) Wait() { ⏎ events, err := r.poller.wait()
	Note over E,K: Wait sleeps   reactor.go  func (r *Reactor) Wait() { ⏎ events, err := r.poller.wait()
	K-->>R: event                reactor.go  delete(r.waiting, ev.fd)
	F-->>E: true                 blockon.go  return value

04-waker/README.md
	R->>K: wait        reactor.go  events, err = r.poller.wait()  once
	E->>F: Poll        blockon.go  if value, ready := f.Poll(cx); ready {
	F->>K: Read        httpget.go  n, err := ignoringEINTR(unix.Read, g.fd, g.reply[had:cap(g.reply)])
	K-->>F: EAGAIN     httpget.go  err = cx.WakeWhenReadable(g.fd)
	F->>R: Register    reactor.go  all[dir] = w
	R->>K: arm         reactor.go  err := r.poller.arm(fd, all.directions())
	F-->>E: false      blockon.go  p.Park()
	Note over E: Park  blockon.go  p.Park()
	K-->>R: event      reactor.go  r.deliver(got.fd, got.ready).wake()
	R->>E: Wake        reactor.go  waker.Wake()
	F-->>E: true       blockon.go  return value

05-executor/README.md
	R->>K: wait        reactor.go    events, err = r.poller.wait()  once
	E->>F: poll        executor.go   t.executor.Trace("poll", t)  sees t
	F->>K: Read        narration.go  _, err := ignoringEINTR(unix.Read, w.fd, make([]byte, 16))
	F->>R: Register    reactor.go    r.waiting[fd] = all
	F-->>E: false      executor.go   t.executor.Trace("pending", t)
	Note over E: Park  executor.go   e.Trace("park", nil)
	K-->>R: event      reactor.go    r.deliver(got.fd, got.ready).wake()
	R->>F: Wake        reactor.go    waker.Wake()
	F->>E: push        executor.go   if e.push(t) {
	F->>E: Wake        executor.go   e.parker.Wake()
	F-->>E: true       executor.go   t.executor.Trace("ready", t)

06-full-runtime/watch
	E->>T: poll            executor.go    ready := t.work.poll(&t.cx)
	T->>F: Poll            joinhandle.go  if h.value, ready = h.future.Poll(cx); !ready {
	F->>K: read            stream.go      n, err = ignoringEINTR(call, s.fd, p)
	K-->>F: EAGAIN         stream.go      s.ready[dir] = false ⏎ s.setWaker(dir, cx)
	F->>R: setWaker        stream.go      s.ready[dir] = false ⏎ s.setWaker(dir, cx)
	F-->>E:                executor.go    rt.current = nil ⏎ t.state = pending  ends with ready
	E->>E: pop             executor.go    return rt.runQueue.pop()
	E->>R: untilNext       executor.go    if timeout, err = rt.prepareToPark(rt.timers.untilNext()); err != nil {
	E->>E: prepareToPark   executor.go    rt.parked.Store(timeout != 0)
	E->>K: wait            executor.go    events, err := rt.reactor.poller.wait(timeout)
	K-->>E: wait           executor.go    rt.parked.Store(false) ⏎ rt.Trace.call(rt.Trace.Unpark)
	E->>R: deliver         executor.go    rt.reactor.deliver(ev)
	R->>T: wakeLocal       task.go        if isTask { ⏎ if !t.queued.Swap(true) {
	T->>E: push            task.go        t.runtime.runQueue.push(t)
	G->>T: Wake            task.go        // reads what this one has written. ⏎ if !t.queued.Swap(true) {
	T->>E: wakeRemote      task.go        t.runtime.wakeRemote(t)
	T->>K: notify          runtime.go     rt.reactor.poller.notify()
	E->>E: takeInjected    runtime.go     } else { ⏎ rt.runQueue.push(t)

06-full-runtime/README.md
	E->>F: poll       executor.go  ready := t.work.poll(&t.cx)
	F->>K: read       stream.go    n, err = ignoringEINTR(call, s.fd, p)  once
	F->>R: setWaker   stream.go    s.ready[dir] = false ⏎ s.setWaker(dir, cx)
	F-->>E:           executor.go  rt.current = nil ⏎ t.state = pending  ends with ready
	E->>R: untilNext  executor.go  if timeout, err = rt.prepareToPark(rt.timers.untilNext()); err != nil {
	E->>K: wait       executor.go  events, err := rt.reactor.poller.wait(timeout)
	K-->>E: wait      executor.go  rt.parked.Store(false) ⏎ rt.Trace.call(rt.Trace.Unpark)
	E->>R: deliver    executor.go  rt.reactor.deliver(ev)
	R->>F: wakeLocal  task.go      if isTask { ⏎ if !t.queued.Swap(true) {
	F->>E: push       task.go      t.runtime.runQueue.push(t)

06-full-runtime/1-one-thread.md
	E->>E: pop             executor.go  return rt.runQueue.pop()
	E->>E: prepareToPark   executor.go  rt.parked.Store(timeout != 0)
	E->>K: wait            executor.go  events, err := rt.reactor.poller.wait(timeout)
	G->>T: Wake            task.go      // reads what this one has written. ⏎ if !t.queued.Swap(true) {
	T->>E: wakeRemote      task.go      t.runtime.wakeRemote(t)
	T->>K: notify          runtime.go   rt.reactor.poller.notify()
	K-->>E: wait           executor.go  rt.parked.Store(false) ⏎ rt.Trace.call(rt.Trace.Unpark)
	E->>E: takeInjected    runtime.go   } else { ⏎ rt.runQueue.push(t)
	E->>T: poll            executor.go  ready := t.work.poll(&t.cx)

06-full-runtime/3-straight-lines.md
	E->>C: Poll         joinhandle.go  if h.value, ready = h.future.Poll(cx); !ready {
	C->>B: next         await.go       if _, suspended := c.next(); suspended {
	B->>F: Poll         await.go       if value, ready := f.Poll(co.cx); ready {
	F-->>B: true        await.go       owned = nil ⏎ return value
	Note over B: Await  await.go       owned = nil ⏎ return value
	F-->>B: false       await.go       return value ⏎ } ⏎ co.suspend()
	B-->>C: yield       await.go       if co.closed || !co.yield(struct{}{}) {
	C-->>E: false       await.go       return value, false
	C-->>E: true        await.go       return c.value, true

06-full-runtime/4-giving-up.md
	E->>F: Poll          joinhandle.go  if h.value, ready = h.future.Poll(cx); !ready {
	F->>A: Poll          race.go        if r.Value, ready = t.future.Poll(cx); ready {
	F->>S: Poll          timers.go      mustBePending(s.d != over, "Sleep")
	E->>S: fire          timers.go      w := t.waker ⏎ ts.remove(t)
	S->>E: wakeLocal     timers.go      trace.call(trace.Timer) ⏎ wakeLocal(w)
	F->>A: Close         race.go        t.sleep.Close() ⏎ return Close(f)
	Note over A: closed  await.go       co.closed = true ⏎ panic(unwind{})
	F-->>E:              race.go        t.Close() ⏎ } ⏎ return r, ready  ends with ready

06-full-runtime/6-a-server.md
	A->>P: Send        server.go  Await(co, s.places.Send(struct{}{}))
	A->>K: Accept      server.go  accepted := Await(co, s.listener.Accept())
	K-->>A: accepted   server.go  if accepted.Err != nil {
	A->>C: Spawn       server.go  c.task = Spawn[struct{}](co.cx, c)
	C->>P: TryReceive  server.go  s.places.TryReceive()
`
