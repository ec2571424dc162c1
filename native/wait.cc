// wait4(2) and waitid(2), raw, and the two polls that the tracer's wait is made of.
//
// A tracer inside Node must never consume a status that is not one of its tracees': libuv's children, another Worker's tracees, a clone
// child of some other addon. waitid(P_ALL) with __WCLONE and __WNOTHREAD and without __WALL shows this thread's tracees (always
// eligible since Linux 4.7) and leaves out every ordinary child; WNOWAIT makes it a look. What is known is then consumed by id.
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "addon.h"
#include "args.h"
#include "uapi.h"

namespace linux_ptrace {
namespace {

int64_t Nanoseconds() {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<int64_t>(now.tv_sec) * 1000000000 + now.tv_nsec;
}

long Consume(pid_t tid, int* status) {
  const long result = syscall(SYS_wait4, tid, status, kWnohang | kWall, nullptr);
  return Result(result, errno);
}

// The room for a struct rusage, most often null. To ask for the type first is cheaper than to be refused twice.
Bytes RusageOf(napi_env env, napi_value value) {
  napi_valuetype type = napi_undefined;
  napi_typeof(env, value, &type);
  return type == napi_object ? BytesOf(env, value) : Bytes();
}

// (pid, options, status: Int32Array(1), rusage: BigInt64Array(18) | null) -> pid, 0 or -errno
napi_value Wait4(napi_env env, napi_callback_info info) {
  Arguments<4> args(env, info);
  const Bytes status = BytesOf(env, args[2]);
  const Bytes rusage = RusageOf(env, args[3]);
  if (status.length < sizeof(int) || (rusage.data != nullptr && rusage.length < sizeof(struct rusage))) {
    return NumberOf(env, -EINVAL);
  }
  const long result = syscall(SYS_wait4, Int64Of(env, args[0]), status.data, Int64Of(env, args[1]), rusage.data);
  return NumberOf(env, Result(result, errno));
}

// (idtype, id, options, siginfo: Uint8Array(128), rusage | null) -> 0 or -errno; si_pid is 0 when nothing was there
napi_value Waitid(napi_env env, napi_callback_info info) {
  Arguments<5> args(env, info);
  const Bytes siginfo = BytesOf(env, args[3]);
  const Bytes rusage = RusageOf(env, args[4]);
  if (siginfo.length < 128 || (rusage.data != nullptr && rusage.length < sizeof(struct rusage))) {
    return NumberOf(env, -EINVAL);
  }
  memset(siginfo.data, 0, 128);
  const long result = syscall(SYS_waitid, Int64Of(env, args[0]), Int64Of(env, args[1]), siginfo.data,
                              Int64Of(env, args[2]), rusage.data);
  return NumberOf(env, Result(result, errno));
}

// (tid, budget in µs, out: Int32Array(1)) -> tid with the status in out[0]; 0 if nothing came within the budget; -errno.
// Between looks the CPU is given away: on a shared CPU it is the tracee that runs then.
napi_value PollTracee(napi_env env, napi_callback_info info) {
  Arguments<3> args(env, info);
  const pid_t tid = Int32Of(env, args[0]);
  const Bytes out = BytesOf(env, args[2]);
  if (out.length < sizeof(int)) return NumberOf(env, -EINVAL);
  int* status = reinterpret_cast<int*>(out.data);
  long result = Consume(tid, status);
  if (result != 0) return NumberOf(env, result);
  const int64_t budget = Int32Of(env, args[1]) * INT64_C(1000);
  if (budget == 0) return NumberOf(env, 0);
  const int64_t deadline = Nanoseconds() + budget;
  for (;;) {
    for (int look = 0; look < 4; look++) {
      sched_yield();
      result = Consume(tid, status);
      if (result != 0) return NumberOf(env, result);
    }
    if (Nanoseconds() >= deadline) return NumberOf(env, 0);
  }
}

// One look at everything of this thread's that can be consumed, without consuming: tid and its status word, or 0.
pid_t Look(int* status) {
  siginfo_t si;
  si.si_pid = 0;
  const long result = syscall(SYS_waitid, kPall, 0, &si,
                              kWstopped | kWexited | kWclone | kWnothread | kWnohang | kWnowait, nullptr);
  if (result != 0 || si.si_pid == 0) return 0;
  switch (si.si_code) {
    case kCldExited:
      *status = (si.si_status & 0xff) << 8;
      break;
    case kCldKilled:
      *status = si.si_status;
      break;
    case kCldDumped:
      *status = si.si_status | 0x80;
      break;
    default:
      *status = (si.si_status << 8) | 0x7f;
      break;
  }
  return si.si_pid;
}

// (budget in µs, out: Int32Array of tid, status pairs) -> number of pairs.
// Consumes all that is pending of the tracked tids. A tid that is not tracked is not consumed: it comes as the last pair, negative, and
// hides what is behind it until the caller has dealt with it.
napi_value Drain(napi_env env, napi_callback_info info) {
  Arguments<2> args(env, info);
  const Bytes bytes = BytesOf(env, args[1]);
  int* out = reinterpret_cast<int*>(bytes.data);
  const size_t capacity = bytes.length / (2 * sizeof(int));
  const TraceeTable& tracees = AddonDataOf(env)->tracees;
  const int64_t budget = Int32Of(env, args[0]) * INT64_C(1000);
  int64_t deadline = 0;
  size_t count = 0;
  // SIGKILL can take a stop away between look and consume: look again then, but not for ever.
  int vanished = 0;
  while (count < capacity) {
    int status = 0;
    const pid_t tid = Look(&status);
    if (tid == 0) {
      if (count > 0 || budget == 0) break;
      const int64_t now = Nanoseconds();
      if (deadline == 0) deadline = now + budget;
      if (now >= deadline) break;
      sched_yield();
      continue;
    }
    if (!tracees.Has(tid)) {
      out[2 * count] = -tid;
      out[2 * count + 1] = status;
      count++;
      break;
    }
    if (Consume(tid, &status) == tid) {
      out[2 * count] = tid;
      out[2 * count + 1] = status;
      count++;
    } else if (++vanished > 100) {
      break;
    }
  }
  return NumberOf(env, static_cast<int64_t>(count));
}

// (out) -> number of pairs. The same by id, for as long as something foreign hides the rest from a look.
napi_value DrainById(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  const Bytes bytes = BytesOf(env, args[0]);
  int* out = reinterpret_cast<int*>(bytes.data);
  const size_t capacity = bytes.length / (2 * sizeof(int));
  size_t count = 0;
  for (const auto& entry : AddonDataOf(env)->tracees.Records()) {
    if (count >= capacity) break;
    int status = 0;
    if (Consume(entry.first, &status) == entry.first) {
      out[2 * count] = entry.first;
      out[2 * count + 1] = status;
      count++;
    }
  }
  return NumberOf(env, static_cast<int64_t>(count));
}

}  // namespace

void InitWait(Napi::Env env, Napi::Object exports) {
  Export(env, exports, "wait4", Wait4);
  Export(env, exports, "waitid", Waitid);
  Export(env, exports, "pollTracee", PollTracee);
  Export(env, exports, "drain", Drain);
  Export(env, exports, "drainById", DrainById);
}

}  // namespace linux_ptrace
