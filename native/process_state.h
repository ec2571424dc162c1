// The state that the whole process shares, because the kernel keeps it per process: the flags of the SIGCHLD handler, and which of the
// process's children were made by this addon.
//
// SIGCHLD: every stop of a tracee raises SIGCHLD unless the handler carries SA_NOCLDSTOP. libuv answers each SIGCHLD by waiting on every
// child it has, so a traced process that stops 100,000 times a second would cost 100,000 waits on each. While no environment sleeps
// on its doorbell, stops need not ring: the flag is set on the handler that libuv installed. Deaths ring with the flag too.
//
// Children: libuv takes any wait status of its child for that child's death. To refuse to trace such a child, one must know which
// children of this process are ours, whichever Worker made them.
#pragma once

#include <sys/types.h>

namespace linux_ptrace {

void OpenDoorbell();
void CloseDoorbell();
void SleeperBegins();
void SleeperEnds();

void RegisterChild(pid_t pid);
void ForgetChild(pid_t pid);
bool IsRegisteredChild(pid_t pid);

}  // namespace linux_ptrace
