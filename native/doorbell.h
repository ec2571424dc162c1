// The doorbell: one uv_signal handle for SIGCHLD on the environment's loop. It says only "look again"; who stopped is found by waiting.
#pragma once

#include <napi.h>
#include <uv.h>

namespace linux_ptrace {

class Doorbell {
 public:
  // Starts the handle, unreferenced and disarmed. 0 or a libuv error.
  int Open(napi_env env, napi_value callback);
  // Armed: stops ring as well as deaths. Disarmed: only deaths ring.
  void Arm();
  void Disarm();
  void Reference(bool on);
  // Releases everything; `closed` is called with `data` once libuv has let go of the handle, at once if there is none.
  void Close(void (*closed)(void*), void* data);
  bool IsOpen() const { return handle_ != nullptr; }

 private:
  static void Ring(uv_signal_t* handle, int signal);
  struct Handle;
  Handle* handle_ = nullptr;
  bool armed_ = false;
};

}  // namespace linux_ptrace
