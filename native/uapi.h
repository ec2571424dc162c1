// The kernel's numbers that the addon itself needs. Own copies: the headers of an old distribution must not decide what can be asked of a
// new kernel.
#pragma once

namespace linux_ptrace {

constexpr int kPtraceCont = 7;
constexpr int kPtraceDetach = 17;
constexpr int kPtraceGetsiginfo = 0x4202;
constexpr int kPtraceInterrupt = 0x4207;
constexpr int kPtracePeeksiginfo = 0x4209;

constexpr int kPtraceEventExit = 6;
constexpr int kPtraceEventStop = 128;

constexpr int kPall = 0;
constexpr int kWnohang = 0x1;
constexpr int kWstopped = 0x2;
constexpr int kWexited = 0x4;
constexpr int kWnowait = 0x01000000;
constexpr int kWnothread = 0x20000000;
constexpr int kWall = 0x40000000;
constexpr int kWclone = static_cast<int>(0x80000000u);

constexpr int kCldExited = 1;
constexpr int kCldKilled = 2;
constexpr int kCldDumped = 3;

constexpr int kSysPidfdSendSignal = 424;
constexpr int kSysPidfdOpen = 434;

}  // namespace linux_ptrace
