package main

import (
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

//go:embed dial.go
var testSource string

const testWaits = "Poll answers at once, also when the answer is no; does it sleep, or ask again and again?"

// A testAddress says what becomes of an address. Each result is used up by one
// call: nil is "connected". The last one stays.
type testAddress struct {
	open    error
	results []error // of Start, and then of each Result
	wake    error
	wakes   []error // of the first calls of WakeWhenWritable, before wake
}

// A testNetwork writes down what's done to it.
type testNetwork struct {
	addresses map[string]*testAddress
	open      map[int]string // the sockets, and their addresses
	log       []string
	next      int
	t         testing.TB
	closing   error  // of each Close
	most      int    // sockets that were open at the same time
	panics    string // this call, as the log has it
}

func testNetworkOf(t testing.TB, first int) *testNetwork {
	return &testNetwork{t: t, addresses: make(map[string]*testAddress), open: make(map[int]string), next: first}
}

func (n *testNetwork) note(format string, args ...any) {
	if n.log = append(n.log, fmt.Sprintf(format, args...)); len(n.log) > 2000 {
		panic("after 2,000 calls")
	} else if n.log[len(n.log)-1] == n.panics {
		panic("the network is broken")
	}
}

// count counts the calls whose line begins like this.
func (n *testNetwork) count(prefix string) (calls int) {
	for _, line := range n.log {
		if strings.HasPrefix(line, prefix) {
			calls++
		}
	}
	return calls
}

func (n *testNetwork) Open(addr string) (int, error) {
	n.note("Open(%s)", addr)
	if n.addresses[addr] == nil {
		n.t.Fatalf("Open(%q) was called, and there's no such address (the calls: %v)", addr, n.log)
	}
	if err := n.addresses[addr].open; err != nil {
		return -1, err
	}
	n.next++
	n.open[n.next] = addr
	n.most = max(n.most, len(n.open))
	return n.next, nil
}

// must wants fd to be open.
func (n *testNetwork) must(fd int) {
	_, open := n.open[fd]
	switch {
	case !open && n.count(fmt.Sprintf("Start(%d)", fd)) > 0:
		n.t.Fatalf("the last of these calls has a descriptor that isn't open anymore: socket %d has been closed before, and by now the number may be another's. %v", fd, n.log)
	case !open:
		n.t.Fatalf("the last of these calls has a descriptor that isn't open: no Open has returned %d; if Open failed, there's no socket to wait for. %v", fd, n.log)
	}
}

func (n *testNetwork) answer(fd int) error {
	n.must(fd)
	a := n.addresses[n.open[fd]]
	err := a.results[0]
	if len(a.results) > 1 {
		a.results = a.results[1:]
	}
	return err
}

func (n *testNetwork) Start(fd int) error  { n.note("Start(%d)", fd); return n.answer(fd) }
func (n *testNetwork) Result(fd int) error { n.note("Result(%d)", fd); return n.answer(fd) }

func (n *testNetwork) WakeWhenWritable(fd int) error {
	n.note("WakeWhenWritable(%d)", fd)
	n.must(fd)
	a := n.addresses[n.open[fd]]
	if len(a.wakes) > 0 {
		err := a.wakes[0]
		a.wakes = a.wakes[1:]
		return err
	}
	return a.wake
}

func (n *testNetwork) Close(fd int) error {
	n.note("Close(%d)", fd)
	n.must(fd)
	delete(n.open, fd)
	return n.closing
}

func TestDialTriesInOrder(t *testing.T) {
	random := check.Random(t)
	check.Instant(t, testWaits, func(t testing.TB) {
		check.Started(t, "dial.go", testSource)
		for run := range 1000 {
			n := testNetworkOf(t, random.IntN(50))
			first := n.next
			var addrs []string
			failure := func() error { // any but EAGAIN and EINTR
				for {
					if code := unix.Errno(1 + random.IntN(133)); unix.ErrnoName(code) != "" && code != unix.EAGAIN && code != unix.EINTR {
						return code
					}
				}
			}
			failures := []*testAddress{
				{open: failure()},
				{results: []error{failure()}},
				{results: []error{unix.EAGAIN}, wake: unix.ENOSPC},
				{results: []error{unix.EAGAIN}, wake: failure()},
				{results: []error{unix.EAGAIN}, wake: unix.EAGAIN},
			}
			fail := random.IntN(20)
			if run == 999 {
				fail = 300 // when few have worked, many
			}
			for i := range fail {
				addrs = append(addrs, fmt.Sprintf("10.0.0.%d", i+1))
				n.addresses[addrs[i]] = failures[random.IntN(len(failures))]
			}
			addrs = append(addrs, "10.0.1.1", "10.0.1.2")
			n.addresses["10.0.1.1"] = &testAddress{results: []error{nil}}
			n.addresses["10.0.1.2"] = &testAddress{results: []error{nil}}
			got, ready := Dial(n, slices.Clone(addrs)...).Poll(new(Context))
			what := fmt.Sprintf("the addresses %v, of which 10.0.1.1 is the first to answer (the calls: %v)", addrs, n.log)
			switch {
			case n.most > 1:
				t.Fatalf("%d sockets were open at the same time, want one: an address that fails is closed before the next is tried. %s", n.most, what)
			case !ready && n.count("WakeWhenWritable") > 0 && n.addresses[n.open[n.next]] != nil && n.addresses[n.open[n.next]].wake != nil:
				t.Fatalf("WakeWhenWritable failed, and Poll returned false: nothing will cause the next poll, so this address has failed. %s", what)
			case !ready:
				t.Fatalf("each address answered at once, and Poll returned false: the same Poll tries the next address. %s", what)
			case got.Err != nil || n.open[got.FD] != "10.0.1.1":
				t.Fatalf("Poll gave %+v, which is the socket of %q, want that of 10.0.1.1: in order, and whatever failed, the next address is tried. %s", got, n.open[got.FD], what)
			case len(n.open) != 1:
				t.Fatalf("there are %d open sockets, want the connected one only. %s", len(n.open), what)
			case n.count("Result") > 0:
				t.Fatalf("Start answered at once, and Result was called %d times, want 0: Start has said what came of it. %s", n.count("Result"), what)
			case n.count("Start") != n.next-first:
				t.Fatalf("Start was called %d times for %d sockets. %s", n.count("Start"), n.next-first, what)
			}
		}
	})
}

func TestDialIsLazy(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		n := testNetworkOf(t, 6)
		n.addresses["a"] = &testAddress{results: []error{nil}}
		if Dial(n, "a"); len(n.log) > 0 {
			t.Fatalf("before the first poll Dial has called %v: a future is lazy", n.log)
		}
	})
}

func TestDialUnderWay(t *testing.T) {
	random := check.Random(t)
	check.Instant(t, testWaits, func(t testing.TB) {
		for i, end := range []error{nil, unix.ECONNREFUSED, nil, nil} {
			n := testNetworkOf(t, 6)
			a := new(testAddress)
			early := []int{2, 3, 1, 20 + random.IntN(50)}[i] // polls that find the connect still under way
			for range early {
				a.results = append(a.results, unix.EAGAIN)
			}
			a.results = append(a.results, end)
			n.addresses["a"], n.addresses["b"] = a, &testAddress{results: []error{nil}}
			d := Dial(n, "a", "b")
			for poll := 1; poll <= early; poll++ {
				got, ready := d.Poll(new(Context))
				switch {
				case n.count("Start(7)") != 1:
					t.Fatalf("at poll %d Start was called %d times for one socket, want once: after that, Result says what came of it", poll, n.count("Start(7)"))
				case n.count("Result") != poll-1:
					t.Fatalf("after poll %d Result was called %d times, want %d: once in each poll after the first", poll, n.count("Result"), poll-1)
				case ready || got != (Dialed{}):
					t.Fatalf("the connect is under way at poll %d, which gave %+v, %t, want the zero value and false (the calls: %v)", poll, got, ready, n.log)
				case n.count("WakeWhenWritable(7)") != poll:
					t.Fatalf("after poll %d gave false, Poll had asked to be woken %d times, want %d: each poll that finds the connect under way asks once, also if it came too early", poll, n.count("WakeWhenWritable"), poll)
				}
			}
			got, ready := d.Poll(new(Context))
			want := map[bool]string{true: "a", false: "b"}[end == nil]
			if !ready || got.Err != nil || n.open[got.FD] != want {
				t.Fatalf("the connect to a ended with %v, and Poll gave %+v, %t, connected to %q, want %q (the calls: %v)", end, got, ready, n.open[got.FD], want, n.log)
			}
		}
	})
}

// However many polls find it under way: polls aren't time.
func TestDialWaitsForASlowConnect(t *testing.T) {
	random := check.Random(t)
	check.Instant(t, testWaits, func(t testing.TB) {
		n := testNetworkOf(t, 6)
		a := &testAddress{results: []error{unix.EAGAIN}}
		n.addresses["a"], n.addresses["b"] = a, &testAddress{results: []error{nil}}
		d, polls := Dial(n, "a", "b"), 70_000+random.IntN(100)
		d.Poll(new(Context))
		for poll := 2; poll <= polls; poll++ {
			n.log = nil
			if got, ready := d.Poll(new(Context)); ready || got != (Dialed{}) || !slices.Equal(n.log, []string{"Result(7)", "WakeWhenWritable(7)"}) {
				t.Fatalf("the connect is under way at poll %d, as it was before, and Poll gave %+v, %t after %v, want the zero value and false after Result(7) and WakeWhenWritable(7): polls aren't time", poll, got, ready, n.log)
			}
		}
		a.results = []error{nil}
		if got, ready := d.Poll(new(Context)); !ready || got != (Dialed{FD: 7}) {
			t.Fatalf("the connect took 70,000 polls, and then Poll gave %+v, %t, want {FD:7 Err:<nil>}, true", got, ready)
		}
	})
}

// An address may also fail in a later poll.
func TestDialThatFailsLater(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		for early := 1; early <= 3; early++ { // polls that find the connect under way
			for code := unix.Errno(0); code < 134; code++ {
				if code == unix.EINTR || code > 0 && unix.ErrnoName(code) == "" {
					continue
				}
				n, why, a := testNetworkOf(t, 6), error(code), new(testAddress)
				for range early {
					a.results, a.wakes = append(a.results, unix.EAGAIN), append(a.wakes, nil)
				}
				a.results = append(a.results, code)
				what := fmt.Sprintf("at poll %d, Result said %s for a", early+1, unix.ErrnoName(code))
				if code == 0 || code == unix.EAGAIN { // of WakeWhenWritable, EAGAIN is an error like any other
					failure := map[bool]unix.Errno{true: unix.ENOSPC, false: unix.EAGAIN}[code == 0]
					why, a.results, a.wake = failure, a.results[:1], failure
					what = fmt.Sprintf("at poll %d, Result said EAGAIN for a, and WakeWhenWritable failed with %s", early+1, unix.ErrnoName(failure))
				}
				n.addresses["a"], n.addresses["b"] = a, &testAddress{open: unix.EAFNOSUPPORT}
				n.addresses["c"] = &testAddress{results: []error{nil}}
				if early == 3 {
					n.addresses["c"] = &testAddress{open: unix.EAFNOSUPPORT}
				}
				d := Dial(n, "a", "b", "c")
				for range early {
					d.Poll(new(Context))
				}
				got, ready := d.Poll(new(Context))
				switch {
				case !ready:
					t.Fatalf("%s, and Poll gave false, want true: that's a failure, and the same Poll tries the next address (the calls: %v)", what, n.log)
				case n.most > 1:
					t.Fatalf("%s, and %d sockets were open at the same time, want one: an address that fails is closed before the next is tried (the calls: %v)", what, n.most, n.log)
				case early < 3 && (got.Err != nil || n.open[got.FD] != "c" || len(n.open) != 1):
					t.Fatalf("%s, b can't be opened, and c answers: Poll gave %+v, and %d sockets are open, want the socket of c, and that one only (the calls: %v)", what, got, len(n.open), n.log)
				case early == 3 && (got.FD != -1 || !errors.Is(got.Err, why) || !errors.Is(got.Err, unix.EAFNOSUPPORT) || len(n.open) > 0):
					t.Fatalf("%s, b and c can't be opened: Poll gave %+v, and %d sockets are open, want -1, all three errors, and none (the calls: %v)", what, got, len(n.open), n.log)
				}
			}
		}
	})
}

func TestDialGivesTheSocketAway(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		n := testNetworkOf(t, 6)
		n.addresses["a"] = &testAddress{results: []error{unix.EAGAIN, nil}}
		n.addresses["b"] = &testAddress{results: []error{nil}}
		d := Dial(n, "a", "b")
		d.Poll(new(Context))
		got, _ := d.Poll(new(Context))
		if n.count("Open") != 1 {
			t.Fatalf("the first address answered, and %d sockets were opened, want 1 (the calls: %v)", n.count("Open"), n.log)
		}
		if Close(d); n.count("Close") > 0 {
			t.Fatalf("Dial yielded socket %d, and its Close has closed it: it belongs to the caller by then", got.FD)
		}
	})
}

func TestDialWhenAllFail(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		n := testNetworkOf(t, 6)
		n.addresses["10.0.0.1"] = &testAddress{open: unix.EAFNOSUPPORT}
		n.addresses["10.0.0.2"] = &testAddress{results: []error{unix.ENETUNREACH}}
		n.addresses["10.0.0.3"] = &testAddress{results: []error{unix.EAGAIN, unix.ECONNREFUSED}}
		n.addresses["10.0.0.4"] = &testAddress{results: []error{unix.EAGAIN}, wake: unix.ENOSPC}
		n.addresses["10.0.0.5"] = &testAddress{results: []error{unix.ECONNREFUSED}} // as one before
		d := Dial(n, "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5")
		d.Poll(new(Context))
		got, ready := d.Poll(new(Context))
		if !ready || got.FD != -1 || got.Err == nil {
			t.Fatalf("all addresses failed, and Poll gave %+v, %t, want -1, an error, and true", got, ready)
		}
		at := 0
		for i, err := range []error{unix.EAFNOSUPPORT, unix.ENETUNREACH, unix.ECONNREFUSED, unix.ENOSPC, unix.ECONNREFUSED} {
			if !errors.Is(got.Err, err) {
				t.Fatalf("all addresses failed, and the error is %q: errors.Is doesn't find %q in it", got.Err, err)
			}
			addr := fmt.Sprintf("10.0.0.%d", i+1)
			k := strings.Index(got.Err.Error(), addr)
			if k < at {
				t.Fatalf("the error is %q: it names each address with its error, in order, also if two errors are the same, and this looks for %s", got.Err, addr)
			}
			at = k
		}
		if len(n.open) > 0 {
			t.Fatalf("all addresses failed, and %d sockets are still open", len(n.open))
		}
		before := n.count("Close")
		if Close(d); n.count("Close") > before {
			t.Fatalf("all addresses failed, and Close of Dial has closed a socket, want nothing: none was open (the calls: %v)", n.log)
		}
	})
}

// Addresses and errors are texts: they may have a percent sign in them, be equal,
// or be equal and stand for something else.
func TestDialOfOddAddresses(t *testing.T) {
	random := check.Random(t)
	check.Instant(t, testWaits, func(t testing.TB) {
		n := testNetworkOf(t, 6)
		var addrs []string
		var errs []error
		for i, odd := range []string{"fe80::%d%%eth0", "[fe80::1%%25eth%d]:80", "%%s.example:%d", "100%%w:%d", "%%!v(x):%d", "%d%%"} {
			addr := fmt.Sprintf(odd, 10+i+10*random.IntN(1000))
			err := errors.New("connection refused: 100% loss, %w") // another one each time
			switch a := new(testAddress); i % 3 {
			case 0:
				a.open, n.addresses[addr] = err, a
			case 1:
				a.results, n.addresses[addr] = []error{err}, a
			case 2:
				a.results, a.wake, n.addresses[addr] = []error{unix.EAGAIN}, err, a
			}
			addrs, errs = append(addrs, addr), append(errs, err)
		}
		twice := addrs[1] // tried again at the end, and it fails with something else
		errs = append(errs, errors.New("connection refused: 100% loss, %w"))
		n.addresses[twice].results = append(n.addresses[twice].results, errs[len(errs)-1])
		addrs = append(addrs, twice)
		got, ready := Dial(n, slices.Clone(addrs)...).Poll(new(Context))
		if !ready || got.FD != -1 || got.Err == nil || len(n.open) > 0 {
			t.Fatalf("all addresses failed, of %q, and Poll gave %+v, %t, with %d open sockets, want -1, an error, true, and none", addrs, got, ready, len(n.open))
		}
		rest := got.Err.Error()
		for i, addr := range addrs {
			_, after, found := strings.Cut(rest, addr)
			if rest = after; !found {
				t.Fatalf("all addresses failed, and the error is %q: it names each address with its error, in order, and as it was given, and this looks for %q", got.Err, addr)
			}
			if !errors.Is(got.Err, errs[i]) {
				t.Fatalf("all addresses failed, and the error is %q: errors.Is doesn't find the error of %q in it, the address number %d of %q (their errors differ, even where the texts are the same)", got.Err, addr, i+1, addrs)
			}
		}
	})
}

// If the socket of an address that failed can't be closed either, the reason stays.
func TestDialWhenClosingFails(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		n := testNetworkOf(t, 6)
		n.closing = errors.New("close is broken")
		n.addresses["10.0.0.1"] = &testAddress{results: []error{unix.ENETUNREACH}}
		n.addresses["10.0.0.2"] = &testAddress{results: []error{unix.EAGAIN, unix.ECONNREFUSED}}
		d := Dial(n, "10.0.0.1", "10.0.0.2")
		d.Poll(new(Context))
		got, ready := d.Poll(new(Context))
		if !ready || got.FD != -1 || !errors.Is(got.Err, unix.ENETUNREACH) || !errors.Is(got.Err, unix.ECONNREFUSED) {
			t.Fatalf("10.0.0.1 failed with ENETUNREACH, 10.0.0.2 with ECONNREFUSED, and closing their sockets failed as well: Poll gave %+v, %t, want -1, an error in which errors.Is finds both reasons, and true", got, ready)
		}
	})
}

// Of Start and Result, EAGAIN says "under way". Of Open, it's an error like any other.
func TestOpenThatSaysEAGAIN(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		n := testNetworkOf(t, 6)
		n.addresses["a"] = &testAddress{open: unix.EAGAIN}
		n.addresses["b"] = &testAddress{results: []error{nil}}
		if got, ready := Dial(n, "a", "b").Poll(new(Context)); !ready || got.Err != nil || n.open[got.FD] != "b" {
			t.Fatalf("Open failed with EAGAIN for a, and Poll gave %+v, %t, want the socket of b, true: there's no socket whose connect could be under way (the calls: %v)", got, ready, n.log)
		}
	})
}

// Dial doesn't judge addresses: one may come twice, or be empty.
func TestDialTriesWhateverItGets(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		n := testNetworkOf(t, 6)
		n.addresses[""] = &testAddress{open: unix.EINVAL}
		n.addresses["a"] = &testAddress{results: []error{unix.ECONNREFUSED, nil}}
		got, ready := Dial(n, "", "a", "a").Poll(new(Context))
		if !ready || got.Err != nil || n.count("Open") != 3 {
			t.Fatalf("the addresses \"\", a and a, of which the first can't be opened, and a answers when it's tried again: Poll gave %+v, %t after %d calls of Open, want socket 8, true after 3: each address is tried as often as it comes (the calls: %v)", got, ready, n.count("Open"), n.log)
		}
		if got, ready := Dial(n, "").Poll(new(Context)); !ready || got.FD != -1 || !errors.Is(got.Err, unix.EINVAL) {
			t.Fatalf("the only address is \"\", and can't be opened, and Poll gave %+v, %t, want -1, the error of Open, true", got, ready)
		}
	})
}

// The number 0 is a descriptor like any other, if a program has closed its input.
func TestDialGetsTheNumberZero(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		n := testNetworkOf(t, -1)
		n.addresses["a"] = &testAddress{results: []error{unix.EAGAIN, nil}}
		d := Dial(n, "a")
		d.Poll(new(Context))
		if got, ready := d.Poll(new(Context)); !ready || got != (Dialed{}) || n.count("Open") != 1 {
			t.Fatalf("the first socket got the number 0, and Poll gave %+v, %t, want {FD:0 Err:<nil>}, true (the calls: %v)", got, ready, n.log)
		}
		n = testNetworkOf(t, -1)
		n.addresses["a"] = &testAddress{results: []error{unix.EAGAIN}}
		d = Dial(n, "a")
		d.Poll(new(Context))
		if Close(d); n.count("Close(0)") != 1 {
			t.Fatalf("closed while the connect of socket 0 was under way, and socket 0 was closed %d times, want once", n.count("Close(0)"))
		}
	})
}

func TestDialOfNothing(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		got, ready := Dial(testNetworkOf(t, 6)).Poll(new(Context))
		if !ready || got.FD != -1 || got.Err == nil {
			t.Fatalf("there was no address, and Poll gave %+v, %t, want -1, an error, and true", got, ready)
		}
		if text := got.Err.Error(); !strings.Contains(text, " ") {
			t.Fatalf("there was no address, and the error is %q: say it in words", text)
		}
	})
}

func TestDialClose(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		n := testNetworkOf(t, 6)
		n.closing = errors.New("close is broken")
		n.addresses["a"] = &testAddress{results: []error{unix.ECONNREFUSED}}
		n.addresses["b"] = &testAddress{results: []error{unix.EAGAIN}}
		d := Dial(n, "a", "b")
		if err := Close(d); err != nil || n.count("Close") > 0 {
			t.Fatalf("closed before its first poll, Dial gave %v after %v, want nil after nothing", err, n.log)
		}
		d = Dial(n, "a", "b")
		d.Poll(new(Context))
		if n.count("Open(b)") == 0 {
			t.Fatalf("a failed, and so did closing its socket, and Poll hasn't tried b: the address has failed, and the next is tried (the calls: %v)", n.log)
		}
		before := n.count("Close(8)")
		err := Close(d)
		if n.count("Close(8)") != before+1 {
			t.Fatalf("closed while the connect of socket 8 was under way, and socket 8 was closed %d times, want once (the calls: %v)", n.count("Close(8)")-before, n.log)
		}
		if !errors.Is(err, n.closing) {
			t.Fatalf("closing the socket failed, and Close of Dial returned %v, want its error, %q", err, n.closing)
		}
		if Close(d); n.count("Close(8)") != before+1 {
			t.Fatalf("after two calls of Close, socket 8 was closed %d times, want once", n.count("Close(8)")-before)
		}
		for _, n.panics = range []string{"Start(9)", "WakeWhenWritable(9)", "Result(9)"} { // rule 5: also after Poll panicked
			n.next, n.log = 8, nil
			d := Dial(n, "b")
			func() {
				defer func() { recover() }()
				d.Poll(new(Context))
				d.Poll(new(Context))
			}()
			Close(d)
			if Close(d); n.count("Close(9)") != 1 {
				t.Fatalf("%s panicked, and then Dial was closed twice: socket 9 was closed %d times, want once; from the moment it's open, Close has to find it (the calls: %v)", n.panics, n.count("Close(9)"), n.log)
			}
		}
	})
}
