package main

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The load has to cost less than the server that it measures. So it is a bare
// epoll loop with raw system calls, like ../epoll/epoll.c, without goroutines.

// loop is an epoll instance, with a buffer to read and write its descriptors.
type loop struct {
	queue  int
	events [256]unix.EpollEvent
	buffer [32 << 10]byte
}

func newLoop() *loop {
	queue, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	must(err)
	return &loop{queue: queue}
}

func (l *loop) add(fd int) {
	must(unix.SetNonblock(fd, true))
	must(unix.EpollCtl(l.queue, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}))
}

// wait returns the descriptors that can be read. Its raw call may block, because
// this process has no other goroutine that would have to wait for the thread.
func (l *loop) wait(timeout time.Duration) []unix.EpollEvent {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_WAIT, uintptr(l.queue), uintptr(unsafe.Pointer(&l.events)),
		uintptr(len(l.events)), uintptr(timeout.Milliseconds()), 0, 0)
	if errno == unix.EINTR {
		return nil
	} else if errno != 0 {
		must(errno)
	}
	return l.events[:n]
}

func (l *loop) read(fd int32) int         { return l.call(unix.SYS_READ, fd, len(l.buffer)) }
func (l *loop) write(fd int32, n int) int { return l.call(unix.SYS_WRITE, fd, n) }

func (l *loop) call(call uintptr, fd int32, n int) int {
	done, _, errno := unix.RawSyscall(call, uintptr(fd), uintptr(unsafe.Pointer(&l.buffer)), uintptr(n))
	if errno == unix.EAGAIN || errno == unix.EINTR {
		return -1
	} else if errno != 0 {
		must(errno)
	}
	return int(done)
}

// connect opens n connections.
func (l *loop) connect(addr netip.AddrPort, n int) (fds []int32) {
	for range n {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		must(err)
		must(unix.Connect(fd, &unix.SockaddrInet4{Addr: addr.Addr().As4(), Port: int(addr.Port())}))
		must(unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1))
		l.add(fd)
		fds = append(fds, int32(fd))
	}
	return fds
}

// idle opens n connections, sends the message and reads an answer on each, and
// prints what they cost the server while nothing happens.
func idle(addr netip.AddrPort, pid, n int, message string, d time.Duration) {
	l := newLoop()
	before := memory(pid)
	for _, fd := range l.connect(addr, n) {
		copy(l.buffer[:], message)
		l.write(fd, len(message))
		l.wait(10 * time.Second)
		l.read(fd)
	}
	time.Sleep(d)
	cpu, slept := cpuTime(pid), switches(pid)
	time.Sleep(d)
	fmt.Printf("IDLE n=%d bytes=%d cpu_ns=%d switches=%d\n", n, memory(pid)-before, cpuTime(pid)-cpu, switches(pid)-slept)
}

// delay answers every request after the same time, so the answers are in the
// order of the requests.
func delay(d time.Duration) {
	listener, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	must(err)
	must(unix.SetsockoptInt(listener, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1))
	must(unix.Bind(listener, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	must(unix.Listen(listener, 4096))
	name, err := unix.Getsockname(listener)
	must(err)
	fmt.Printf("delay listens at 127.0.0.1:%d\n", name.(*unix.SockaddrInet4).Port)

	type request struct {
		fd  int32
		due time.Time
	}
	var requests []request // the first one is due first
	const reply = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nhello\n"
	l := newLoop()
	l.add(listener)
	for {
		timeout := time.Hour
		if len(requests) > 0 {
			timeout = max(time.Until(requests[0].due)+time.Millisecond-1, 0)
		}
		for _, ev := range l.wait(timeout) {
			if int(ev.Fd) != listener {
				l.read(ev.Fd)
				requests = append(requests, request{ev.Fd, time.Now().Add(d)})
				unix.EpollCtl(l.queue, unix.EPOLL_CTL_DEL, int(ev.Fd), nil)
				continue
			}
			for range 64 {
				fd, _, err := unix.Accept4(listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
				if err != nil {
					break
				}
				l.add(fd)
			}
		}
		copy(l.buffer[:], reply)
		for now := time.Now(); len(requests) > 0 && !requests[0].due.After(now); requests = requests[1:] {
			l.write(requests[0].fd, len(reply))
			unix.Close(int(requests[0].fd))
		}
	}
}

// cpuTime returns the CPU time of all threads of a process, or of this one if pid is 0.
func cpuTime(pid int) time.Duration {
	clock := int32(^pid<<3 | 2) // see clock_getcpuclockid(3)
	if pid == 0 {
		clock = unix.CLOCK_PROCESS_CPUTIME_ID
	}
	var now unix.Timespec
	must(unix.ClockGettime(clock, &now))
	return time.Duration(now.Nano())
}

// memory returns the resident bytes of a process.
func memory(pid int) int { return status(fmt.Sprintf("/proc/%d/status", pid), "VmRSS:") << 10 }

// switches counts how often the threads of a process have gone to sleep.
func switches(pid int) (sum int) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	must(err)
	for _, path := range threads {
		sum += status(path, "voluntary_ctxt_switches:")
	}
	return sum
}

func status(path, name string) int {
	text, err := os.ReadFile(path)
	must(err)
	_, after, _ := strings.Cut("\n"+string(text), "\n"+name)
	n, err := strconv.Atoi(strings.Fields(after)[0])
	must(err)
	return n
}
