// What the work costs in C, without a runtime: what the kernel takes for it, and
// the least that a program has to add. Beside it you see what a runtime costs.
//
//   cc -O2 -pthread -o floor floor.c && ./floor spawn 1000000
//
// What it prints is the line that the commands in ../_overlay print.
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

// The compiler sees all of this file, and could compute some of it in advance. It
// doesn't look through these calls, just as it doesn't look into a runtime.
#define CALLED __attribute__((noinline))

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

// A task is a function and what it needs to go on. It waits in a queue until run
// calls it, and puts itself into the queue again as long as it has turns left.
struct task {
	void (*poll)(struct task *);
	struct task *next;
	long turns, taken;
};

static struct task *head, **tail = &head;

CALLED static void enqueue(struct task *t) {
	t->next = NULL;
	*tail = t;
	tail = &t->next;
}

CALLED static void run(void) {
	for (struct task *t; (t = head) != NULL; t->poll(t))
		if ((head = t->next) == NULL)
			tail = &head;
}

CALLED static void take_turn(struct task *t) {
	if (++t->taken < t->turns)
		enqueue(t);
}

// batches runs n tasks, up to a thousand at a time, and then takes their results.
// It returns how many turns they have had together.
static long batches(int n, int size, long turns) {
	struct task *tasks[1000];
	long taken = 0;
	for (; n > 0; n -= size) {
		size = n < size ? n : size;
		for (int i = 0; i < size; i++) {
			must((tasks[i] = malloc(sizeof *tasks[i])) != NULL, "malloc");
			*tasks[i] = (struct task){.poll = take_turn, .turns = turns};
			enqueue(tasks[i]);
		}
		run();
		for (int i = 0; i < size; i++) {
			taken += tasks[i]->taken;
			free(tasks[i]);
		}
	}
	return taken;
}

// A timer is a deadline, and what to call then. In the heap each comes before its
// two children, so the next one is heap[0].
struct timer {
	long long deadline;
	void (*fire)(void);
};

static struct timer *heap;
static int timers;
static long fired;

static void count(void) { fired++; }

CALLED static void add(struct timer t) {
	int i = timers++;
	for (; i > 0 && t.deadline < heap[(i - 1) / 2].deadline; i = (i - 1) / 2)
		heap[i] = heap[(i - 1) / 2];
	heap[i] = t;
}

CALLED static struct timer take_first(void) {
	struct timer first = heap[0], last = heap[--timers];
	int i = 0, child;
	for (; (child = 2 * i + 1) < timers; i = child) {
		if (child + 1 < timers && heap[child + 1].deadline < heap[child].deadline)
			child++;
		if (last.deadline <= heap[child].deadline)
			break;
		heap[i] = heap[child];
	}
	heap[i] = last;
	return first;
}

// sleepers starts n timers, which fire after a delay and then spread over a time.
// It waits as our runtime does, to the millisecond, and rounds up.
static long sleepers(int n, long long delay, long long spread) {
	struct epoll_event event;
	int queue = epoll_create1(0);
	must((heap = malloc(n * sizeof *heap)) != NULL, "malloc");
	for (int i = 0; i < n; i++)
		add((struct timer){now(CLOCK_MONOTONIC) + delay + spread * i / n, count});
	while (timers > 0) {
		long long rest = heap[0].deadline - now(CLOCK_MONOTONIC);
		epoll_wait(queue, &event, 1, rest > 0 ? (rest + 999999) / 1000000 : 0);
		for (long long t = now(CLOCK_MONOTONIC); timers > 0 && heap[0].deadline <= t;)
			take_first().fire();
	}
	return fired;
}

static int bell, questions;
static sem_t answers;

static void *ask(void *unused) {
	for (int i = 0; i < questions; i++) {
		must(eventfd_write(bell, 1) == 0, "eventfd_write");
		must(sem_wait(&answers) == 0, "sem_wait");
	}
	return unused;
}

// wake answers a thread that wakes this one, waits for the answer, and asks again.
// Edge-triggered, each write is an event, so the counter needn't be read.
static long wake(int n) {
	pthread_t asker;
	struct epoll_event ev = {.events = EPOLLIN | EPOLLET};
	int queue = epoll_create1(0);
	long answered = 0;
	bell = eventfd(0, EFD_NONBLOCK);
	questions = n;
	must(epoll_ctl(queue, EPOLL_CTL_ADD, bell, &ev) == 0, "epoll_ctl");
	must(sem_init(&answers, 0, 0) == 0, "sem_init");
	must(pthread_create(&asker, NULL, ask, NULL) == 0, "pthread_create");
	for (; answered < n; answered++) {
		must(epoll_wait(queue, &ev, 1, -1) == 1, "epoll_wait");
		sem_post(&answers);
	}
	pthread_join(asker, NULL);
	return answered;
}

struct connection { int fd, written, length; }; // the length of its reply, so far

static struct sockaddr_in server = {.sin_family = AF_INET};
static char request[512];

// advance goes on with a connection that has an event, and returns 1 at its end.
static int advance(struct connection *c, unsigned events) {
	static char buffer[4096];
	ssize_t n, size = strlen(request);
	if (!c->written && events & EPOLLOUT) {
		must(write(c->fd, request, size) == size, "write"); // also if it couldn't connect
		c->written = 1;
	}
	if (!(events & ~EPOLLOUT))
		return 0;
	for (; (n = read(c->fd, buffer, sizeof buffer)) > 0; c->length += n)
		for (int i = 0; i < n && c->length + i < 12; i++)
			must(buffer[i] == "HTTP/1.1 200"[c->length + i], "status");
	if (n < 0 && errno == EAGAIN)
		return 0;
	must(n == 0 && c->length >= 12, "read");
	close(c->fd);
	return 1;
}

// get fetches n times, all at once. After each 256 connections it looks for events,
// as the runtime does, because the server accepts no more than it has room for.
static long get(int n, const char *url) {
	struct epoll_event events[256], ev = {.events = EPOLLIN | EPOLLOUT | EPOLLET};
	struct connection *all = calloc(n, sizeof *all);
	int port, opened = 0, done = 0, queue = epoll_create1(0);
	char host[64], path[256];
	must(sscanf(url, "http://%63[^:]:%d%255s", host, &port, path) == 3, "url");
	must(inet_pton(AF_INET, host, &server.sin_addr) == 1, "address");
	server.sin_port = htons(port);
	snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: %s:%d\r\nConnection: close\r\n\r\n", path, host, port);
	while (done < n) {
		for (int end = opened + 256; opened < n && opened < end; opened++) {
			int fd = all[opened].fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
			must(fd >= 0, "socket");
			must(connect(fd, (struct sockaddr *)&server, sizeof server) == 0 || errno == EINPROGRESS, "connect");
			ev.data.ptr = &all[opened];
			must(epoll_ctl(queue, EPOLL_CTL_ADD, fd, &ev) == 0, "epoll_ctl");
		}
		int m = epoll_wait(queue, events, 256, opened < n ? 0 : -1);
		for (int i = 0; i < m; i++)
			done += advance(events[i].data.ptr, events[i].events);
	}
	return done;
}

#define IS(name) (strcmp(kind, name) == 0)

static long work(const char *kind, int n, const char *url) {
	return IS("spawn") ? batches(n, 1, 1)
		: IS("spawnbatch") ? batches(n, 1000, 1)
		: IS("yield1") ? batches(1, 1, n)
		: IS("yield1k") ? batches(1000, 1000, n / 1000)
		: IS("timer") ? sleepers(n, 100000000, 1000000000)
		: IS("sleep") ? sleepers(n, 5000000000, 0)
		: IS("wake") ? wake(n)
		: IS("get") && url ? get(n, url) : 0;
}

int main(int argc, char **argv) {
	int n = argc > 2 ? atoi(argv[2]) : 0;
	long long cpu = now(CLOCK_PROCESS_CPUTIME_ID), wall = now(CLOCK_MONOTONIC);
	if (n < 1 || work(argv[1], n, argv[3]) != n) {
		fprintf(stderr, "floor: want KIND N, or get N URL; for yield1k, N in thousands\n");
		return 1;
	}
	wall = now(CLOCK_MONOTONIC) - wall;
	cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	printf("RESULT kind=%s n=%d wall_ns=%lld cpu_ns=%lld wall_per_op=%.1f cpu_per_op=%.1f\n",
		argv[1], n, wall, cpu, (double)wall / n, (double)cpu / n);
	return 0;
}
