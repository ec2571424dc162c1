// Another process's memory: process_vm_readv/writev, and pread/pwrite at 64-bit offsets for /proc/pid/mem.
#include <errno.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <vector>

#include "addon.h"
#include "args.h"

namespace linux_ptrace {
namespace {

constexpr uint32_t kMaxSegments = 1024;  // UIO_MAXIOV

// (pid, address, buffer, offset, length): one segment, the case that must be quick.
napi_value Transfer(napi_env env, napi_callback_info info, long number) {
  Arguments<5> args(env, info);
  const Bytes bytes = BytesOf(env, args[2]);
  const uint64_t offset = WordOf(env, args[3]);
  const uint64_t length = WordOf(env, args[4]);
  if (offset > bytes.length || length > bytes.length - offset) return NumberOf(env, -EINVAL);
  struct iovec local = {bytes.data + offset, length};
  struct iovec remote = {reinterpret_cast<void*>(WordOf(env, args[1])), length};
  const long done = syscall(number, Int32Of(env, args[0]), &local, 1ul, &remote, 1ul, 0ul);
  return NumberOf(env, Result(done, errno));
}

// (pid, [buffer...], BigUint64Array of address, length pairs)
napi_value TransferVector(napi_env env, napi_callback_info info, long number) {
  Arguments<3> args(env, info);
  uint32_t count = 0;
  if (napi_get_array_length(env, args[1], &count) != napi_ok) return NumberOf(env, -EINVAL);
  const Bytes pairs = BytesOf(env, args[2]);
  if (count > kMaxSegments || pairs.length / 16 > kMaxSegments) return NumberOf(env, -EINVAL);
  std::vector<struct iovec> local(count);
  for (uint32_t index = 0; index < count; index++) {
    napi_value element = nullptr;
    napi_get_element(env, args[1], index, &element);
    const Bytes bytes = BytesOf(env, element);
    local[index] = {bytes.data, bytes.length};
  }
  std::vector<struct iovec> remote(pairs.length / 16);
  const uint64_t* words = reinterpret_cast<const uint64_t*>(pairs.data);
  for (size_t index = 0; index < remote.size(); index++) {
    remote[index] = {reinterpret_cast<void*>(words[2 * index]), words[2 * index + 1]};
  }
  const long done = syscall(number, Int32Of(env, args[0]), local.data(), static_cast<unsigned long>(local.size()),
                            remote.data(), static_cast<unsigned long>(remote.size()), 0ul);
  return NumberOf(env, Result(done, errno));
}

napi_value ProcessVmRead(napi_env env, napi_callback_info info) { return Transfer(env, info, SYS_process_vm_readv); }
napi_value ProcessVmWrite(napi_env env, napi_callback_info info) { return Transfer(env, info, SYS_process_vm_writev); }
napi_value ProcessVmReadv(napi_env env, napi_callback_info info) {
  return TransferVector(env, info, SYS_process_vm_readv);
}
napi_value ProcessVmWritev(napi_env env, napi_callback_info info) {
  return TransferVector(env, info, SYS_process_vm_writev);
}

// (fd, address, buffer, offset, length). The raw call: an address in the upper half is a negative offset, which /proc/pid/mem allows.
napi_value TransferAt(napi_env env, napi_callback_info info, long number) {
  Arguments<5> args(env, info);
  const Bytes bytes = BytesOf(env, args[2]);
  const uint64_t offset = WordOf(env, args[3]);
  const uint64_t length = WordOf(env, args[4]);
  if (offset > bytes.length || length > bytes.length - offset) return NumberOf(env, -EINVAL);
  const long done = syscall(number, Int32Of(env, args[0]), bytes.data + offset, length, WordOf(env, args[1]));
  return NumberOf(env, Result(done, errno));
}

napi_value ReadAt(napi_env env, napi_callback_info info) { return TransferAt(env, info, SYS_pread64); }
napi_value WriteAt(napi_env env, napi_callback_info info) { return TransferAt(env, info, SYS_pwrite64); }

}  // namespace

void InitMemory(Napi::Env env, Napi::Object exports) {
  Export(env, exports, "processVmRead", ProcessVmRead);
  Export(env, exports, "processVmWrite", ProcessVmWrite);
  Export(env, exports, "processVmReadv", ProcessVmReadv);
  Export(env, exports, "processVmWritev", ProcessVmWritev);
  Export(env, exports, "readAt", ReadAt);
  Export(env, exports, "writeAt", WriteAt);
}

}  // namespace linux_ptrace
