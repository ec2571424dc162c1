// Signals, pidfds, affinity, process groups: the small system calls that a tracer needs beside ptrace and wait.
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "addon.h"
#include "args.h"
#include "process_state.h"
#include "uapi.h"

namespace linux_ptrace {
namespace {

template <typename... Words>
napi_value Call(napi_env env, long number, Words... words) {
  const long result = syscall(number, words...);
  return NumberOf(env, Result(result, errno));
}

napi_value Kill(napi_env env, napi_callback_info info) {
  Arguments<2> args(env, info);
  return Call(env, SYS_kill, Int64Of(env, args[0]), Int64Of(env, args[1]));
}

napi_value Tgkill(napi_env env, napi_callback_info info) {
  Arguments<3> args(env, info);
  return Call(env, SYS_tgkill, Int64Of(env, args[0]), Int64Of(env, args[1]), Int64Of(env, args[2]));
}

napi_value RtSigqueueinfo(napi_env env, napi_callback_info info) {
  Arguments<3> args(env, info);
  const Bytes siginfo = BytesOf(env, args[2]);
  if (siginfo.length < 128) return NumberOf(env, -EINVAL);
  return Call(env, SYS_rt_sigqueueinfo, Int64Of(env, args[0]), Int64Of(env, args[1]), siginfo.data);
}

napi_value RtTgsigqueueinfo(napi_env env, napi_callback_info info) {
  Arguments<4> args(env, info);
  const Bytes siginfo = BytesOf(env, args[3]);
  if (siginfo.length < 128) return NumberOf(env, -EINVAL);
  return Call(env, SYS_rt_tgsigqueueinfo, Int64Of(env, args[0]), Int64Of(env, args[1]), Int64Of(env, args[2]),
              siginfo.data);
}

napi_value PidfdOpen(napi_env env, napi_callback_info info) {
  Arguments<2> args(env, info);
  return Call(env, kSysPidfdOpen, Int64Of(env, args[0]), Int64Of(env, args[1]));
}

// (pidfd, signal, siginfo or null, flags)
napi_value PidfdSendSignal(napi_env env, napi_callback_info info) {
  Arguments<4> args(env, info);
  const Bytes siginfo = BytesOf(env, args[2]);
  if (siginfo.data != nullptr && siginfo.length < 128) return NumberOf(env, -EINVAL);
  return Call(env, kSysPidfdSendSignal, Int64Of(env, args[0]), Int64Of(env, args[1]), siginfo.data,
              Int64Of(env, args[3]));
}

napi_value CloseFd(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  return Call(env, SYS_close, Int64Of(env, args[0]));
}

napi_value Personality(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  return Call(env, SYS_personality, static_cast<unsigned long>(WordOf(env, args[0])));
}

// Gives the number of bytes that the kernel wrote.
napi_value SchedGetaffinity(napi_env env, napi_callback_info info) {
  Arguments<2> args(env, info);
  const Bytes mask = BytesOf(env, args[1]);
  return Call(env, SYS_sched_getaffinity, Int64Of(env, args[0]), mask.length, mask.data);
}

napi_value SchedSetaffinity(napi_env env, napi_callback_info info) {
  Arguments<2> args(env, info);
  const Bytes mask = BytesOf(env, args[1]);
  return Call(env, SYS_sched_setaffinity, Int64Of(env, args[0]), mask.length, mask.data);
}

napi_value GetCpu(napi_env env, napi_callback_info) {
  unsigned cpu = 0;
  const long result = syscall(SYS_getcpu, &cpu, nullptr, nullptr);
  return NumberOf(env, result == -1 ? -errno : static_cast<int64_t>(cpu));
}

napi_value Setpgid(napi_env env, napi_callback_info info) {
  Arguments<2> args(env, info);
  return Call(env, SYS_setpgid, Int64Of(env, args[0]), Int64Of(env, args[1]));
}

napi_value Getpgid(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  return Call(env, SYS_getpgid, Int64Of(env, args[0]));
}

napi_value Gettid(napi_env env, napi_callback_info) { return Call(env, SYS_gettid); }

napi_value RegisterOwnChild(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  RegisterChild(Int32Of(env, args[0]));
  return nullptr;
}

napi_value ForgetOwnChild(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  ForgetChild(Int32Of(env, args[0]));
  return nullptr;
}

napi_value IsOwnChild(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  napi_value out = nullptr;
  napi_get_boolean(env, IsRegisteredChild(Int32Of(env, args[0])), &out);
  return out;
}

}  // namespace

void InitSched(Napi::Env env, Napi::Object exports) {
  Export(env, exports, "kill", Kill);
  Export(env, exports, "tgkill", Tgkill);
  Export(env, exports, "rtSigqueueinfo", RtSigqueueinfo);
  Export(env, exports, "rtTgsigqueueinfo", RtTgsigqueueinfo);
  Export(env, exports, "pidfdOpen", PidfdOpen);
  Export(env, exports, "pidfdSendSignal", PidfdSendSignal);
  Export(env, exports, "closeFd", CloseFd);
  Export(env, exports, "personality", Personality);
  Export(env, exports, "schedGetaffinity", SchedGetaffinity);
  Export(env, exports, "schedSetaffinity", SchedSetaffinity);
  Export(env, exports, "getcpu", GetCpu);
  Export(env, exports, "setpgid", Setpgid);
  Export(env, exports, "getpgid", Getpgid);
  Export(env, exports, "gettid", Gettid);
  Export(env, exports, "registerChild", RegisterOwnChild);
  Export(env, exports, "forgetChild", ForgetOwnChild);
  Export(env, exports, "isRegisteredChild", IsOwnChild);
}

}  // namespace linux_ptrace
