// A client that keeps the connections to an echo server busy with one message
// each, and prints what that has cost the server. It has to cost less than what
// it measures, so it is as bare as the loop in epoll.c.
//
//   cc -O2 -o load load.c && ./load 127.0.0.1 7777 64 1000 PID
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static char message[64];

static void must(int ok, const char *what) {
	if (!ok) {
		perror(what);
		exit(1);
	}
}

static long long now(clockid_t clock) {
	struct timespec t;
	must(clock_gettime(clock, &t) == 0, "clock_gettime");
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void send_message(int fd) {
	must(write(fd, message, sizeof message) == sizeof message, "write");
}

static void open_connections(int queue, const char *host, int port, int n) {
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
	int on = 1;
	must(inet_pton(AF_INET, host, &to.sin_addr) == 1, "address");
	for (; n > 0; n--) {
		struct epoll_event ev = {.events = EPOLLIN, .data.fd = socket(AF_INET, SOCK_STREAM, 0)};
		must(connect(ev.data.fd, (struct sockaddr *)&to, sizeof to) == 0, "connect");
		setsockopt(ev.data.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		must(epoll_ctl(queue, EPOLL_CTL_ADD, ev.data.fd, &ev) == 0, "epoll_ctl");
		send_message(ev.data.fd);
	}
}

// exchange answers each message that comes back with a new one, for a number of
// nanoseconds.
static long exchange(int queue, long long time) {
	struct epoll_event events[256];
	char buffer[sizeof message];
	long messages = 0;
	for (long long end = now(CLOCK_MONOTONIC) + time; now(CLOCK_MONOTONIC) < end;) {
		int n = epoll_wait(queue, events, 256, 1000);
		for (int i = 0; i < n; i++, messages++) {
			must(read(events[i].data.fd, buffer, sizeof buffer) == sizeof buffer, "read");
			send_message(events[i].data.fd);
		}
	}
	return messages;
}

int main(int argc, char **argv) {
	clockid_t server;
	int queue = epoll_create1(0);
	must(argc == 6, "load HOST PORT CONNECTIONS MILLISECONDS PID");
	must(clock_getcpuclockid(atoi(argv[5]), &server) == 0, "pid");
	long long time = atoll(argv[4]) * 1000000;
	open_connections(queue, argv[1], atoi(argv[2]), atoi(argv[3]));
	exchange(queue, time / 5); // to warm up
	long long cpu = now(server), start = now(CLOCK_MONOTONIC);
	long messages = exchange(queue, time);
	printf("RESULT kind=load n=%ld wall_ns=%lld cpu_ns=%lld \n", messages,
		now(CLOCK_MONOTONIC) - start, now(server) - cpu);
	return 0;
}
