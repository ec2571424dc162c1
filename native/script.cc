// A tiny machine that plays the tracee.
//
// What a tracer's tests and a conformance suite need are children that do one small thing at a time: TRACEME, stop themselves, block a
// signal, start a thread, execute a file. They should need no compiler on the user's machine, and what they do must be theirs alone: a C
// library would add system calls of its own (raise() changes the signal mask, exit() runs handlers). So runScript() forks and the
// child interprets a list of instructions by raw system calls. It is a natural child with a copy of the memory; in it no lock of the
// C library may be taken and no TLS touched, since the other threads of the parent are missing: CHILD_CODE only (raw_syscall.h).
//
// The machine knows nothing of ptrace, signals or processes beyond what system calls need a C function for: a new stack for a
// clone that shares memory, a handler for a signal. Everything else is a SYSCALL instruction. lib/raw/child.ts writes the programs.
//
// An instruction is 8 words: operation | destination << 8 | modes << 16 (4 bits for each operand), then 7 operands. There are 16
// registers of 64 bits for every flow of control: a thread starts with a copy of its creator's, a signal handler with its arguments.
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "addon.h"
#include "args.h"
#include "raw_syscall.h"

namespace linux_ptrace {
namespace {

enum Operation : int {
  kEnd = 0,           // the flow of control ends: handlers return, threads exit(0), the first one exit_group(0)
  kSyscall = 1,       // r = number a with b..g
  kSet = 2,           // r = a
  kAdd = 3,           // r = a + b, and so on
  kSubtract = 4,
  kMultiply = 5,
  kAnd = 6,
  kOr = 7,
  kXor = 8,
  kShiftLeft = 9,
  kShiftRight = 10,   // logical
  kJump = 11,         // to instruction a
  kBranch = 12,       // condition a on b, c: to instruction d
  kCall = 13,         // of instruction a
  kReturn = 14,
  kLoad = 15,         // r = a bytes (1, 4 or 8; 4 with sign) at address b; one access
  kStore = 16,        // a bytes at address b = c; one access
  kFetchAdd = 17,     // r = the 8 bytes at address a, which grow by b; atomic
  kClone = 18,        // r = clone with flags a onto a new stack; the child goes on at instruction b; parent_tid c, tls d
  kSigaction = 19,    // r = rt_sigaction of signal a: b = 0 default, 1 ignore, 2 handler at instruction c; flags d, mask e
  kSpin = 20,         // counts to a; a < 0: for ever
  kTrap = 21,         // the breakpoint instruction
  kIllegal = 22,      // an undefined instruction
  kNops = 23,         // kNopCount instructions that do nothing
  kSyscallLoop = 24,  // r = number a without arguments, b times (b < 0: for ever), in a loop of machine code
  kSyscall32 = 25,    // x86-64: r = number a with b..f by int $0x80
};

enum Condition : int { kEqual = 0, kNotEqual = 1, kLess = 2, kLessOrEqual = 3, kBelow = 4 };

enum Mode : int {
  kConstant = 0,
  kRegister = 1,
  kAddress = 2,  // address of the data at the offset given
  kWord = 3,     // the 8 bytes there
  kInteger = 4,  // the 4 bytes there, with sign
};

constexpr int kRegisters = 16;
constexpr int kOperands = 7;
constexpr int kWords = 1 + kOperands;
constexpr int kCallDepth = 32;

// Stacks are aligned to their size, so that a signal handler finds the script by its stack pointer: there is no TLS and no global to look
// into. From below: one page with the header, a guard page, the stack.
constexpr uintptr_t kStackBytes = 256 * 1024;

constexpr unsigned long kCloneChildCleartid = 0x200000;

struct Script;

struct StackHeader {
  const Script* script;
  // 0 free. Taken stacks are given back by the kernel, which clears the word when the task leaves the memory (CLONE_CHILD_CLEARTID).
  int owner;
};

struct Script {
  const int64_t* code;
  uint64_t instructions;
  uint8_t* data;
  uint8_t* stacks;
  uint64_t stack_count;
  uint64_t page;
  // Where a signal's handler starts. Shared by all that share the memory, as handlers are among threads.
  volatile uint64_t handlers[kSignals + 1];
};

// What a new flow of control starts with; lies at the end of its stack.
struct alignas(16) Start {
  const Script* script;
  uint64_t pc;
  int64_t registers[kRegisters];
};

}  // namespace

// Code at known addresses, for breakpoints and stepping.
extern "C" {
extern const char linux_ptrace_script_nops[] __attribute__((visibility("hidden")));
extern const char linux_ptrace_script_trap[] __attribute__((visibility("hidden")));
extern const char linux_ptrace_script_illegal[] __attribute__((visibility("hidden")));
extern const char linux_ptrace_script_restorer[] __attribute__((visibility("hidden")));
}

#define SCRIPT_LABEL(name) ".globl " #name "\n.hidden " #name "\n.type " #name ", %function\n.balign 16\n" #name ":\n"

__asm__(".pushsection .text.linux_ptrace_child, \"ax\", %progbits\n"
        SCRIPT_LABEL(linux_ptrace_script_nops)
        ".rept 64\nnop\n.endr\nret\n"
#if defined(__x86_64__)
        SCRIPT_LABEL(linux_ptrace_script_trap) "int3\nret\n"
        SCRIPT_LABEL(linux_ptrace_script_illegal) "ud2\nret\n"
        // The kernel and debuggers know a signal frame by these very bytes; the nop before keeps unwinders on the right function.
        "nop\n"
        SCRIPT_LABEL(linux_ptrace_script_restorer) "mov $15, %rax\nsyscall\n"
#else
        SCRIPT_LABEL(linux_ptrace_script_trap) "brk #0\nret\n"
        SCRIPT_LABEL(linux_ptrace_script_illegal) ".inst 0x00000000\nret\n"
        SCRIPT_LABEL(linux_ptrace_script_restorer) "mov x8, #139\nsvc #0\n"
#endif
        ".popsection\n");

namespace {

RAW_INLINE void CallAt(const char* code) { reinterpret_cast<void (*)()>(reinterpret_cast<uintptr_t>(code))(); }

RAW_INLINE int64_t Operand(const Script* script, const int64_t* registers, const int64_t* at, int index) {
  const int64_t value = at[1 + index];
  switch ((at[0] >> (16 + 4 * index)) & 0xf) {
    case kRegister:
      return registers[value & (kRegisters - 1)];
    case kAddress:
      return RawAddress(script->data + value);
    case kWord:
      return *reinterpret_cast<volatile int64_t*>(script->data + value);
    case kInteger:
      return *reinterpret_cast<volatile int32_t*>(script->data + value);
    default:
      return value;
  }
}

CHILD_CODE int64_t SyscallLoop(long number, int64_t count) {
  long result = 0;
  if (count < 0) {
    for (;;) result = raw_syscall(number);
  }
  for (int64_t i = 0; i < count; i++) result = raw_syscall(number);
  return result;
}

CHILD_CODE void Spin(int64_t count) {
  for (int64_t i = 0; count < 0 || i < count; i++) KeepLoop();
}

#if defined(__x86_64__)
// The 32-bit entry: the kernel takes the numbers and the pointers of i386.
CHILD_CODE int64_t Syscall32(int64_t number, int64_t a, int64_t b, int64_t c, int64_t d, int64_t e) {
  int64_t result;
  __asm__ volatile("int $0x80"
                   : "=a"(result)
                   : "0"(number), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
                   : "r8", "r9", "r10", "r11", "memory", "cc");
  return static_cast<int32_t>(result);
}
#endif

[[noreturn]] CHILD_CODE void Exit(long number, int code) {
  for (;;) raw_syscall(number, code);
}

CHILD_CODE void Run(const Script* script, uint64_t pc, int64_t* registers);

[[noreturn]] CHILD_CODE void ThreadMain(void* argument) {
  Start* start = static_cast<Start*>(argument);
  Run(start->script, start->pc, start->registers);
  Exit(kSysExit, 0);
}

// Prepares a stack: header and guard page.
CHILD_CODE StackHeader* MakeStack(const Script* script, uint8_t* base) {
  StackHeader* header = reinterpret_cast<StackHeader*>(base);
  header->script = script;
  raw_syscall(kSysMprotect, RawAddress(base + script->page), static_cast<long>(script->page), PROT_NONE);
  return header;
}

// A stack that nobody uses: one of those made at the start, else a new one.
CHILD_CODE StackHeader* TakeStack(const Script* script) {
  for (uint64_t i = 1; i < script->stack_count; i++) {
    StackHeader* header = reinterpret_cast<StackHeader*>(script->stacks + i * kStackBytes);
    int free = 0;
    if (__atomic_compare_exchange_n(&header->owner, &free, -1, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) return header;
  }
  const long memory = raw_syscall(kSysMmap, 0, 2 * kStackBytes, PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory < 0 && memory > -4096) return nullptr;
  const uintptr_t base = (static_cast<uintptr_t>(memory) + kStackBytes - 1) & ~(kStackBytes - 1);
  StackHeader* header = MakeStack(script, reinterpret_cast<uint8_t*>(base));
  header->owner = -1;
  return header;
}

CHILD_CODE int64_t Clone(const Script* script, const int64_t* registers, unsigned long flags, uint64_t pc, long parent_tid,
                         unsigned long tls) {
  StackHeader* header = TakeStack(script);
  if (header == nullptr) return -ENOMEM;
  uint8_t* end = reinterpret_cast<uint8_t*>(header) + kStackBytes;
  Start* start = reinterpret_cast<Start*>(end - sizeof(Start));
  start->script = script;
  start->pc = pc;
  start->registers[0] = 0;
  for (int i = 1; i < kRegisters; i++) {
    start->registers[i] = registers[i];
    KeepLoop();
  }
  const long result = raw_clone(flags | kCloneChildCleartid, start, reinterpret_cast<int*>(parent_tid), &header->owner,
                                tls, ThreadMain, start);
  if (result < 0) __atomic_store_n(&header->owner, 0, __ATOMIC_SEQ_CST);
  return result;
}

CHILD_CODE void OnSignal(int signal, void* info, void* context) {
  const uintptr_t here = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
  const Script* script = reinterpret_cast<const StackHeader*>(here & ~(kStackBytes - 1))->script;
  int64_t registers[kRegisters];
  for (int i = 0; i < kRegisters; i++) {
    registers[i] = 0;
    KeepLoop();
  }
  registers[0] = signal;
  registers[1] = RawAddress(info);
  registers[2] = RawAddress(context);
  Run(script, script->handlers[signal & 0x7f], registers);
}

CHILD_CODE int64_t Sigaction(const Script* script, int64_t signal, int64_t kind, uint64_t pc, unsigned long flags,
                             uint64_t mask) {
  RawSigaction action;
  action.handler = kSigDfl;
  action.flags = flags;
  action.restorer = 0;
  action.mask = mask;
  if (kind == 1) action.handler = kSigIgn;
  if (kind == 2 && signal > 0 && signal <= kSignals) {
    const_cast<Script*>(script)->handlers[signal] = pc;
    action.handler = reinterpret_cast<unsigned long>(OnSignal);
#if defined(__x86_64__)
    // aarch64 has its own trampoline in the vdso.
    constexpr unsigned long kSaRestorer = 0x04000000;
    action.flags |= kSaRestorer;
    action.restorer = reinterpret_cast<unsigned long>(linux_ptrace_script_restorer);
#endif
  }
  return raw_syscall(kSysRtSigaction, signal, RawAddress(&action), 0, sizeof(uint64_t));
}

CHILD_CODE bool Holds(int64_t condition, int64_t left, int64_t right) {
  switch (condition) {
    case kEqual:
      return left == right;
    case kNotEqual:
      return left != right;
    case kLess:
      return left < right;
    case kLessOrEqual:
      return left <= right;
    default:
      return static_cast<uint64_t>(left) < static_cast<uint64_t>(right);
  }
}

CHILD_CODE int64_t Load(int64_t width, int64_t address) {
  if (width == 1) return *reinterpret_cast<volatile uint8_t*>(address);
  if (width == 4) return *reinterpret_cast<volatile int32_t*>(address);
  return *reinterpret_cast<volatile int64_t*>(address);
}

CHILD_CODE void Store(int64_t width, int64_t address, int64_t value) {
  if (width == 1) {
    *reinterpret_cast<volatile uint8_t*>(address) = static_cast<uint8_t>(value);
  } else if (width == 4) {
    *reinterpret_cast<volatile int32_t*>(address) = static_cast<int32_t>(value);
  } else {
    *reinterpret_cast<volatile int64_t*>(address) = value;
  }
}

CHILD_CODE void Run(const Script* script, uint64_t pc, int64_t* registers) {
  uint64_t returns[kCallDepth];
  int depth = 0;
  while (pc < script->instructions) {
    const int64_t* at = script->code + pc * kWords;
    pc++;
    int64_t operands[kOperands];
    for (int i = 0; i < kOperands; i++) {
      operands[i] = Operand(script, registers, at, i);
      KeepLoop();
    }
    const int64_t a = operands[0];
    const int64_t b = operands[1];
    const int64_t c = operands[2];
    int64_t result = 0;
    switch (at[0] & 0xff) {
      case kSyscall:
        result = raw_syscall(a, b, c, operands[3], operands[4], operands[5], operands[6]);
        break;
      case kSet:
        result = a;
        break;
      case kAdd:
        result = static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
        break;
      case kSubtract:
        result = static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
        break;
      case kMultiply:
        result = static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
        break;
      case kAnd:
        result = a & b;
        break;
      case kOr:
        result = a | b;
        break;
      case kXor:
        result = a ^ b;
        break;
      case kShiftLeft:
        result = static_cast<int64_t>(static_cast<uint64_t>(a) << (b & 63));
        break;
      case kShiftRight:
        result = static_cast<int64_t>(static_cast<uint64_t>(a) >> (b & 63));
        break;
      case kJump:
        pc = static_cast<uint64_t>(a);
        continue;
      case kBranch:
        if (Holds(a, b, c)) pc = static_cast<uint64_t>(operands[3]);
        continue;
      case kCall:
        if (depth == kCallDepth) __builtin_trap();
        returns[depth++] = pc;
        pc = static_cast<uint64_t>(a);
        continue;
      case kReturn:
        if (depth == 0) return;
        pc = returns[--depth];
        continue;
      case kLoad:
        result = Load(a, b);
        break;
      case kStore:
        Store(a, b, c);
        continue;
      case kFetchAdd:
        result = __atomic_fetch_add(reinterpret_cast<int64_t*>(a), b, __ATOMIC_SEQ_CST);
        break;
      case kClone:
        result = Clone(script, registers, static_cast<unsigned long>(a), static_cast<uint64_t>(b), c,
                       static_cast<unsigned long>(operands[3]));
        break;
      case kSigaction:
        result = Sigaction(script, a, b, static_cast<uint64_t>(c), static_cast<unsigned long>(operands[3]),
                           static_cast<uint64_t>(operands[4]));
        break;
      case kSpin:
        Spin(a);
        continue;
      case kTrap:
        CallAt(linux_ptrace_script_trap);
        continue;
      case kIllegal:
        CallAt(linux_ptrace_script_illegal);
        continue;
      case kNops:
        CallAt(linux_ptrace_script_nops);
        continue;
      case kSyscallLoop:
        result = SyscallLoop(a, b);
        break;
      case kSyscall32:
#if defined(__x86_64__)
        result = Syscall32(a, b, c, operands[3], operands[4], operands[5]);
#else
        result = -ENOSYS;
#endif
        break;
      default:
        return;
    }
    const int destination = (at[0] >> 8) & 0xff;
    if (destination < kRegisters) registers[destination] = result;
  }
}

// Where the child begins: all signals blocked, handlers still Node's. Ends with none of either.
[[noreturn]] CHILD_CODE void ScriptMain(void* argument) {
  Start* start = static_cast<Start*>(argument);
  const Script* script = start->script;
  for (long signal = 1; signal <= kSignals; signal++) {
    RawSigaction action;
    // Setting what is set already would throw away a pending SIGCONT: whoever made this child may be quicker than the child.
    if (raw_syscall(kSysRtSigaction, signal, 0, RawAddress(&action), sizeof(uint64_t)) != 0) continue;
    if (action.handler == kSigDfl) continue;
    action.handler = kSigDfl;
    action.flags = 0;
    action.restorer = 0;
    action.mask = 0;
    raw_syscall(kSysRtSigaction, signal, RawAddress(&action), 0, sizeof(uint64_t));
  }
  for (uint64_t i = 0; i < script->stack_count; i++) MakeStack(script, script->stacks + i * kStackBytes);
  RawSetSignalMask(0);
  Run(script, start->pc, start->registers);
  Exit(kSysExitGroup, 0);
}

uintptr_t RoundUp(uintptr_t value, uintptr_t to) { return (value + to - 1) / to * to; }

// (code: BigInt64Array, data: Uint8Array, stacks, addresses: BigUint64Array(4) | null) -> pid or -errno.
// `stacks` threads at once find their stack ready made. `addresses` receives where in the child the data, the nops, the breakpoint
// instruction and the undefined instruction are.
napi_value RunScript(napi_env env, napi_callback_info info) {
  Arguments<4> args(env, info);
  const Bytes code = BytesOf(env, args[0]);
  const Bytes data = BytesOf(env, args[1]);
  const Bytes addresses = BytesOf(env, args[3]);
  const int64_t asked = Int64Of(env, args[2]);
  if (code.length == 0 || code.length % (kWords * sizeof(int64_t)) != 0 || asked < 0 || asked > 65536) {
    return NumberOf(env, -EINVAL);
  }
  const uintptr_t page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const uintptr_t stacks_bytes = (static_cast<uintptr_t>(asked) + 1) * kStackBytes;
  const uintptr_t script_bytes = RoundUp(sizeof(Script) + code.length, page);
  const uintptr_t data_bytes = RoundUp(data.length + 1, page);
  const uintptr_t bytes = kStackBytes + stacks_bytes + script_bytes + data_bytes;
  void* mapping = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED) return NumberOf(env, -errno);

  uint8_t* stacks = reinterpret_cast<uint8_t*>(RoundUp(reinterpret_cast<uintptr_t>(mapping), kStackBytes));
  Script* script = reinterpret_cast<Script*>(stacks + stacks_bytes);
  int64_t* own_code = reinterpret_cast<int64_t*>(script + 1);
  uint8_t* own_data = reinterpret_cast<uint8_t*>(script) + script_bytes;
  memcpy(own_code, code.data, code.length);
  if (data.length > 0) memcpy(own_data, data.data, data.length);
  script->code = own_code;
  script->instructions = code.length / (kWords * sizeof(int64_t));
  script->data = own_data;
  script->stacks = stacks;
  script->stack_count = static_cast<uint64_t>(asked) + 1;
  script->page = page;

  Start* start = reinterpret_cast<Start*>(stacks + kStackBytes - sizeof(Start));
  start->script = script;
  const uint64_t mask = RawBlockSignals();
  const long pid = raw_clone(SIGCHLD, start, nullptr, nullptr, 0, ScriptMain, start);
  RawSetSignalMask(mask);
  munmap(mapping, bytes);

  if (pid > 0 && addresses.length >= 4 * sizeof(uint64_t)) {
    const uint64_t places[4] = {reinterpret_cast<uintptr_t>(own_data), reinterpret_cast<uintptr_t>(linux_ptrace_script_nops),
                                reinterpret_cast<uintptr_t>(linux_ptrace_script_trap),
                                reinterpret_cast<uintptr_t>(linux_ptrace_script_illegal)};
    memcpy(addresses.data, places, sizeof places);
  }
  return NumberOf(env, pid);
}

}  // namespace

void InitScript(Napi::Env env, Napi::Object exports) { Export(env, exports, "runScript", RunScript); }

}  // namespace linux_ptrace
