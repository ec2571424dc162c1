// The tids that this environment traces, and what is to become of each when the environment ends. JavaScript keeps the real state; this
// table exists because worker.terminate() ends an environment without running any more JavaScript, and because a wait that looks at
// everything must know what is its own before it consumes it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <unordered_map>

namespace linux_ptrace {

enum TraceeFlags : uint32_t {
  kKillAtEnd = 1,   // SIGKILL the process when the environment ends; otherwise detach
  kOwnChild = 2,    // a natural child: to be reaped by us
};

struct TraceeRecord {
  pid_t pid;
  uint32_t flags;
};

class TraceeTable {
 public:
  void Track(pid_t tid, pid_t pid, uint32_t flags) { records_[tid] = {pid, flags}; }
  void Untrack(pid_t tid) { records_.erase(tid); }
  bool Has(pid_t tid) const { return records_.count(tid) != 0; }
  const std::unordered_map<pid_t, TraceeRecord>& Records() const { return records_; }
  // Ends everything, by the flags, on the calling thread: kill, resume out of EVENT_EXIT and reap; or stop and detach.
  // Gives up after `milliseconds`. Safe to call again.
  void End(int milliseconds);

 private:
  std::unordered_map<pid_t, TraceeRecord> records_;
};

}  // namespace linux_ptrace
