package sched

// A file is a descriptor of the stand-in for the kernel.
type file struct {
	ready  [2]bool // readable, writable
	edges  [2]int  // how often it became so
	peer   int     // of a pipe
	closed bool
}

var files []*file // by descriptor

// Open makes a descriptor that is not ready in any direction.
func Open() (fd int) {
	Change(func() { fd, files = len(files), append(files, new(file)) })
	return fd
}

// SetReady makes fd readable (0) or writable (1).
func SetReady(fd, dir int) {
	Step("makes the descriptor ready")
	Change(func() { files[fd].set(dir) })
}

func (f *file) set(dir int) {
	f.ready[dir] = true
	f.edges[dir]++
}

// Ready is what a read or a write that does not wait would find.
func Ready(fd, dir int) (ready bool) {
	Step("tries the descriptor")
	Change(func() { ready = files[fd].ready[dir] })
	return ready
}

// Look is for the stand-ins of the queue, inside Change and Await.
func Look(fd int) (ready [2]bool, edges [2]int) { return files[fd].ready, files[fd].edges }

// What follows has the names of golang.org/x/sys/unix.

func Pipe(p []int) error {
	p[0], p[1] = Open(), Open()
	Change(func() { files[p[1]].peer = p[0] })
	return nil
}

func CloseOnExec(int) {}

func Write(fd int, p []byte) (int, error) {
	Step("writes")
	closed := false
	Change(func() {
		closed = files[fd].closed
		files[files[fd].peer].set(0)
	})
	if closed {
		Failf("a write to a closed descriptor")
	}
	return len(p), nil
}

func Close(fd int) error {
	Step("closes the descriptor")
	closed := false
	Change(func() { closed, files[fd].closed = files[fd].closed, true })
	if closed {
		Failf("a descriptor is closed twice")
	}
	return nil
}
