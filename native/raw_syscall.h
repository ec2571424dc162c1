// System calls without the C library.
//
// A child made by clone(CLONE_VM) runs on this process's memory while this process goes on running: it has the same TLS block, so errno,
// a stack canary or a lazily bound PLT entry would be read and written by two at once. A child made by a bare fork of a process with many
// threads has memory of its own, but locks in it that nobody will ever release. Code for either kind may use what is in this header and
// nothing else: inline assembly, no errno, no TLS, no call through the PLT.
//
// Functions that such a child runs are marked CHILD_CODE, which puts them into a section of their own and keeps the compiler from
// adding calls and checks to them. The rule for them: no function that is not CHILD_CODE or always_inline, and no loop or struct copy
// that a compiler would turn into memcpy or memset (KeepLoop() in the loop's body prevents it).
#pragma once

#include <stdint.h>

#if !defined(__linux__) || !(defined(__x86_64__) || defined(__aarch64__))
#error "linux-ptrace needs Linux on x86-64 or aarch64"
#endif

#if defined(__has_attribute)
#if __has_attribute(no_stack_protector)
#define LINUX_PTRACE_NO_CANARY __attribute__((no_stack_protector))
#endif
#endif
#ifndef LINUX_PTRACE_NO_CANARY
#define LINUX_PTRACE_NO_CANARY __attribute__((optimize("no-stack-protector")))
#endif

#define CHILD_CODE                                                                                         \
  __attribute__((noinline, used, no_instrument_function, section(".text.linux_ptrace_child"),              \
                 no_sanitize("address", "thread", "undefined"))) LINUX_PTRACE_NO_CANARY

#define RAW_INLINE static inline __attribute__((always_inline, no_instrument_function))

namespace linux_ptrace {

// Numbers of the calls made from CHILD_CODE and around it. Own copies, as in uapi.h.
#if defined(__x86_64__)
enum RawNumber : long {
  kSysClose = 3,
  kSysMmap = 9,
  kSysMprotect = 10,
  kSysMunmap = 11,
  kSysRtSigaction = 13,
  kSysRtSigprocmask = 14,
  kSysRtSigreturn = 15,
  kSysIoctl = 16,
  kSysSchedYield = 24,
  kSysGetpid = 39,
  kSysClone = 56,
  kSysExecve = 59,
  kSysExit = 60,
  kSysWait4 = 61,
  kSysKill = 62,
  kSysFcntl = 72,
  kSysChdir = 80,
  kSysUmask = 95,
  kSysPtrace = 101,
  kSysSetpgid = 109,
  kSysGetppid = 110,
  kSysSetsid = 112,
  kSysSetgroups = 116,
  kSysSetresuid = 117,
  kSysSetresgid = 119,
  kSysPersonality = 135,
  kSysPrctl = 157,
  kSysFutex = 202,
  kSysSchedSetaffinity = 203,
  kSysExitGroup = 231,
  kSysWaitid = 247,
  kSysDup3 = 292,
  kSysPrlimit64 = 302,
  kSysSeccomp = 317,
};
#else
enum RawNumber : long {
  kSysDup3 = 24,
  kSysFcntl = 25,
  kSysIoctl = 29,
  kSysChdir = 49,
  kSysClose = 57,
  kSysPersonality = 92,
  kSysExit = 93,
  kSysExitGroup = 94,
  kSysWaitid = 95,
  kSysFutex = 98,
  kSysPtrace = 117,
  kSysSchedSetaffinity = 122,
  kSysSchedYield = 124,
  kSysKill = 129,
  kSysRtSigaction = 134,
  kSysRtSigprocmask = 135,
  kSysRtSigreturn = 139,
  kSysSetresuid = 147,
  kSysSetresgid = 149,
  kSysSetpgid = 154,
  kSysSetsid = 157,
  kSysSetgroups = 159,
  kSysUmask = 166,
  kSysPrctl = 167,
  kSysGetpid = 172,
  kSysGetppid = 173,
  kSysMunmap = 215,
  kSysClone = 220,
  kSysExecve = 221,
  kSysMmap = 222,
  kSysMprotect = 226,
  kSysWait4 = 260,
  kSysPrlimit64 = 261,
  kSysSeccomp = 277,
};
#endif

// One system call with the kernel's own result: -errno on failure.
RAW_INLINE long raw_syscall(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0) {
#if defined(__x86_64__)
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "0"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory", "cc");
  return result;
#else
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  register long x5 __asm__("x5") = f;
  __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory", "cc");
  return x0;
#endif
}

RAW_INLINE long RawAddress(const volatile void* pointer) { return reinterpret_cast<long>(pointer); }

// clone(2) onto a stack of its own, whose end (16-byte aligned) is given: the child calls `entry(argument)`, which must not return.
// The child starts inside this function's assembly and never touches the caller's frame. Gives the parent the tid or -errno.
RAW_INLINE long raw_clone(unsigned long flags, void* stack_end, int* parent_tid, int* child_tid, unsigned long tls,
                          void (*entry)(void*), void* argument) {
#if defined(__x86_64__)
  register int* r10 __asm__("r10") = child_tid;
  register unsigned long r8 __asm__("r8") = tls;
  register void (*r12)(void*) __asm__("r12") = entry;
  register void* r13 __asm__("r13") = argument;
  long result;
  __asm__ volatile(
      "syscall\n\t"
      "test %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "xor %%ebp, %%ebp\n\t"
      "mov %%r13, %%rdi\n\t"
      "call *%%r12\n\t"
      "ud2\n"
      "1:"
      : "=a"(result)
      : "0"(static_cast<long>(kSysClone)), "D"(flags), "S"(stack_end), "d"(parent_tid), "r"(r10), "r"(r8), "r"(r12),
        "r"(r13)
      : "rcx", "r11", "memory", "cc");
  return result;
#else
  register long x8 __asm__("x8") = kSysClone;
  register unsigned long x0 __asm__("x0") = flags;
  register void* x1 __asm__("x1") = stack_end;
  register int* x2 __asm__("x2") = parent_tid;
  register unsigned long x3 __asm__("x3") = tls;
  register int* x4 __asm__("x4") = child_tid;
  register void (*x20)(void*) __asm__("x20") = entry;
  register void* x21 __asm__("x21") = argument;
  __asm__ volatile(
      "svc #0\n\t"
      "cbnz x0, 1f\n\t"
      "mov x29, xzr\n\t"
      "mov x30, xzr\n\t"
      "mov x0, x21\n\t"
      "blr x20\n\t"
      "brk #1\n"
      "1:"
      : "+r"(x0)
      : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x20), "r"(x21)
      : "memory", "cc");
  return static_cast<long>(x0);
#endif
}

// Keeps a loop a loop.
RAW_INLINE void KeepLoop() { __asm__ volatile("" ::: "memory"); }

// The kernel's own struct sigaction, and its signal set of 8 bytes. Not the C library's.
struct RawSigaction {
  unsigned long handler;
  unsigned long flags;
  unsigned long restorer;
  uint64_t mask;
};

constexpr int kSignals = 64;
constexpr unsigned long kSigDfl = 0;
constexpr unsigned long kSigIgn = 1;
constexpr long kSigBlock = 0;
constexpr long kSigSetmask = 2;

// Blocks every signal of the calling thread, those that the C library keeps for itself included; gives the mask that was.
RAW_INLINE uint64_t RawBlockSignals() {
  uint64_t all = ~UINT64_C(0);
  uint64_t old = 0;
  raw_syscall(kSysRtSigprocmask, kSigSetmask, RawAddress(&all), RawAddress(&old), sizeof(uint64_t));
  return old;
}

RAW_INLINE void RawSetSignalMask(uint64_t mask) {
  raw_syscall(kSysRtSigprocmask, kSigSetmask, RawAddress(&mask), 0, sizeof(uint64_t));
}

}  // namespace linux_ptrace
