package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// crowdVariable tells the test binary to be the server of a crowd, so that it
// has a limit of descriptors of its own. Its value is the crowd's size.
const crowdVariable = "CROWD"

// TestCrowdServer is no test but that server: it answers when all have asked.
// Each is told its own path.
func TestCrowdServer(t *testing.T) {
	var crowd int
	if _, err := fmt.Sscan(os.Getenv(crowdVariable), &crowd); err != nil {
		t.Skip("this is a process of TestTenThousandConnectionsAtOnce")
	}
	go func() { // until the test ends, however it ends
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println(listener.Addr())
	var asked sync.WaitGroup
	asked.Add(crowd)
	for {
		conn, err := listener.Accept()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		go answerTogether(conn, &asked)
	}
}

func answerTogether(conn net.Conn, asked *sync.WaitGroup) {
	defer conn.Close()
	request := make([]byte, 0, 256)
	for !strings.HasSuffix(string(request), "\r\n\r\n") {
		n, err := conn.Read(request[len(request):cap(request)])
		if err != nil {
			return
		}
		request = request[:len(request)+n]
	}
	path := strings.Fields(string(request))[1]
	asked.Done()
	asked.Wait()
	fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(path), path)
}

// startCrowdServer starts TestCrowdServer in a process of its own.
func startCrowdServer(t *testing.T, crowd int) netip.AddrPort {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	server := exec.Command(program, "-test.run=^TestCrowdServer$")
	server.Env = append(os.Environ(), fmt.Sprint(crowdVariable, "=", crowd))
	server.Stderr = os.Stderr
	stdin, err := server.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		server.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	addr, err := netip.ParseAddrPort(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	return addr
}

func TestTenThousandConnectionsAtOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a second or two")
	}
	noLeaks(t)
	mustEndWithin(t, time.Minute) // the race detector makes it slow
	r, err := NewReactor()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	const crowd = 10_000
	addr := startCrowdServer(t, crowd)
	var gets []*HTTPGet
	e, responses, full := NewExecutor(r), make([]Response, crowd), false
	for i := range responses {
		get := NewHTTPGet(addr, fmt.Sprint("/", i))
		gets = append(gets, get)
		Spawn(e, pollFunc[Response](func(cx *Context) (_ Response, ready bool) {
			if full { // the crowd will never be complete: nobody is answered
				Close(get)
				return Response{}, true
			}
			if responses[i], ready = get.Poll(cx); ready && responses[i].Err != nil {
				full = true
				for _, other := range gets {
					if other.cx != nil {
						other.cx.Waker().Wake()
					}
				}
			}
			return responses[i], ready
		}))
	}
	e.Run()
	for _, response := range responses {
		err := response.Err
		if (errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE)) && strings.Contains(err.Error(), "ulimit -n") {
			t.Skip(err) // it says which limit, and how to raise it
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for i, response := range responses {
		if want := fmt.Sprint("/", i); response.Status != 200 || response.Body != want {
			t.Fatalf("request %d of %d: got %d %q, want 200 %q", i+1, crowd, response.Status, response.Body, want)
		}
	}
}

func TestThousandTasksNeedAtMostFourPollsEach(t *testing.T) {
	r := openReactor(t)
	addr, stop, err := startDelayServer()
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	const tasks = 1000
	e, responses, polls := NewExecutor(r), make([]Response, tasks), make([]int, tasks)
	for i := range tasks {
		get := NewHTTPGet(addr, fmt.Sprintf("/%d/%d", i%100, i))
		Spawn(e, into[Response]{Counted[Response]{get, &polls[i]}, &responses[i]})
	}
	e.Run()
	for i, n := range polls {
		if want := fmt.Sprint(i); responses[i].Body != want {
			t.Fatalf("task %d: got %+v, want %s", i+1, responses[i], want)
		}
		if n > 4 {
			t.Errorf("task %d needed %d polls, want at most 4", i+1, n)
		}
	}
}
