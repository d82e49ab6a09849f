// Recorded by internal/checks/play_test.go. Don't edit it.
play({"id":"letter-repaired","title":"The letter","chapter":"04-waker","page":"04-waker/README.md","other":"letter","intro":"This is the chapter's code. Try to lose the wakeup now.","lesson":"post needs the same lock as Poll, so it can't run between the store and the look. That's why their order doesn't matter here. If post comes before both, Poll sees the letter. If post comes after both, it finds the waker and calls it.","same":"This time post finds a waker in {w != nil? yes}, because {l.waker: the parker} does what steps {broken arrived = false} and {broken l.waker: the parker} did in the broken version: main looks and stores its waker.","orders":[["post comes first","21",1],["the wake comes just before main parks","122211",4],["main sleeps before post begins","112221",2]],"threads":["main","post"],"variables":[{"name":"l.arrived","kind":"value"},{"name":"l.waker","kind":"value"},{"name":"token","kind":"token"}],
"code":[
{"file":"04-waker/main.go","line":12,"lines":["type letter struct {","\tmu      sync.Mutex","\tarrived bool  // guarded by mu","\twaker   Waker // guarded by mu; the one of the latest poll","}"]},
{"file":"04-waker/main.go","line":18,"lines":["func (l *letter) Poll(cx *Context) (struct{}, bool) {","\tl.mu.Lock()","\tdefer l.mu.Unlock()","\tl.waker = cx.Waker() // under the lock of the look: a post between a look and a store would wake nothing","\treturn struct{}{}, l.arrived","}"],"changed":[21,22],"gone":{"20":"no l.mu.Unlock() and l.mu.Lock() here"}},
{"file":"04-waker/main.go","line":26,"lines":["func (l *letter) post() {","\tl.mu.Lock()","\tl.arrived = true","\tw := l.waker","\tl.mu.Unlock()","\tif w != nil {","\t\tw.Wake() // after Unlock: Wake may poll l at once","\t}","}"]},
{"file":"04-waker/blockon.go","line":5,"lines":["func BlockOn[T any](r *Reactor, f Future[T]) T {","\tp := NewParker()","\tcx := &Context{waker: p, reactor: r}","\tfor {","\t\tif value, ready := f.Poll(cx); ready {","\t\t\treturn value","\t\t}","\t\t// ← a wake that comes here isn't lost: it leaves a token for Park","\t\tp.Park()","\t}","}"]},
{"file":"04-waker/parker.go","line":12,"lines":["func (p *Parker) Park() { <-p.token }"]},
{"file":"04-waker/parker.go","line":16,"lines":["func (p *Parker) Wake() {","\tselect {","\tcase p.token <- struct{}{}:","\tdefault:","\t}","}"]}],
"places":[
{"status":"ready","what":"locks","at":["04-waker/main.go:19","04-waker/blockon.go:9"]},
{"status":"ready","what":"locks","at":["04-waker/main.go:27"]},
{"status":"ready","what":"receives","at":["04-waker/parker.go:12","04-waker/blockon.go:13"]},
{"status":"finished"},
{"status":"asleep","what":"receives","at":["04-waker/parker.go:12","04-waker/blockon.go:13"]},
{"status":"ready","what":"wakes","at":["04-waker/main.go:32"]},
{"status":"ready","what":"tries the channel","at":["04-waker/parker.go:17","04-waker/main.go:32"]}],
"nodes":[
{"p":[0,1],"v":["false","nil","0"],"n":{"0":1,"1":2},"s":{"0":"l.waker: the parker; Poll returned false","1":"l.arrived: true; w != nil? no"}},
{"p":[2,1],"v":["false","the parker","0"],"n":{"0":3,"1":4},"s":{"1":"l.arrived: true; w != nil? yes"}},
{"p":[0,3],"v":["true","nil","0"],"n":{"0":5},"s":{"0":"l.waker: the parker; Poll returned true"}},
{"p":[4,1],"v":["false","the parker","0"],"n":{"1":6},"s":{"1":"l.arrived: true; w != nil? yes"}},
{"p":[2,5],"v":["true","the parker","0"],"n":{"0":6,"1":7}},
{"p":[3,3],"v":["true","the parker","0"]},
{"p":[4,5],"v":["true","the parker","0"],"n":{"1":8}},
{"p":[2,6],"v":["true","the parker","0"],"n":{"0":8,"1":9},"s":{"1":"the channel takes it; token: one"}},
{"p":[4,6],"v":["true","the parker","0"],"n":{"1":10},"s":{"1":"handed straight to main, which sleeps on the channel"}},
{"p":[2,3],"v":["true","the parker","1"],"n":{"0":10},"s":{"0":"main takes the token and doesn't sleep"}},
{"p":[0,3],"v":["true","the parker","0"],"n":{"0":5},"s":{"0":"Poll returned true"}}]})
