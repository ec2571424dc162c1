/*
 * The tracee of the benchmarks, the same one for every tracer.
 *
 *   tracee loop THREADS        getppid() in an endless loop, in every thread, once a line has come on standard input
 *   tracee count CALLS         CALLS getppid() after the line; prints the nanoseconds a call took
 *   tracee slow MICROSECONDS   computes so long between two getppid(); the call's first argument is the time just before it
 *   tracee rest THREADS        every thread sleeps
 *
 * Prints the address of 4096 readable bytes when all threads are there. Dies with the thread that started it. Anyone may trace it.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef PR_SET_PTRACER
#define PR_SET_PTRACER 0x59616d61
#endif

static char page[4096] = "bytes to read";
static pthread_barrier_t created, begun;

static uint64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void *loop(void *arg) {
  (void)arg;
  pthread_barrier_wait(&created);
  pthread_barrier_wait(&begun);
  for (;;) syscall(SYS_getppid);
  return NULL;
}

static void *rest(void *arg) {
  (void)arg;
  pthread_barrier_wait(&created);
  for (;;) pause();
  return NULL;
}

static void start(void *(*body)(void *), int threads) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 64 * 1024);
  pthread_barrier_init(&created, NULL, (unsigned)threads);
  pthread_barrier_init(&begun, NULL, (unsigned)threads);
  for (int i = 1; i < threads; i++) {
    pthread_t thread;
    if (pthread_create(&thread, &attributes, body, NULL) != 0) {
      perror("pthread_create");
      exit(1);
    }
  }
  pthread_barrier_wait(&created);
}

static void ready(void) {
  printf("%llu\n", (unsigned long long)(uintptr_t)page);
  fflush(stdout);
}

/* End of file means that nobody wants it any more. */
static void wait_for_line(void) {
  char c;
  do {
    if (read(0, &c, 1) <= 0) exit(0);
  } while (c != '\n');
}

int main(int argc, char **argv) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_PTRACER, -1L);
  if (argc < 3) return 2;
  const char *mode = argv[1];
  const long number = atol(argv[2]);
  if (strcmp(mode, "loop") == 0) {
    start(loop, (int)number);
    ready();
    wait_for_line();
    pthread_barrier_wait(&begun);
    for (;;) syscall(SYS_getppid);
  }
  if (strcmp(mode, "count") == 0) {
    ready();
    wait_for_line();
    for (long i = 0; i < number / 10; i++) syscall(SYS_getppid);
    const uint64_t begin = now();
    for (long i = 0; i < number; i++) syscall(SYS_getppid);
    printf("%.3f\n", (double)(now() - begin) / (double)number);
    return 0;
  }
  if (strcmp(mode, "slow") == 0) {
    ready();
    wait_for_line();
    const uint64_t pause_ns = (uint64_t)number * 1000;
    for (;;) {
      const uint64_t until = now() + pause_ns;
      uint64_t at;
      while ((at = now()) < until) continue;
      syscall(SYS_getppid, at);
    }
  }
  if (strcmp(mode, "rest") == 0) {
    start(rest, (int)number);
    ready();
    for (;;) pause();
  }
  return 2;
}
