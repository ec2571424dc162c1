#include "tracees.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <unordered_set>
#include <vector>

#include "addon.h"
#include "args.h"
#include "process_state.h"
#include "uapi.h"

namespace linux_ptrace {
namespace {

int64_t Milliseconds() {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1000000;
}

long Request(int request, pid_t tid, uint64_t data) { return syscall(SYS_ptrace, request, tid, 0ul, data); }

// The signal that this stop would deliver, were the tracee resumed as if nobody had looked. Traps made by ptrace itself (events, syscall
// stops, group-stops, steps) deliver nothing.
uint64_t SignalOfStop(pid_t tid) {
  siginfo_t si;
  memset(&si, 0, sizeof(si));
  if (Request(kPtraceGetsiginfo, tid, reinterpret_cast<uint64_t>(&si)) != 0) return 0;
  if (si.si_signo == SIGTRAP && si.si_code > 0) return 0;
  if ((si.si_code >> 8) == kPtraceEventStop) return 0;
  return static_cast<uint64_t>(si.si_signo);
}

// Whether the trap of its last step is pending: an interrupt came between the step and its report. Untraced, it would die of it. Only
// the codes of steps count (TRAP_BRKPT, TRAP_TRACE, TRAP_BRANCH): a breakpoint of the program's own is the program's affair.
bool StepTrapPending(pid_t tid) {
  struct {
    uint64_t off;
    uint32_t flags;
    int32_t nr;
  } args = {0, 0, 8};
  siginfo_t pending[8];
  const long count = syscall(SYS_ptrace, kPtracePeeksiginfo, tid, &args, pending);
  for (long index = 0; index < count; index++) {
    const siginfo_t& si = pending[index];
    if (si.si_signo == SIGTRAP && si.si_code >= 1 && si.si_code <= 3) return true;
  }
  return false;
}

// Whether it is a zombie. One that cannot be waited for is a leader that has left before its threads: nothing stops or detaches it,
// and nothing needs to.
bool IsZombie(pid_t tid) {
  char path[32];
  snprintf(path, sizeof(path), "/proc/%d/stat", tid);
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return true;
  char text[128];
  const ssize_t length = read(fd, text, sizeof(text) - 1);
  close(fd);
  if (length <= 0) return true;
  text[length] = 0;
  // The name, at most 64 bytes, may hold parentheses: the state follows the last one.
  const char* name = strrchr(text, ')');
  return name == nullptr || name[1] == 0 || name[2] == 'Z' || name[2] == 'X';
}

}  // namespace

void TraceeTable::End(int milliseconds) {
  if (records_.empty()) return;
  std::unordered_set<pid_t> killed;
  for (const auto& entry : records_) {
    if ((entry.second.flags & kKillAtEnd) && killed.insert(entry.second.pid).second) kill(entry.second.pid, SIGKILL);
  }
  const int64_t deadline = Milliseconds() + milliseconds;
  std::unordered_set<pid_t> interrupted;
  // Any order of stops and deaths must do: a vfork parent stops only after its child has left, a leader's death is told only after
  // its threads were reaped. So: round after round over all that is left, blocking on none.
  while (!records_.empty()) {
    std::vector<pid_t> gone;
    for (const auto& entry : records_) {
      const pid_t tid = entry.first;
      int status = 0;
      const pid_t waited = static_cast<pid_t>(syscall(SYS_wait4, tid, &status, kWnohang | kWall, nullptr));
      if (waited < 0 || (waited == tid && (WIFEXITED(status) || WIFSIGNALED(status)))) {
        gone.push_back(tid);
        continue;
      }
      if (killed.count(entry.second.pid)) {
        // Only EVENT_EXIT holds a killed tracee.
        Request(kPtraceCont, tid, 0);
        continue;
      }
      if (StepTrapPending(tid)) {
        Request(kPtraceCont, tid, SignalOfStop(tid));
      } else if (Request(kPtraceDetach, tid, SignalOfStop(tid)) == 0) {
        // A child of ours goes on unwatched; init inherits it, or this process's other threads do.
        gone.push_back(tid);
      } else if (interrupted.insert(tid).second) {
        // No tracee of ours any more: JavaScript was ended between detaching it and saying so.
        if (Request(kPtraceInterrupt, tid, 0) != 0 && errno == ESRCH) gone.push_back(tid);
      } else if (tid == entry.second.pid && IsZombie(tid)) {
        gone.push_back(tid);
      }
    }
    for (const pid_t tid : gone) {
      const auto record = records_.find(tid);
      if (record->second.flags & kOwnChild) ForgetChild(tid);
      records_.erase(record);
    }
    if (records_.empty() || Milliseconds() >= deadline) break;
    if (gone.empty()) {
      const struct timespec nap = {0, 200000};
      clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, nullptr);
    }
  }
  records_.clear();
}

namespace {

napi_value Track(napi_env env, napi_callback_info info) {
  Arguments<3> args(env, info);
  AddonDataOf(env)->tracees.Track(Int32Of(env, args[0]), Int32Of(env, args[1]), Int32Of(env, args[2]));
  return nullptr;
}

napi_value Untrack(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  AddonDataOf(env)->tracees.Untrack(Int32Of(env, args[0]));
  return nullptr;
}

napi_value EndTracees(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  AddonDataOf(env)->tracees.End(Int32Of(env, args[0]));
  return nullptr;
}

}  // namespace

void InitTracees(Napi::Env env, Napi::Object exports) {
  Export(env, exports, "track", Track);
  Export(env, exports, "untrack", Untrack);
  Export(env, exports, "endTracees", EndTracees);
}

}  // namespace linux_ptrace
