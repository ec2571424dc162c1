#include "process_state.h"

#include <signal.h>

#include <mutex>
#include <unordered_set>

namespace linux_ptrace {
namespace {

struct ProcessState {
  std::mutex mutex;
  int doorbells = 0;
  int sleepers = 0;
  std::unordered_set<pid_t> children;
};

ProcessState& State() {
  // Never destroyed: Workers may outlive static destruction.
  static ProcessState* state = new ProcessState();
  return *state;
}

// Called with the mutex held. Our own uv_signal handles keep libuv's handler installed while a doorbell is open, so libuv does not
// write the action between this read and this write.
void ApplyFlags(const ProcessState& state) {
  struct sigaction action;
  if (sigaction(SIGCHLD, nullptr, &action) != 0) return;
  if (!(action.sa_flags & SA_SIGINFO) && (action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN)) return;
  const bool quiet = state.doorbells > 0 && state.sleepers == 0;
  const int flags = quiet ? action.sa_flags | SA_NOCLDSTOP : action.sa_flags & ~SA_NOCLDSTOP;
  if (flags == action.sa_flags) return;
  action.sa_flags = flags;
  sigaction(SIGCHLD, &action, nullptr);
}

}  // namespace

void OpenDoorbell() {
  ProcessState& state = State();
  std::lock_guard<std::mutex> lock(state.mutex);
  state.doorbells++;
  ApplyFlags(state);
}

void CloseDoorbell() {
  ProcessState& state = State();
  std::lock_guard<std::mutex> lock(state.mutex);
  state.doorbells--;
  ApplyFlags(state);
}

void SleeperBegins() {
  ProcessState& state = State();
  std::lock_guard<std::mutex> lock(state.mutex);
  if (state.sleepers++ == 0) ApplyFlags(state);
}

void SleeperEnds() {
  ProcessState& state = State();
  std::lock_guard<std::mutex> lock(state.mutex);
  if (--state.sleepers == 0) ApplyFlags(state);
}

void RegisterChild(pid_t pid) {
  ProcessState& state = State();
  std::lock_guard<std::mutex> lock(state.mutex);
  state.children.insert(pid);
}

void ForgetChild(pid_t pid) {
  ProcessState& state = State();
  std::lock_guard<std::mutex> lock(state.mutex);
  state.children.erase(pid);
}

bool IsRegisteredChild(pid_t pid) {
  ProcessState& state = State();
  std::lock_guard<std::mutex> lock(state.mutex);
  return state.children.count(pid) != 0;
}

}  // namespace linux_ptrace
