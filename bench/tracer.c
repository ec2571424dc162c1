/*
 * The C tracers that the benchmarks compare with: what a good C program does, and nothing besides.
 *
 *   tracer one|many|registers|memory|latency PID ADDRESS
 *
 * Seizes all threads of PID, stops them and prints "ready". Then for every line with a number N it handles N stops (or reads N times) and
 * prints the nanoseconds that took, as a line of JSON. Between two lines the tracees stand still.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Own numbers and layout: <linux/ptrace.h> does not go together with <sys/ptrace.h>, and older headers lack them. */
#define SEIZE 0x4206
#define INTERRUPT 0x4207
#define SYSCALL 24
#define GETREGSET 0x4204
#define GET_SYSCALL_INFO 0x420e
#define TRACESYSGOOD 1
#define INFO_ENTRY 1
#define INFO_EXIT 2
#define MOST_THREADS 1024

struct syscall_info {
  uint8_t op, pad[3];
  uint32_t arch;
  uint64_t instruction_pointer, stack_pointer;
  union {
    struct { uint64_t nr, args[6]; } entry;
    struct { int64_t rval; uint8_t is_error; } exit;
    uint64_t words[8];
  };
};

static pid_t threads[MOST_THREADS];
static long stops_of[MOST_THREADS];
static int count;

static uint64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void fail(const char *what) {
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  exit(1);
}

static long request(long number, pid_t tid, uintptr_t addr, uintptr_t data) {
  const long result = syscall(SYS_ptrace, number, (long)tid, addr, data);
  if (result < 0) fail("ptrace");
  return result;
}

static void attach(pid_t pid) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
  DIR *directory = opendir(path);
  if (directory == NULL) fail(path);
  struct dirent *entry;
  while ((entry = readdir(directory)) != NULL) {
    const pid_t tid = (pid_t)atoi(entry->d_name);
    if (tid == 0 || count == MOST_THREADS) continue;
    request(SEIZE, tid, 0, TRACESYSGOOD);
    request(INTERRUPT, tid, 0, 0);
    threads[count++] = tid;
  }
  closedir(directory);
  for (int i = 0; i < count; i++) {
    int status;
    if (waitpid(threads[i], &status, __WALL) < 0) fail("waitpid");
  }
}

static int index_of(pid_t tid) {
  /* Threads are numbered one after the other, or nearly so. */
  int at = (int)(tid - threads[0]);
  if (at >= 0 && at < count && threads[at] == tid) return at;
  for (at = 0; at < count; at++)
    if (threads[at] == tid) return at;
  return 0;
}

static struct syscall_info info;
static volatile uint64_t seen;

static void look_at_syscall(pid_t tid) {
  request(GET_SYSCALL_INFO, tid, sizeof info, (uintptr_t)&info);
  seen += info.op == INFO_ENTRY ? info.entry.nr : info.op == INFO_EXIT ? (uint64_t)info.exit.rval : 0;
}

static int wait_for(pid_t tid, int flags, pid_t *found) {
  int status = 0;
  *found = waitpid(tid, &status, __WALL | flags);
  if (*found < 0) fail("waitpid");
  if (*found > 0 && !WIFSTOPPED(status)) {
    fprintf(stderr, "the tracee has ended\n");
    exit(1);
  }
  return status;
}

static uint64_t one(long n) {
  const pid_t pid = threads[0];
  pid_t found;
  const uint64_t begin = now();
  for (long i = 0; i < n; i++) {
    request(SYSCALL, pid, 0, 0);
    wait_for(pid, 0, &found);
    look_at_syscall(pid);
  }
  return now() - begin;
}

/* All that is pending is taken before anything is resumed, so that no thread starves the others. */
static uint64_t many(long n) {
  static pid_t batch[MOST_THREADS];
  static int size, next;
  static int first = 1;
  memset(stops_of, 0, sizeof stops_of);
  const uint64_t begin = now();
  if (first) {
    first = 0;
    for (int i = 0; i < count; i++) request(SYSCALL, threads[i], 0, 0);
  }
  for (long i = 0; i < n;) {
    if (next == size) {
      pid_t found;
      size = next = 0;
      wait_for(-1, 0, &found);
      do {
        batch[size++] = found;
        wait_for(-1, WNOHANG, &found);
      } while (found > 0 && size < MOST_THREADS);
    }
    for (; next < size && i < n; i++) {
      const pid_t tid = batch[next++];
      look_at_syscall(tid);
      stops_of[index_of(tid)]++;
      request(SYSCALL, tid, 0, 0);
    }
  }
  return now() - begin;
}

/* What two readings of the clock cost is taken off. */
static uint64_t clock_cost(long n) {
  uint64_t sum = 0;
  for (long i = 0; i < n; i++) {
    const uint64_t begin = now();
    sum += now() - begin;
  }
  return sum;
}

static uint64_t registers(long n) {
  static struct user_regs_struct buffer;
  uint64_t sum = 0;
  pid_t found;
  for (long i = 0; i < n; i++) {
    request(SYSCALL, threads[0], 0, 0);
    wait_for(threads[0], 0, &found);
    const uint64_t begin = now();
    struct iovec iov = {&buffer, sizeof buffer};
    request(GETREGSET, threads[0], NT_PRSTATUS, (uintptr_t)&iov);
    sum += now() - begin;
  }
  const uint64_t cost = clock_cost(n);
  return sum > cost ? sum - cost : 0;
}

static uint64_t memory(long n, void *address) {
  char buffer[64];
  const uint64_t begin = now();
  for (long i = 0; i < n; i++) {
    struct iovec local = {buffer, sizeof buffer};
    struct iovec remote = {address, sizeof buffer};
    if (process_vm_readv(threads[0], &local, 1, &remote, 1, 0) != sizeof buffer) fail("process_vm_readv");
    seen += (uint64_t)buffer[0];
  }
  return now() - begin;
}

static int compare(const void *a, const void *b) {
  const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return x < y ? -1 : x > y;
}

/* The median time from just before a system call in the tracee to the tracer's knowing of it. */
static uint64_t latency(long n) {
  uint64_t *samples = malloc((size_t)n * sizeof *samples);
  long have = 0;
  pid_t found;
  if (samples == NULL) fail("malloc");
  while (have < n) {
    request(SYSCALL, threads[0], 0, 0);
    wait_for(threads[0], 0, &found);
    look_at_syscall(threads[0]);
    if (info.op == INFO_ENTRY && info.entry.nr == SYS_getppid) samples[have++] = now() - info.entry.args[0];
  }
  qsort(samples, (size_t)n, sizeof *samples, compare);
  const uint64_t median = samples[n / 2];
  free(samples);
  return median * (uint64_t)n;
}

int main(int argc, char **argv) {
  if (argc < 4) return 2;
  const char *mode = argv[1];
  void *address = (void *)(uintptr_t)strtoull(argv[3], NULL, 10);
  attach((pid_t)atoi(argv[2]));
  puts("ready");
  fflush(stdout);
  char line[64];
  while (fgets(line, sizeof line, stdin) != NULL) {
    const long n = atol(line);
    uint64_t ns;
    long least = 0, most = 0;
    if (strcmp(mode, "one") == 0) ns = one(n);
    else if (strcmp(mode, "many") == 0) ns = many(n);
    else if (strcmp(mode, "registers") == 0) ns = registers(n);
    else if (strcmp(mode, "memory") == 0) ns = memory(n, address);
    else if (strcmp(mode, "latency") == 0) ns = latency(n);
    else return 2;
    if (strcmp(mode, "many") == 0) {
      least = most = stops_of[0];
      for (int i = 1; i < count; i++) {
        if (stops_of[i] < least) least = stops_of[i];
        if (stops_of[i] > most) most = stops_of[i];
      }
    }
    printf("{\"ns\":%llu,\"least\":%ld,\"most\":%ld}\n", (unsigned long long)ns, least, most);
    fflush(stdout);
  }
  return 0;
}
