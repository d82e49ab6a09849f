package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// Property 19.
func TestSignalDoesNotEndWait(t *testing.T) {
	hearOneByOne(t, 100, func() {
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			t.Error(err)
		}
		for _, thread := range threads {
			id, _ := strconv.Atoi(thread.Name())
			unix.Tgkill(unix.Getpid(), id, unix.SIGURG) // which Go takes for its own, and ignores
		}
	})
}

// Property 19: Ctrl-Z, and then fg, end a wait although no handler runs.
func TestStopAndContinueDoNotEndWait(t *testing.T) {
	const rounds, asChild = 20, "WAIT_FOR_STANDARD_INPUT"
	noLeaks(t)
	if os.Getenv(asChild) != "" {
		waitForStandardInput(t, rounds)
		return
	}
	child := exec.Command(os.Args[0], "-test.run=^TestStopAndContinueDoNotEndWait$", "-test.count=1")
	child.Env = append(os.Environ(), asChild+"=yes")
	child.Stderr = os.Stderr
	in, _ := child.StdinPipe()
	out, _ := child.StdoutPipe()
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	within(t, "the child", func() {
		for range rounds {
			child.Process.Signal(unix.SIGSTOP)
			child.Process.Signal(unix.SIGCONT)
			in.Write([]byte("x"))
			if !lines.Scan() || lines.Text() != "heard" {
				t.Errorf("the child says %q", lines.Text())
				break
			}
		}
		for lines.Scan() {
		}
		if err := child.Wait(); err != nil {
			t.Error(err)
		}
	})
}

func waitForStandardInput(t *testing.T, bytes int) {
	if err := unix.SetNonblock(0, true); err != nil {
		t.Fatal(err)
	}
	rt := openRuntime(t)
	in := streamOf(t, rt, 0)
	defer in.Close()
	for range bytes {
		if got := blockOn(t, rt, in.Read(make([]byte, 1))); got.Err != nil {
			t.Fatal(got.Err)
		}
		fmt.Println("heard")
	}
}

// hearOneByOne reads bytes from a peer that sends the next one when the one
// before was heard.
func hearOneByOne(t *testing.T, bytes int, beforeEach func()) {
	t.Helper()
	rt := openRuntime(t)
	s, peer := openStream(t, rt)
	heard := make(chan struct{})
	go func() {
		for range bytes {
			beforeEach()
			ignoringEINTR(unix.Write, peer, []byte("x"))
			<-heard
		}
	}()
	for range bytes {
		if got := blockOn(t, rt, s.Read(make([]byte, 1))); got.Err != nil {
			t.Fatal(got.Err)
		}
		heard <- struct{}{}
	}
}

// limited is a future that is polled when the process may open nothing.
type limited struct {
	Future[Response]
	t             *testing.T
	before, after chan struct{}
}

func (l limited) Poll(cx *Context) (Response, bool) {
	<-l.before
	defer close(l.after)
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		l.t.Error(err)
	}
	none := unix.Rlimit{Cur: 0, Max: limit.Max}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &none); err != nil {
		l.t.Error(err)
	}
	defer unix.Setrlimit(unix.RLIMIT_NOFILE, &limit)
	return l.Future.Poll(cx)
}

// Property 11: running out of descriptors fails one request, not the program. The
// other request is under way and already has its descriptor.
func TestDescriptorLimitIsErrorOfOneRequest(t *testing.T) {
	noLeaks(t)
	before, after := make(chan struct{}), make(chan struct{})
	other := HTTPGet(startPeer(t, func(c *net.TCPConn) {
		close(before)
		<-after
		answer(hello)(c)
	}), "/")
	responses := runAll[Response](t, other, limited{HTTPGet(address(listen(t)), "/"), t, before, after})
	checkFault(t, Response{}, `^dial \S+: socket: too many open files`, responses[1])
	checkFault(t, helloResponse, "", responses[0])
	checkFault(t, helloResponse, "", runOne(t, HTTPGet(startPeer(t, answer(hello)), "/")))
}

// Property 15: the read stops at the urgent byte, and what follows has no edge
// of its own.
func TestWhatFollowsUrgentDataIsRead(t *testing.T) {
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
