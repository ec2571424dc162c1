// The children of this environment that may still stand between clone and exec, on memory of this process.
#pragma once

#include <sys/types.h>

#include <unordered_map>

namespace linux_ptrace {

struct SpawnRecord;

struct SpawnState {
  SpawnState() = default;
  SpawnState(const SpawnState&) = delete;
  SpawnState& operator=(const SpawnState&) = delete;

  std::unordered_map<pid_t, SpawnRecord*> pending;

  // Kills and reaps the children that have not executed yet, then frees every record. On the environment's own thread, after its
  // tracees were ended.
  void Close();
};

}  // namespace linux_ptrace
