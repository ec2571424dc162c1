// Pipes and pseudo-terminals for a child's standard streams. Node offers them only together with its own child processes.
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "addon.h"
#include "args.h"

namespace linux_ptrace {
namespace {

// Not in the headers of every distribution this builds on.
constexpr unsigned long kTiocsptlck = 0x40045431;
constexpr unsigned long kTiocgptpeer = 0x5441;
constexpr unsigned long kTiocswinsz = 0x5414;

struct WindowSize {
  uint16_t rows, columns, x, y;
};

// (out: Int32Array(2)): read end, write end; both close-on-exec.
napi_value Pipe(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  const Bytes out = BytesOf(env, args[0]);
  if (out.length < 2 * sizeof(int)) return NumberOf(env, -EINVAL);
  const long result = syscall(SYS_pipe2, out.data, O_CLOEXEC);
  return NumberOf(env, Result(result, errno));
}

// (rows, columns, out: Int32Array(2)): the terminal's two sides, its master and the slave; both close-on-exec.
napi_value OpenPty(napi_env env, napi_callback_info info) {
  Arguments<3> args(env, info);
  const Bytes out = BytesOf(env, args[2]);
  if (out.length < 2 * sizeof(int)) return NumberOf(env, -EINVAL);
  const int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (master < 0) return NumberOf(env, -errno);
  int locked = 0;
  const WindowSize size = {static_cast<uint16_t>(Int32Of(env, args[0])), static_cast<uint16_t>(Int32Of(env, args[1])), 0, 0};
  ioctl(master, kTiocswinsz, &size);
  int slave = -1;
  if (ioctl(master, kTiocsptlck, &locked) == 0) slave = ioctl(master, kTiocgptpeer, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (slave < 0) {
    const int error = errno;
    close(master);
    return NumberOf(env, -error);
  }
  reinterpret_cast<int*>(out.data)[0] = master;
  reinterpret_cast<int*>(out.data)[1] = slave;
  return NumberOf(env, 0);
}

// (fd, rows, columns)
napi_value SetWindowSize(napi_env env, napi_callback_info info) {
  Arguments<3> args(env, info);
  const WindowSize size = {static_cast<uint16_t>(Int32Of(env, args[1])), static_cast<uint16_t>(Int32Of(env, args[2])), 0, 0};
  return NumberOf(env, Result(ioctl(Int32Of(env, args[0]), kTiocswinsz, &size), errno));
}

}  // namespace

void InitStdio(Napi::Env env, Napi::Object exports) {
  Export(env, exports, "pipe", Pipe);
  Export(env, exports, "openPty", OpenPty);
  Export(env, exports, "setWindowSize", SetWindowSize);
}

}  // namespace linux_ptrace
