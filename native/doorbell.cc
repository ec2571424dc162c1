#include "doorbell.h"

#include <signal.h>

#include "addon.h"
#include "args.h"
#include "process_state.h"

namespace linux_ptrace {

// Outlives the Doorbell: libuv owns the memory until the close callback.
struct Doorbell::Handle {
  uv_signal_t signal;
  napi_env env = nullptr;
  napi_ref callback = nullptr;
  napi_async_context context = nullptr;
  void (*closed)(void*) = nullptr;
  void* data = nullptr;
};

int Doorbell::Open(napi_env env, napi_value callback) {
  if (handle_ != nullptr) return 0;
  uv_loop_t* loop = nullptr;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) return UV_EINVAL;
  Handle* handle = new Handle();
  handle->env = env;
  int error = uv_signal_init(loop, &handle->signal);
  if (error != 0) {
    delete handle;
    return error;
  }
  handle->signal.data = handle;
  handle_ = handle;
  error = uv_signal_start(&handle->signal, Ring, SIGCHLD);
  if (error != 0) {
    handle_ = nullptr;
    uv_close(reinterpret_cast<uv_handle_t*>(&handle->signal),
             [](uv_handle_t* closing) { delete static_cast<Handle*>(closing->data); });
    return error;
  }
  uv_unref(reinterpret_cast<uv_handle_t*>(&handle->signal));
  napi_create_reference(env, callback, 1, &handle->callback);
  napi_value name = nullptr;
  napi_create_string_utf8(env, "linux-ptrace:doorbell", NAPI_AUTO_LENGTH, &name);
  napi_async_init(env, nullptr, name, &handle->context);
  OpenDoorbell();
  return 0;
}

void Doorbell::Arm() {
  if (handle_ == nullptr || armed_) return;
  armed_ = true;
  SleeperBegins();
}

void Doorbell::Disarm() {
  if (!armed_) return;
  armed_ = false;
  SleeperEnds();
}

void Doorbell::Reference(bool on) {
  if (handle_ == nullptr) return;
  uv_handle_t* handle = reinterpret_cast<uv_handle_t*>(&handle_->signal);
  if (on) {
    uv_ref(handle);
  } else {
    uv_unref(handle);
  }
}

void Doorbell::Close(void (*closed)(void*), void* data) {
  Disarm();
  Handle* handle = handle_;
  handle_ = nullptr;
  if (handle == nullptr) {
    if (closed != nullptr) closed(data);
    return;
  }
  uv_signal_stop(&handle->signal);
  CloseDoorbell();
  napi_delete_reference(handle->env, handle->callback);
  napi_async_destroy(handle->env, handle->context);
  handle->callback = nullptr;
  handle->closed = closed;
  handle->data = data;
  uv_close(reinterpret_cast<uv_handle_t*>(&handle->signal), [](uv_handle_t* closing) {
    Handle* self = static_cast<Handle*>(closing->data);
    if (self->closed != nullptr) self->closed(self->data);
    delete self;
  });
}

void Doorbell::Ring(uv_signal_t* signal, int) {
  Handle* handle = static_cast<Handle*>(signal->data);
  if (handle->callback == nullptr) return;
  napi_env env = handle->env;
  napi_handle_scope scope = nullptr;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;
  napi_value callback = nullptr;
  napi_value global = nullptr;
  napi_get_reference_value(env, handle->callback, &callback);
  napi_get_global(env, &global);
  if (callback != nullptr) {
    napi_value result = nullptr;
    // An exception here (none is expected: the callback catches its own) must surface as an uncaught exception, not vanish.
    if (napi_make_callback(env, handle->context, global, callback, 0, nullptr, &result) == napi_pending_exception) {
      napi_value error = nullptr;
      napi_get_and_clear_last_exception(env, &error);
      napi_fatal_exception(env, error);
    }
  }
  napi_close_handle_scope(env, scope);
}

namespace {

napi_value BellOpen(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  return NumberOf(env, AddonDataOf(env)->doorbell.Open(env, args[0]));
}

napi_value BellArm(napi_env env, napi_callback_info) {
  AddonDataOf(env)->doorbell.Arm();
  return nullptr;
}

napi_value BellDisarm(napi_env env, napi_callback_info) {
  AddonDataOf(env)->doorbell.Disarm();
  return nullptr;
}

napi_value BellReference(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  bool on = false;
  napi_get_value_bool(env, args[0], &on);
  AddonDataOf(env)->doorbell.Reference(on);
  return nullptr;
}

napi_value BellClose(napi_env env, napi_callback_info) {
  AddonDataOf(env)->doorbell.Close(nullptr, nullptr);
  return nullptr;
}

}  // namespace

void InitDoorbell(Napi::Env env, Napi::Object exports) {
  Export(env, exports, "bellOpen", BellOpen);
  Export(env, exports, "bellArm", BellArm);
  Export(env, exports, "bellDisarm", BellDisarm);
  Export(env, exports, "bellReference", BellReference);
  Export(env, exports, "bellClose", BellClose);
}

}  // namespace linux_ptrace
