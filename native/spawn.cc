// spawn: a child that is traced from before its first instruction.
//
// fork(2) copies page tables, which takes tens of milliseconds in a big Node process. Here the child is a clone(CLONE_VM) onto a private stack
// below a guard page, and unlike vfork the parent goes on running: it must, since it has to attach while the child waits at a futex.
// The price is that two tasks share one memory and one TLS block until the exec. Hence:
//  - the child runs CHILD_CODE only (raw_syscall.h); all that it reads was copied into its record before the clone;
//  - every signal is blocked around the clone and in the child until its handlers are gone: a handler of Node's would run on Node's
//    memory in a task that Node does not know;
//  - the kernel sends the child SIGKILL when the thread that made it ends (PR_SET_PDEATHSIG), so that no orphan stays on dead memory;
//  - the kernel clears `tid` in the record when the child leaves this memory, by exec or by death (CLONE_CHILD_CLEARTID), which is how
//    one knows that the stack is free.
// One thing cannot be had: before Linux 5.16 a core dump ends every process on the memory that is dumped. A signal that dumps core, let
// through between the child's last steps, the signal mask and the exec, would end this process there.
//
// A child that changes its user or group gets a copy of the memory instead: the kernel makes the memory of a process that changes its
// credentials undumpable, which would hit this process too, and another user's process has no business on our memory. Its record is a
// shared mapping then, so that the gate and the outcome work alike.
#include "spawn.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vector>

#include "addon.h"
#include "args.h"
#include "raw_syscall.h"
#include "uapi.h"

namespace linux_ptrace {

enum Gate : uint32_t { kHeld = 0, kReleased = 1, kCancelled = 2 };

// The steps of the child, in order. The name of the one that failed is what JavaScript sees.
enum Stage : int32_t {
  kStageNone,
  kStageParent,
  kStageCancel,
  kStageSession,
  kStageGroup,
  kStageDescriptors,
  kStageTerminal,
  kStageDirectory,
  kStageLimits,
  kStageAffinity,
  kStagePersonality,
  kStageGroups,
  kStageGid,
  kStageUid,
  kStageNoNewPrivs,
  kStageDeathSignal,
  kStageSeccomp,
  kStageExec,
  kStages
};

struct RawLimit {
  uint64_t resource;
  uint64_t soft;
  uint64_t hard;
};

struct RawFilterProgram {
  unsigned short length;
  const void* filter;
};

// Lies right above the child's stack; the arrays and strings it points to follow it.
struct SpawnRecord {
  void* mapping;
  size_t mapping_length;
  bool own_memory;

  volatile uint32_t gate;
  volatile int32_t tid;
  volatile int32_t stage;
  volatile int32_t error;

  long parent;
  const char* file;
  const char* const* argv;
  const char* const* env;
  const char* cwd;
  const int32_t* fds;
  int32_t* lifted;
  int32_t fd_count;
  int32_t tty_fd;
  bool session;
  bool no_new_privs;
  bool reset_ignored;
  bool keep_death_signal;
  int32_t pgid;
  int32_t umask;
  const uint8_t* affinity;
  size_t affinity_length;
  const RawLimit* limits;
  size_t limit_count;
  int64_t personality;
  int64_t uid;
  int64_t gid;
  const uint32_t* groups;
  size_t group_count;
  bool set_groups;
  RawFilterProgram filter;
  bool set_filter;
  uint32_t filter_flags;
  uint64_t signal_mask;
};

namespace {

constexpr size_t kStackBytes = 64 * 1024;
constexpr int kFailed = 127;

constexpr unsigned long kCloneVm = 0x100;
constexpr unsigned long kCloneParentSettid = 0x100000;
constexpr unsigned long kCloneChildCleartid = 0x200000;

constexpr long kFutexWait = 0;
constexpr long kFutexWake = 1;
constexpr long kFDupfdCloexec = 1030;
constexpr long kFSetfd = 2;
constexpr long kTiocsctty = 0x540E;
constexpr long kPrSetPdeathsig = 1;
constexpr long kPrSetNoNewPrivs = 38;
constexpr long kSeccompSetModeFilter = 1;

const char* const kStageNames[kStages] = {
    "none",          "parent",   "cancel", "setsid",         "setpgid", "descriptors", "controlling-terminal", "chdir",   "prlimit",
    "sched_setaffinity", "personality", "setgroups", "setresgid", "setresuid", "no_new_privs", "death-signal", "seccomp", "execve"};

// ---- The child's side ----

[[noreturn]] CHILD_CODE void Fail(SpawnRecord* record, int32_t stage, long result) {
  record->error = static_cast<int32_t>(-result);
  record->stage = stage;
  for (;;) {
    raw_syscall(kSysExitGroup, kFailed);
    // A filter of the caller's may refuse exit_group.
    raw_syscall(kSysExit, kFailed);
    __builtin_trap();
  }
}

// The kernel sends SIGKILL when the thread that cloned us ends. If it ended before we asked, we have another parent by now.
CHILD_CODE void DieWithParent(SpawnRecord* record, int32_t stage) {
  const long result = raw_syscall(kSysPrctl, kPrSetPdeathsig, SIGKILL);
  if (result < 0) Fail(record, stage, result);
  if (raw_syscall(kSysGetppid) != record->parent) Fail(record, kStageParent, -ESRCH);
}

// Handlers go, as exec would have it, but before signals are let in. SIG_IGN survives an exec; but Node ignores SIGPIPE and SIGXFSZ for
// itself only.
CHILD_CODE void ResetSignals(const SpawnRecord* record) {
  for (long signal = 1; signal <= kSignals; signal++) {
    if (signal == SIGKILL || signal == SIGSTOP) continue;
    RawSigaction action;
    if (raw_syscall(kSysRtSigaction, signal, 0, RawAddress(&action), sizeof(uint64_t)) != 0) continue;
    if (action.handler == kSigDfl) continue;
    const bool nodes_own = signal == SIGPIPE || signal == SIGXFSZ;
    if (action.handler == kSigIgn && !record->reset_ignored && !nodes_own) continue;
    action.handler = kSigDfl;
    action.flags = 0;
    action.restorer = 0;
    action.mask = 0;
    raw_syscall(kSysRtSigaction, signal, RawAddress(&action), 0, sizeof(uint64_t));
  }
}

// Child's descriptor i becomes a copy of fds[i]. All sources are lifted above the range first, so that no target overwrites a source that is
// still to be copied; the lifted copies vanish at the exec.
CHILD_CODE void ArrangeDescriptors(SpawnRecord* record) {
  for (int32_t i = 0; i < record->fd_count; i++) {
    KeepLoop();
    const int32_t source = record->fds[i];
    if (source < 0 || source == i) continue;
    const long lifted = raw_syscall(kSysFcntl, source, kFDupfdCloexec, record->fd_count);
    if (lifted < 0) Fail(record, kStageDescriptors, lifted);
    record->lifted[i] = static_cast<int32_t>(lifted);
  }
  for (int32_t i = 0; i < record->fd_count; i++) {
    KeepLoop();
    const int32_t source = record->fds[i];
    long result = 0;
    if (source < 0) {
      raw_syscall(kSysClose, i);
    } else if (source == i) {
      result = raw_syscall(kSysFcntl, i, kFSetfd, 0);
    } else {
      result = raw_syscall(kSysDup3, record->lifted[i], i, 0);
    }
    if (result < 0) Fail(record, kStageDescriptors, result);
  }
}

CHILD_CODE void TakeIdentity(SpawnRecord* record) {
  long result = 0;
  if (record->set_groups) {
    result = raw_syscall(kSysSetgroups, static_cast<long>(record->group_count), RawAddress(record->groups));
    if (result < 0) Fail(record, kStageGroups, result);
  }
  if (record->gid >= 0) {
    result = raw_syscall(kSysSetresgid, record->gid, record->gid, record->gid);
    if (result < 0) Fail(record, kStageGid, result);
  }
  if (record->uid >= 0) {
    result = raw_syscall(kSysSetresuid, record->uid, record->uid, record->uid);
    if (result < 0) Fail(record, kStageUid, result);
  }
}

[[noreturn]] CHILD_CODE void HeldChild(void* argument) {
  SpawnRecord* record = static_cast<SpawnRecord*>(argument);
  long result = 0;

  DieWithParent(record, kStageDeathSignal);
  while (record->gate == kHeld) raw_syscall(kSysFutex, RawAddress(&record->gate), kFutexWait, kHeld);
  if (record->gate == kCancelled) Fail(record, kStageCancel, -ECANCELED);

  ResetSignals(record);
  if (record->session) {
    result = raw_syscall(kSysSetsid);
    if (result < 0) Fail(record, kStageSession, result);
  }
  if (record->pgid >= 0) {
    result = raw_syscall(kSysSetpgid, 0, record->pgid);
    if (result < 0) Fail(record, kStageGroup, result);
  }
  ArrangeDescriptors(record);
  if (record->tty_fd >= 0) {
    result = raw_syscall(kSysIoctl, record->tty_fd, kTiocsctty, 0);
    if (result < 0) Fail(record, kStageTerminal, result);
  }
  if (record->umask >= 0) raw_syscall(kSysUmask, record->umask);
  if (record->cwd != nullptr) {
    result = raw_syscall(kSysChdir, RawAddress(record->cwd));
    if (result < 0) Fail(record, kStageDirectory, result);
  }
  for (size_t i = 0; i < record->limit_count; i++) {
    const RawLimit* limit = &record->limits[i];
    result = raw_syscall(kSysPrlimit64, 0, static_cast<long>(limit->resource), RawAddress(&limit->soft), 0);
    if (result < 0) Fail(record, kStageLimits, result);
  }
  if (record->affinity != nullptr) {
    result = raw_syscall(kSysSchedSetaffinity, 0, static_cast<long>(record->affinity_length), RawAddress(record->affinity));
    if (result < 0) Fail(record, kStageAffinity, result);
  }
  if (record->personality >= 0) {
    result = raw_syscall(kSysPersonality, record->personality);
    if (result < 0) Fail(record, kStagePersonality, result);
  }
  TakeIdentity(record);
  if (record->no_new_privs) {
    result = raw_syscall(kSysPrctl, kPrSetNoNewPrivs, 1, 0, 0, 0);
    if (result < 0) Fail(record, kStageNoNewPrivs, result);
  }
  // A change of credentials cleared the death signal.
  if (record->keep_death_signal) {
    DieWithParent(record, kStageDeathSignal);
  } else {
    raw_syscall(kSysPrctl, kPrSetPdeathsig, 0);
  }
  RawSetSignalMask(record->signal_mask);
  // Last, so that the filter meets nothing of ours but the exec.
  if (record->set_filter) {
    result = raw_syscall(kSysSeccomp, kSeccompSetModeFilter, record->filter_flags, RawAddress(&record->filter));
    if (result < 0) Fail(record, kStageSeccomp, result);
  }
  result = raw_syscall(kSysExecve, RawAddress(record->file), RawAddress(record->argv), RawAddress(record->env));
  Fail(record, kStageExec, result);
}

// ---- The parent's side ----

// A C string with its NUL. Not std::string, whose library part brings along exceptions, and with them needs for a newer glibc.
using Text = std::vector<char>;

struct Plan {
  Text file;
  std::vector<Text> argv;
  std::vector<Text> env;
  bool has_cwd = false;
  Text cwd;
  std::vector<int32_t> fds;
  std::vector<uint8_t> affinity;
  std::vector<RawLimit> limits;
  bool has_groups = false;
  std::vector<uint32_t> groups;
  bool has_filter = false;
  std::vector<uint8_t> filter;
};

// Reads the properties of the plan object; `ok` tells at the end whether all had their type.
class PlanReader {
 public:
  PlanReader(napi_env env, napi_value object) : env_(env), object_(object) {
    napi_valuetype type = napi_undefined;
    napi_typeof(env, object, &type);
    if (type != napi_object) Bad("plan");
  }

  bool ok() const { return bad_ == nullptr; }
  const char* bad() const { return bad_; }

  Text Required(const char* name) { return TextOf(Get(name), name); }

  bool OptionalText(const char* name, Text* out) {
    napi_value value = Get(name);
    if (IsNothing(value)) return false;
    *out = TextOf(value, name);
    return true;
  }

  std::vector<Text> Texts(const char* name) {
    std::vector<Text> out;
    napi_value value = Get(name);
    bool is_array = false;
    uint32_t length = 0;
    if (value == nullptr || napi_is_array(env_, value, &is_array) != napi_ok || !is_array ||
        napi_get_array_length(env_, value, &length) != napi_ok) {
      Bad(name);
      return out;
    }
    for (uint32_t i = 0; i < length && ok(); i++) {
      napi_value element = nullptr;
      if (napi_get_element(env_, value, i, &element) != napi_ok) Bad(name);
      out.push_back(TextOf(element, name));
    }
    return out;
  }

  int64_t Number(const char* name) {
    int64_t out = 0;
    napi_value value = Get(name);
    if (value == nullptr || napi_get_value_int64(env_, value, &out) != napi_ok) Bad(name);
    return out;
  }

  uint64_t BigInt(const char* name) {
    uint64_t out = 0;
    bool lossless = false;
    napi_value value = Get(name);
    if (value == nullptr || napi_get_value_bigint_uint64(env_, value, &out, &lossless) != napi_ok) Bad(name);
    return out;
  }

  bool Flag(const char* name) {
    bool out = false;
    napi_value value = Get(name);
    if (value == nullptr || napi_get_value_bool(env_, value, &out) != napi_ok) Bad(name);
    return out;
  }

  // The elements of a typed array of the given type.
  template <typename Element>
  std::vector<Element> Elements(const char* name, napi_typedarray_type wanted) {
    return ElementsOf<Element>(Get(name), name, wanted);
  }

  template <typename Element>
  bool OptionalElements(const char* name, napi_typedarray_type wanted, std::vector<Element>* out) {
    napi_value value = Get(name);
    if (IsNothing(value)) return false;
    *out = ElementsOf<Element>(value, name, wanted);
    return true;
  }

 private:
  void Bad(const char* name) {
    if (bad_ == nullptr) bad_ = name;
  }

  napi_value Get(const char* name) {
    napi_value value = nullptr;
    if (!ok()) return nullptr;
    if (napi_get_named_property(env_, object_, name, &value) != napi_ok) {
      Bad(name);
      return nullptr;
    }
    return value;
  }

  bool IsNothing(napi_value value) {
    napi_valuetype type = napi_undefined;
    if (value == nullptr) return true;
    napi_typeof(env_, value, &type);
    return type == napi_null;
  }

  Text TextOf(napi_value value, const char* name) {
    size_t length = 0;
    if (value == nullptr || napi_get_value_string_utf8(env_, value, nullptr, 0, &length) != napi_ok) {
      Bad(name);
      return Text(1, '\0');
    }
    Text out(length + 1, '\0');
    napi_get_value_string_utf8(env_, value, out.data(), out.size(), &length);
    return out;
  }

  template <typename Element>
  std::vector<Element> ElementsOf(napi_value value, const char* name, napi_typedarray_type wanted) {
    napi_typedarray_type type;
    size_t length = 0;
    void* data = nullptr;
    if (value == nullptr || napi_get_typedarray_info(env_, value, &type, &length, &data, nullptr, nullptr) != napi_ok ||
        type != wanted) {
      Bad(name);
      return {};
    }
    const Element* first = static_cast<const Element*>(data);
    return length == 0 ? std::vector<Element>() : std::vector<Element>(first, first + length);
  }

  napi_env env_;
  napi_value object_;
  const char* bad_ = nullptr;
};

size_t RoundUp(size_t value, size_t to) { return (value + to - 1) / to * to; }

// Hands out aligned pieces of the record's mapping; with no memory yet it only counts.
class Piece {
 public:
  explicit Piece(uint8_t* memory) : memory_(memory) {}

  void* Take(const void* from, size_t bytes) {
    const size_t offset = used_;
    used_ += RoundUp(bytes, 16);
    if (memory_ == nullptr) return nullptr;
    if (from != nullptr && bytes > 0) memcpy(memory_ + offset, from, bytes);
    return memory_ + offset;
  }

  template <typename Element>
  Element* TakeAll(const std::vector<Element>& elements) {
    return static_cast<Element*>(Take(elements.data(), elements.size() * sizeof(Element)));
  }

  const char* TakeText(const Text& text) { return TakeAll(text); }

  // A list of strings that ends with a null pointer.
  const char* const* TakeTexts(const std::vector<Text>& texts) {
    const char** list = static_cast<const char**>(Take(nullptr, (texts.size() + 1) * sizeof(char*)));
    for (size_t i = 0; i < texts.size(); i++) {
      const char* text = TakeText(texts[i]);
      if (list != nullptr) list[i] = text;
    }
    if (list != nullptr) list[texts.size()] = nullptr;
    return list;
  }

  size_t used() const { return used_; }

 private:
  uint8_t* memory_;
  size_t used_ = 0;
};

void FillRecord(SpawnRecord* record, Piece* piece, const Plan& plan) {
  record->file = piece->TakeText(plan.file);
  record->argv = piece->TakeTexts(plan.argv);
  record->env = piece->TakeTexts(plan.env);
  const char* cwd = plan.has_cwd ? piece->TakeText(plan.cwd) : nullptr;
  record->cwd = cwd;
  record->fds = piece->TakeAll(plan.fds);
  record->lifted = static_cast<int32_t*>(piece->Take(nullptr, plan.fds.size() * sizeof(int32_t)));
  record->fd_count = static_cast<int32_t>(plan.fds.size());
  record->affinity = plan.affinity.empty() ? nullptr : piece->TakeAll(plan.affinity);
  record->affinity_length = plan.affinity.size();
  record->limits = piece->TakeAll(plan.limits);
  record->limit_count = plan.limits.size();
  record->set_groups = plan.has_groups;
  record->groups = piece->TakeAll(plan.groups);
  record->group_count = plan.groups.size();
  record->set_filter = plan.has_filter;
  record->filter.length = static_cast<unsigned short>(plan.filter.size() / 8);
  record->filter.filter = piece->TakeAll(plan.filter);
}

SpawnRecord* RecordOf(napi_env env, pid_t pid) {
  const auto& pending = AddonDataOf(env)->spawn.pending;
  const auto found = pending.find(pid);
  return found == pending.end() ? nullptr : found->second;
}

// Moves a held child's gate, once.
bool MoveGate(SpawnRecord* record, uint32_t to) {
  uint32_t held = kHeld;
  if (!__atomic_compare_exchange_n(&record->gate, &held, to, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) return false;
  raw_syscall(kSysFutex, RawAddress(&record->gate), kFutexWake, 1);
  return true;
}

bool IsOurChild(pid_t pid) {
  siginfo_t info;
  return raw_syscall(kSysWaitid, P_PID, pid, RawAddress(&info), kWexited | kWnohang | kWnowait | kWall, 0) != -ECHILD;
}

// Whether the child is still on our memory. The word is not cleared where the kernel could not tell anyone (a core dump before Linux 5.16).
bool OnOurMemory(const SpawnRecord* record) {
  if (record->own_memory) return false;
  const pid_t tid = record->tid;
  return tid != 0 && IsOurChild(tid);
}

void Unmap(SpawnRecord* record) { munmap(record->mapping, record->mapping_length); }

// How often a wait gives way before it sleeps.
constexpr int kYields = 20;

// Ends a child that stands on our memory. Once SIGKILL is sent it never runs user code again, so a tracer of someone else's that holds
// it in EVENT_EXIT can delay the reaping but does no harm: the wait for it is bounded.
void KillAndReap(pid_t pid, const SpawnRecord* record) {
  raw_syscall(kSysKill, pid, SIGKILL);
  for (int round = 0; round < 100; round++) {
    int status = 0;
    const long waited = raw_syscall(kSysWait4, pid, RawAddress(&status), kWnohang | kWall, 0);
    if (waited < 0 && waited != -EINTR) return;
    if (waited == pid) {
      if (!WIFSTOPPED(status)) return;
      raw_syscall(kSysPtrace, kPtraceCont, pid, 0, 0);
      continue;
    }
    struct {
      int64_t seconds;
      int64_t nanoseconds;
    } limit = {0, 10000000};
    const int32_t tid = record->tid;
    if (tid != 0) {
      raw_syscall(kSysFutex, RawAddress(&record->tid), kFutexWait, tid, RawAddress(&limit));
      continue;
    }
    // With the word cleared the child is past its memory and dies soon, but nothing wakes us then; it may have to sleep on its way, so that giving
    // way alone is no bound in time. Nobody wakes this word: a short sleep.
    const int32_t nobody = 0;
    limit.nanoseconds = 1000000;
    if (round < kYields) raw_syscall(kSysSchedYield);
    else raw_syscall(kSysFutex, RawAddress(&nobody), kFutexWait, 0, RawAddress(&limit));
  }
}

// (plan: SpawnPlan) -> pid or -errno
napi_value Spawn(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  PlanReader reader(env, args[0]);
  Plan plan;
  plan.file = reader.Required("file");
  plan.argv = reader.Texts("argv");
  plan.env = reader.Texts("env");
  plan.has_cwd = reader.OptionalText("cwd", &plan.cwd);
  plan.fds = reader.Elements<int32_t>("fds", napi_int32_array);
  reader.OptionalElements<uint8_t>("affinity", napi_uint8_array, &plan.affinity);
  const std::vector<uint64_t> limits = reader.Elements<uint64_t>("rlimits", napi_biguint64_array);
  for (size_t i = 0; i + 2 < limits.size(); i += 3) plan.limits.push_back({limits[i], limits[i + 1], limits[i + 2]});
  plan.has_groups = reader.OptionalElements<uint32_t>("groups", napi_uint32_array, &plan.groups);
  plan.has_filter = reader.OptionalElements<uint8_t>("seccomp", napi_uint8_array, &plan.filter);

  SpawnRecord fields;
  memset(static_cast<void*>(&fields), 0, sizeof fields);
  fields.tty_fd = static_cast<int32_t>(reader.Number("ttyFd"));
  fields.session = reader.Flag("session");
  fields.pgid = static_cast<int32_t>(reader.Number("pgid"));
  fields.umask = static_cast<int32_t>(reader.Number("umask"));
  fields.personality = reader.Number("personality");
  fields.uid = reader.Number("uid");
  fields.gid = reader.Number("gid");
  fields.no_new_privs = reader.Flag("noNewPrivs");
  fields.filter_flags = static_cast<uint32_t>(reader.Number("seccompFlags"));
  fields.signal_mask = reader.BigInt("signalMask");
  fields.reset_ignored = reader.Flag("resetIgnored");
  fields.keep_death_signal = reader.Flag("keepDeathSignal");
  if (!reader.ok()) {
    bool pending = false;
    napi_is_exception_pending(env, &pending);
    char message[64];
    snprintf(message, sizeof message, "spawn: wrong or missing %s", reader.bad());
    if (!pending) napi_throw_type_error(env, nullptr, message);
    return nullptr;
  }
  fields.own_memory = fields.uid >= 0 || fields.gid >= 0;
  fields.parent = raw_syscall(kSysGetpid);

  Piece count(nullptr);
  FillRecord(&fields, &count, plan);
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t below = page + RoundUp(kStackBytes, page);
  const size_t record_bytes = RoundUp(sizeof(SpawnRecord), 16);
  fields.mapping_length = below + RoundUp(record_bytes + count.used(), page);
  void* mapping = mmap(nullptr, fields.mapping_length, PROT_READ | PROT_WRITE,
                       (fields.own_memory ? MAP_SHARED : MAP_PRIVATE) | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED) return NumberOf(env, -errno);
  fields.mapping = mapping;
  if (mprotect(mapping, page, PROT_NONE) != 0) {
    const int error = errno;
    munmap(mapping, fields.mapping_length);
    return NumberOf(env, -error);
  }
  uint8_t* base = static_cast<uint8_t*>(mapping) + below;
  Piece piece(base + record_bytes);
  FillRecord(&fields, &piece, plan);
  SpawnRecord* record = reinterpret_cast<SpawnRecord*>(base);
  memcpy(static_cast<void*>(record), &fields, sizeof fields);

  const unsigned long sharing = fields.own_memory ? 0 : kCloneVm | kCloneParentSettid | kCloneChildCleartid;
  int* tid = const_cast<int*>(&record->tid);
  const uint64_t mask = RawBlockSignals();
  const long pid = raw_clone(sharing | SIGCHLD, base, tid, tid, 0, HeldChild, record);
  RawSetSignalMask(mask);
  if (pid < 0) {
    Unmap(record);
    return NumberOf(env, pid);
  }
  // A record that was never freed and whose pid came round again.
  auto& pending = AddonDataOf(env)->spawn.pending;
  const auto old = pending.find(static_cast<pid_t>(pid));
  if (old != pending.end()) {
    Unmap(old->second);
    pending.erase(old);
  }
  pending.emplace(static_cast<pid_t>(pid), record);
  return NumberOf(env, pid);
}

// (pid) -> 0; -ESRCH for a child that is not known, -EALREADY for one that was released or cancelled
napi_value SpawnRelease(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  SpawnRecord* record = RecordOf(env, Int32Of(env, args[0]));
  if (record == nullptr) return NumberOf(env, -ESRCH);
  return NumberOf(env, MoveGate(record, kReleased) ? 0 : -EALREADY);
}

napi_value SpawnCancel(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  SpawnRecord* record = RecordOf(env, Int32Of(env, args[0]));
  if (record == nullptr) return NumberOf(env, -ESRCH);
  return NumberOf(env, MoveGate(record, kCancelled) ? 0 : -EALREADY);
}

// (pid) -> { stage, errno } or null
napi_value SpawnOutcome(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  const SpawnRecord* record = RecordOf(env, Int32Of(env, args[0]));
  napi_value out = nullptr;
  if (record == nullptr || record->stage <= kStageNone || record->stage >= kStages) {
    napi_get_null(env, &out);
    return out;
  }
  napi_value stage = nullptr;
  napi_create_object(env, &out);
  napi_create_string_utf8(env, kStageNames[record->stage], NAPI_AUTO_LENGTH, &stage);
  napi_set_named_property(env, out, "stage", stage);
  napi_set_named_property(env, out, "errno", NumberOf(env, record->error));
  return out;
}

// (pid) -> 0; -EBUSY while the child still stands on the stack that would be freed; -ESRCH for a child that is not known
napi_value SpawnFree(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  const pid_t pid = Int32Of(env, args[0]);
  SpawnRecord* record = RecordOf(env, pid);
  if (record == nullptr) return NumberOf(env, -ESRCH);
  if (OnOurMemory(record)) return NumberOf(env, -EBUSY);
  Unmap(record);
  AddonDataOf(env)->spawn.pending.erase(pid);
  return NumberOf(env, 0);
}

}  // namespace

void SpawnState::Close() {
  for (const auto& entry : pending) {
    SpawnRecord* record = entry.second;
    if (OnOurMemory(record)) {
      KillAndReap(entry.first, record);
    } else if (record->own_memory) {
      MoveGate(record, kCancelled);
    }
    Unmap(record);
  }
  pending.clear();
}

void InitSpawn(Napi::Env env, Napi::Object exports) {
  Export(env, exports, "spawn", Spawn);
  Export(env, exports, "spawnRelease", SpawnRelease);
  Export(env, exports, "spawnCancel", SpawnCancel);
  Export(env, exports, "spawnOutcome", SpawnOutcome);
  Export(env, exports, "spawnFree", SpawnFree);
}

}  // namespace linux_ptrace
