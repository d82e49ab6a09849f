// A bare epoll loop: what an echo server costs in C, without a runtime.
//
//   cc -O2 -o epoll epoll.c && ./epoll 127.0.0.1 0
#define _GNU_SOURCE // accept4
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static char buffer[32 << 10];

static void must(int ok, const char *what) {
	if (!ok) {
		perror(what);
		exit(1);
	}
}

// echo sends back what has arrived. It closes a connection whose peer doesn't read,
// because a bare loop has no place for bytes that it couldn't send.
static void echo(int fd) {
	ssize_t n = read(fd, buffer, sizeof buffer);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0 || write(fd, buffer, n) != n)
		close(fd);
}

static int listen_at(const char *host, int port) {
	int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
	socklen_t size = sizeof at;
	must(fd >= 0, "socket");
	must(inet_pton(AF_INET, host, &at.sin_addr) == 1, "address");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); // accepted ones inherit it
	must(bind(fd, (struct sockaddr *)&at, size) == 0, "bind");
	must(listen(fd, 4096) == 0, "listen");
	getsockname(fd, (struct sockaddr *)&at, &size);
	printf("echo listens at %s:%d\n", host, ntohs(at.sin_port));
	fflush(stdout);
	return fd;
}

int main(int argc, char **argv) {
	struct epoll_event events[256], ev = {.events = EPOLLIN};
	int queue = epoll_create1(0);
	int listener = listen_at(argc > 1 ? argv[1] : "127.0.0.1", argc > 2 ? atoi(argv[2]) : 0);
	ev.data.fd = listener;
	must(epoll_ctl(queue, EPOLL_CTL_ADD, listener, &ev) == 0, "epoll_ctl");
	for (;;) {
		int n = epoll_wait(queue, events, 256, -1);
		for (int i = 0; i < n; i++) {
			if (events[i].data.fd != listener) {
				echo(events[i].data.fd);
				continue;
			}
			while ((ev.data.fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0)
				must(epoll_ctl(queue, EPOLL_CTL_ADD, ev.data.fd, &ev) == 0, "epoll_ctl");
		}
	}
}
