// Runs a program, and prints how much memory it had resident at its peak.
//
//   cc -O2 -o peak peak.c && ./peak PROGRAM ARGUMENT...
//
// A new process begins with the peak of the one that started it, until exec and
// beyond: if the command in Go started the program, every peak below its own seven
// MiB would read as seven MiB. This process has one.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void must(int ok, const char *what) {
	if (!ok) {
		perror(what);
		exit(1);
	}
}

int main(int argc, char **argv) {
	struct rusage used;
	int status;
	must(argc > 1, "peak PROGRAM ARGUMENT...");
	pid_t pid = fork();
	must(pid >= 0, "fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); // to end this process ends the program, too
		execvp(argv[1], argv + 1);
		must(0, argv[1]);
	}
	must(wait4(pid, &status, 0, &used) == pid, "wait4");
	printf("PEAK kib=%ld\n", used.ru_maxrss);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
