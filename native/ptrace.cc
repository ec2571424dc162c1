// ptrace(2), raw. Four forms, by what `addr` and `data` are: words, a buffer, an iovec over a buffer, two buffers. Which request takes
// which form, and how long a buffer must be, is known in TypeScript.
#include <errno.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "addon.h"
#include "args.h"

namespace linux_ptrace {
namespace {

int64_t Ptrace(int64_t request, int64_t tid, uint64_t addr, uint64_t data) {
  const long result = syscall(SYS_ptrace, request, tid, addr, data);
  return Result(result, errno);
}

uint64_t Pointer(const void* pointer) { return reinterpret_cast<uint64_t>(pointer); }

napi_value PtraceWords(napi_env env, napi_callback_info info) {
  Arguments<4> args(env, info);
  return NumberOf(env, Ptrace(Int64Of(env, args[0]), Int32Of(env, args[1]), WordOf(env, args[2]), WordOf(env, args[3])));
}

napi_value PtraceBuffer(napi_env env, napi_callback_info info) {
  Arguments<4> args(env, info);
  const Bytes data = BytesOf(env, args[3]);
  return NumberOf(env, Ptrace(Int64Of(env, args[0]), Int32Of(env, args[1]), WordOf(env, args[2]), Pointer(data.data)));
}

// Gives the length that the kernel left in the iovec: the bytes that a regset really has, or the tags that were read.
napi_value PtraceIovec(napi_env env, napi_callback_info info) {
  Arguments<4> args(env, info);
  const Bytes data = BytesOf(env, args[3]);
  struct iovec iov = {data.data, data.length};
  const int64_t result =
      Ptrace(Int64Of(env, args[0]), Int32Of(env, args[1]), WordOf(env, args[2]), Pointer(&iov));
  return NumberOf(env, result < 0 ? result : static_cast<int64_t>(iov.iov_len));
}

// `data` may be a word: PTRACE_ARCH_PRCTL has its command there.
napi_value PtraceTwoBuffers(napi_env env, napi_callback_info info) {
  Arguments<4> args(env, info);
  const Bytes addr = BytesOf(env, args[2]);
  const Bytes data = BytesOf(env, args[3]);
  const uint64_t word = data.data != nullptr ? Pointer(data.data) : WordOf(env, args[3]);
  return NumberOf(env, Ptrace(Int64Of(env, args[0]), Int32Of(env, args[1]), Pointer(addr.data), word));
}

}  // namespace

void InitPtrace(Napi::Env env, Napi::Object exports) {
  Export(env, exports, "ptrace", PtraceWords);
  Export(env, exports, "ptraceBuffer", PtraceBuffer);
  Export(env, exports, "ptraceIovec", PtraceIovec);
  Export(env, exports, "ptraceTwoBuffers", PtraceTwoBuffers);
}

}  // namespace linux_ptrace
