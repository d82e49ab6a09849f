package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// crowdVariable tells the test binary to be the server of a crowd, so that it
// has a limit of descriptors of its own. Its value is the crowd's size.
const crowdVariable = "CROWD"

// TestCrowdServer is no test but that server: it answers when all have asked.
// Each is told its own path.
func TestCrowdServer(t *testing.T) {
	var crowd int
	if _, err := fmt.Sscan(os.Getenv(crowdVariable), &crowd); err != nil {
		t.Skip("this is the server's process of another test")
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
