package main

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// pollRead reads up to n bytes, or says that it's not ready.
func pollRead(s *Stream, cx *Context, n int) string {
	p := make([]byte, n)
	n, err, ready := s.PollRead(cx, p)
	switch {
	case !ready:
		return "not ready"
	case err != nil:
		return err.Error()
	}
	return string(p[:n])
}

// Property 15: the edge comes after the read that found nothing.
func TestEdgeAfterEmptyReadWakes(t *testing.T) {
	rt := openRuntime(t)
	s, peer := openStream(t, rt)
	cx := taskContext(rt)
	deliver(t, rt) // the events that are there from the start
	pollRead(s, cx, 1)
	sendByte(t, peer)
	deliver(t, rt)
	if n, got := wakesOf(cx), pollRead(s, cx, 1); n != 1 || got != "x" {
		t.Errorf("%d wakes, then %q, want 1, then x", n, got)
	}
}

// Property 15: nothing waited when it came. The bit remembers it.
func TestEdgeThatNothingWaitedForIsRemembered(t *testing.T) {
	rt := openRuntime(t)
	s, peer := openStream(t, rt)
	cx := taskContext(rt)
	reading := s.Read(make([]byte, 1))
	reading.Poll(cx)
	Close(reading)
	sendByte(t, peer)
	deliver(t, rt)
	if got := pollRead(s, cx, 1); got != "x" {
		t.Errorf("read: %s, want x", got)
	}
}

// Property 16: there's no second edge, but the first read has left something.
func TestPartlyReadEdgeIsReadOn(t *testing.T) {
	rt := openRuntime(t)
	s, peer := openStream(t, rt)
	cx := taskContext(rt)
	pollRead(s, cx, 1)
	sendByte(t, peer)
	sendByte(t, peer)
	deliver(t, rt)
	first := pollRead(s, cx, 1)
	if second := pollRead(s, cx, 1); first != "x" || second != "x" {
		t.Errorf("read: %s, then %s, want x, x: there is no second edge", first, second)
	}
}

// Properties 9 and 15: data and the end come as one edge, and no edge after it.
func TestEndInTheEdgeOfTheLastDataIsFound(t *testing.T) {
	rt := openRuntime(t)
	s, peer := openStream(t, rt)
	cx := taskContext(rt)
	pollRead(s, cx, 10)
	sendByte(t, peer)
	unix.Shutdown(peer, unix.SHUT_WR)
	deliver(t, rt)
	first := pollRead(s, cx, 10)
	if second := pollRead(s, cx, 10); first != "x" || second != "EOF" {
		t.Errorf("read: %s, then %s, want x, then EOF", first, second)
	}
}

// The end comes later, as an edge of its own.
func TestEndAfterTheLastDataIsFound(t *testing.T) {
	rt := openRuntime(t)
	s, peer := openStream(t, rt)
	cx := taskContext(rt)
	sendByte(t, peer)
	deliver(t, rt)
	pollRead(s, cx, 10)
	unix.Shutdown(peer, unix.SHUT_WR)
	deliver(t, rt)
	if got := pollRead(s, cx, 1); got != "EOF" {
		t.Errorf("read: %s, want EOF", got)
	}
}

// Property 16: if the bit stayed, each message would cost a read that finds
// nothing.
func TestShortReadClearsTheBit(t *testing.T) {
	rt := openRuntime(t)
	s, peer := openStream(t, rt)
	sendByte(t, peer)
	pollRead(s, taskContext(rt), 10)
	if s.ready[readable] {
		t.Error("after a short read the stream still counts as readable")
	}
}

// Property 16.
func TestSteadyConnectionIsRegisteredOnce(t *testing.T) {
	rt := openRuntime(t)
	p := &countingPoller{poller: rt.reactor.poller}
	rt.reactor.poller = p
	s, peer := openStream(t, rt)
	blockOn(t, rt, Async(func(co *Co) int {
		for range 100 {
			Await(co, Race(s.Read(make([]byte, 10)), until(func(*Context) bool { sendByte(t, peer); return false })))
		}
		return 1
	}))
	if p.adds != 1 {
		t.Errorf("%d calls to register one connection, want 1", p.adds)
	}
}

// Property 17.
func TestHalfCloseWakesTheReaderOnly(t *testing.T) {
	rt := openRuntime(t)
	s, peer := openStream(t, rt)
	fill(t, s.fd)
	reader, writer := taskContext(rt), taskContext(rt)
	deliver(t, rt)
	s.PollRead(reader, make([]byte, 1))
	s.PollWrite(writer, []byte("x"))
	s.PollWrite(writer, []byte("x"))
	unix.Shutdown(peer, unix.SHUT_WR)
	deliver(t, rt)
	if r, w := wakesOf(reader), wakesOf(writer); r != 1 || w != 0 {
		t.Errorf("the reader was woken %d times, the writer %d times, want once, never", r, w)
	}
}

// Property 17.
func TestHangUpWakesBothDirections(t *testing.T) {
	rt := openRuntime(t)
	s, peer := openStream(t, rt)
	fill(t, s.fd)
	reader, writer := taskContext(rt), taskContext(rt)
	deliver(t, rt)
	s.PollRead(reader, make([]byte, 1))
	s.PollWrite(writer, []byte("x"))
	s.PollWrite(writer, []byte("x"))
	unix.Close(peer) // on the BSDs a shutdown wouldn't tell the writer
	deliver(t, rt)
	if r, w := wakesOf(reader), wakesOf(writer); r != 1 || w != 1 {
		t.Errorf("the reader was woken %d times, the writer %d times, want once each", r, w)
	}
}

// Property 21.
func TestReaderAndWriterAreWokenEachByItsOwnDirection(t *testing.T) {
	rt := openRuntime(t)
	s, peer := openStream(t, rt)
	fill(t, s.fd)
	reader, writer := taskContext(rt), taskContext(rt)
	deliver(t, rt)
	s.PollRead(reader, make([]byte, 1))
	s.PollWrite(writer, []byte("x"))
	s.PollWrite(writer, []byte("x"))
	sendByte(t, peer)
	deliver(t, rt)
	if r, w := wakesOf(reader), wakesOf(writer); r != 1 || w != 0 {
		t.Errorf("a byte came: the reader was woken %d times, the writer %d times, want once, never", r, w)
	}
	drain(t, peer)
	deliver(t, rt)
	if r, w := wakesOf(reader), wakesOf(writer); r != 1 || w != 1 {
		t.Errorf("there is room: the reader was woken %d times, the writer %d times, want once each", r, w)
	}
}

// Property 16: a Read of nothing is not the end of the stream.
func TestReadOfNothingIsNotTheEnd(t *testing.T) {
	rt := openRuntime(t)
	s, _ := openStream(t, rt)
	if got := blockOn(t, rt, s.Read(nil)); got != (Result[int]{}) {
		t.Errorf("got %+v, want no bytes and no error", got)
	}
}

// Property 9: the other direction goes on.
func TestCloseWriteClosesOneDirection(t *testing.T) {
	rt := openRuntime(t)
	s, peer := openStream(t, rt)
	if err := s.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if n, err := ignoringEINTR(unix.Read, peer, make([]byte, 1)); n != 0 || err != nil {
		t.Errorf("the peer reads %d bytes, %v, want the end", n, err)
	}
	sendByte(t, peer)
	if got := blockOn(t, rt, s.Read(make([]byte, 1))); got != (Result[int]{Value: 1}) {
		t.Errorf("Read yields %+v, want the byte", got)
	}
}

// Property 38.
func TestCloseWakesReaderAndWriter(t *testing.T) {
	rt := openRuntime(t)
	s, _ := openStream(t, rt)
	fill(t, s.fd)
	reading, writing := SpawnRemote(rt, s.Read(make([]byte, 1))), SpawnRemote(rt, s.Write([]byte("x")))
	var got []Result[Result[int]]
	blockOn(t, rt, Async(func(co *Co) int {
		Await(co, Sleep(time.Millisecond))
		s.Close()
		got = Await(co, JoinAll[Result[Result[int]]](reading, writing))
		return 1
	}))
	for _, r := range got {
		if !errors.Is(r.Value.Err, net.ErrClosed) {
			t.Errorf("got %v, want %v", r.Value.Err, net.ErrClosed)
		}
	}
}

// Property 11.
func TestClosedStreamTouchesNoDescriptor(t *testing.T) {
	rt := openRuntime(t)
	s, _ := openStream(t, rt)
	fd := s.fd
	s.Close()
	twin, other := openPair(t) // one of them gets the number
	if twin != fd && other != fd {
		t.Skipf("another goroutine has taken %d", fd)
	}
	s.Close()
	s.CloseWrite()
	cx := taskContext(rt)
	if n, err, _ := s.PollWrite(cx, []byte("y")); n != 0 || !errors.Is(err, net.ErrClosed) {
		t.Errorf("it writes %d bytes, %v, want none, %v", n, err, net.ErrClosed)
	}
	pollRead(s, cx, 1)
	sendByte(t, twin)
	got := make([]byte, 10)
	if n, err := ignoringEINTR(unix.Read, other, got); string(got[:n]) != "x" {
		t.Errorf("through the connection with its number came %q, %v, want x", got[:n], err)
	}
	if n, err := ignoringEINTR(unix.Read, twin, got); err != unix.EAGAIN {
		t.Errorf("and back came %q, %v, want nothing yet", got[:n], err)
	}
}

// Property 8.
func TestWriteGoesOnThroughPartialWrites(t *testing.T) {
	rt := openRuntime(t)
	s, peer := openStream(t, rt)
	want := bytes.Repeat([]byte("0123456789"), 300_000)
	writing := SpawnRemote(rt, s.Write(want))
	var got []byte
	blockOn(t, rt, until(func(cx *Context) bool {
		part := make([]byte, 1<<16)
		n, err := ignoringEINTR(unix.Read, peer, part)
		if got = append(got, part[:n]...); err != nil && err != unix.EAGAIN {
			t.Fatal(err)
		}
		wakeLocal(cx.waker)
		return len(got) >= len(want)
	}))
	if r := blockOn(t, rt, writing); r.Value != (Result[int]{Value: len(want)}) || !bytes.Equal(got, want) {
		t.Errorf("Write says %+v, want %d bytes; other bytes arrived: %t", r.Value, len(want), !bytes.Equal(got, want))
	}
}

// Property 3.
func TestFinishedTransfersAreNotPolled(t *testing.T) {
	rt := openRuntime(t)
	s, peer := openStream(t, rt)
	cx := taskContext(rt)
	sendByte(t, peer)
	reading, writing := s.Read(make([]byte, 1)), s.Write([]byte("x"))
	reading.Poll(cx)
	writing.Poll(cx)
	wantPanic(t, "Async polled after it finished", func() { reading.Poll(cx) })
	wantPanic(t, "Async polled after it finished", func() { writing.Poll(cx) })
}

// Property 18: closing a finished Read mustn't take the waker of the next one.
func TestCloseOfFinishedReadLeavesTheNextOneItsWaker(t *testing.T) {
	rt := openRuntime(t)
	s, peer := openStream(t, rt)
	cx := taskContext(rt)
	first, second := s.Read(make([]byte, 1)), s.Read(make([]byte, 1))
	sendByte(t, peer)
	first.Poll(cx)
	second.Poll(cx)
	Close(first)
	sendByte(t, peer)
	deliver(t, rt)
	if wakesOf(cx) != 1 {
		t.Errorf("%d wakes, want 1", wakesOf(cx))
	}
}

func address(l net.Listener) netip.AddrPort { return l.Addr().(*net.TCPAddr).AddrPort() }

// fullBacklog returns an address where every connect hangs: its queue has one
// slot, which is taken. It does so on Linux; elsewhere some get through.
func fullBacklog(t *testing.T) netip.AddrPort {
	t.Helper()
	fd, addr := bound(t)
	if err := unix.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return addr
}

// bound returns a socket that has an address but doesn't listen.
func bound(t *testing.T) (fd int, addr netip.AddrPort) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err == nil {
		t.Cleanup(func() { unix.Close(fd) })
		err = unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	}
	if err != nil {
		t.Fatal(err)
	}
	name, _ := unix.Getsockname(fd)
	in := name.(*unix.SockaddrInet4)
	return fd, netip.AddrPortFrom(netip.AddrFrom4(in.Addr), uint16(in.Port))
}

// Property 7.
func TestDialThatIsRefusedFails(t *testing.T) {
	noLeaks(t)
	_, addr := bound(t)
	got := runOne(t, Dial(addr))
	if want := "dial " + addr.String() + ": connection refused"; got.Err == nil || got.Err.Error() != want {
		t.Errorf("got %v, want %s", got.Err, want)
	}
}

// Properties 2 and 7.
func TestDialThatHangsIsAbandoned(t *testing.T) {
	noLeaks(t)
	got := runOne(t, Timeout(Dial(fullBacklog(t)), 10*time.Millisecond))
	if got.Err != ErrTimeout {
		t.Errorf("got %v, want %v", got.Err, ErrTimeout)
	}
}

// Property 3.
func TestFinishedDialIsNotPolled(t *testing.T) {
	rt := openRuntime(t)
	d := Dial(address(listen(t)))
	blockOn(t, rt, d).Value.Close()
	wantPanic(t, "Dial polled after it finished", func() { d.Poll(taskContext(rt)) })
}

// Properties 9 and 12.
func TestErrorOfAStreamNamesOperationAndAddress(t *testing.T) {
	noLeaks(t)
	rt := openRuntime(t)
	addr := startPeer(t, func(c *net.TCPConn) {
		c.Read(make([]byte, 1))
		reset(c)
	})
	err := blockOn(t, rt, Async(func(co *Co) error {
		c := co.Conn(Await(co, Dial(addr)).Value)
		defer c.Close()
		c.Write([]byte("xy"))
		_, err := c.Read(make([]byte, 1))
		return err
	}))
	if want := "read " + addr.String() + ": connection reset by peer"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// Both ends are on this runtime: one writes as fast as it can, the other reads.
func TestConnCarriesMegabytes(t *testing.T) {
	noLeaks(t)
	for _, at := range []string{"127.0.0.1:0", "[::1]:0"} {
		rt := openRuntime(t)
		l, err := Listen(rt, netip.MustParseAddrPort(at))
		if err != nil && at[0] == '[' {
			t.Skip("no IPv6 here: ", err)
		}
		const size = 5_000_000
		SpawnRemote(rt, Async(func(co *Co) int {
			c := co.Conn(Await(co, Dial(l.Addr())).Value)
			defer c.Close()
			io.Copy(c, strings.NewReader(strings.Repeat("x", size)))
			return 1
		}))
		n := blockOn(t, rt, Async(func(co *Co) int64 {
			defer l.Close()
			c := co.Conn(Await(co, l.Accept()).Value)
			defer c.Close()
			n, _ := io.Copy(io.Discard, c)
			return n
		}))
		if n != size {
			t.Errorf("%s: %d bytes arrived, want %d", at, n, size)
		}
	}
}

// Property 33: an abandoned Read must not look like a way on.
func TestAbandonedReadAndAcceptDoNotHideADeadlock(t *testing.T) {
	rt := openRuntime(t)
	s, _ := openStream(t, rt)
	l, err := Listen(rt, netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	wantDeadlock(t, rt, Async(func(co *Co) int {
		Await(co, Timeout(s.Read(make([]byte, 1)), time.Millisecond))
		Await(co, Timeout(l.Accept(), time.Millisecond))
		Await(co, NewChannel[int](1).Receive())
		return 1
	}), 1)
}

// Property 33.
func TestTaskThatWaitsForADescriptorIsNotStuck(t *testing.T) {
	rt := openRuntime(t)
	s, peer := openStream(t, rt)
	h := SpawnRemote(rt, s.Read(make([]byte, 1)))
	time.AfterFunc(10*time.Millisecond, func() { ignoringEINTR(unix.Write, peer, []byte("x")) })
	if got := blockOn(t, rt, h); got.Value.Value != 1 {
		t.Errorf("got %+v, want one byte", got)
	}
}

// Property 15: the read stops at the urgent byte, and what follows has no edge
// of its own.
func TestWhatFollowsUrgentDataIsRead(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("other systems report urgent data in other ways")
	}
	noLeaks(t)
	rt := openRuntime(t)
	l := openListener(t, rt)
	peer, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	s := blockOn(t, rt, l.Accept()).Value
	defer s.Close()
	cx := taskContext(rt)
	pollRead(s, cx, 10)
	conn, err := peer.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	conn.Control(func(fd uintptr) {
		if _, err := unix.SendmsgN(int(fd), []byte("ab!"), nil, nil, unix.MSG_OOB); err != nil {
			t.Error(err)
		}
	})
	peer.Write([]byte("cd"))
	for !s.ready[readable] {
		deliver(t, rt)
	}
	first := pollRead(s, cx, 10)
	if second := pollRead(s, cx, 10); first != "ab" || second != "cd" {
		t.Errorf("read: %s, then %s, want ab, then cd", first, second)
	}
}

// Property 9.
func TestInterruptedCallIsRepeated(t *testing.T) {
	calls := 0
	n, err := ignoringEINTR(func(int, []byte) (int, error) {
		if calls++; calls < 3 {
			return -1, unix.EINTR
		}
		return 7, nil
	}, 0, nil)
	if n != 7 || err != nil || calls != 3 {
		t.Errorf("got %d, %v after %d calls, want 7 and no error after 3", n, err, calls)
	}
}
