// The addon's face: one object of functions, made anew for every environment that loads it.
#include "addon.h"

#include "args.h"

namespace linux_ptrace {
namespace {

// What stands at the end of an environment may be in the way of its end; how long it may hold it up.
constexpr int kEndMilliseconds = 2000;

void Closed(void* data) {
  AddonData* addon = static_cast<AddonData*>(data);
  napi_remove_async_cleanup_hook(addon->cleanup);
  delete addon;
}

// Runs on the environment's thread, also for worker.terminate(), where no JavaScript runs any more. Asynchronous because libuv must be
// given a turn to close the doorbell: an open handle aborts Node.
void CleanUp(napi_async_cleanup_hook_handle handle, void* data) {
  AddonData* addon = static_cast<AddonData*>(data);
  addon->cleanup = handle;
  addon->tracees.End(kEndMilliseconds);
  addon->spawn.Close();
  addon->doorbell.Close(Closed, addon);
}

}  // namespace

AddonData* AddonDataOf(Napi::Env env) {
  void* data = nullptr;
  napi_get_instance_data(env, &data);
  return static_cast<AddonData*>(data);
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  AddonData* addon = new AddonData(env);
  // No finaliser: the clean-up hook owns it and runs later than finalisers may.
  napi_set_instance_data(env, addon, nullptr, nullptr);
  napi_add_async_cleanup_hook(env, CleanUp, addon, &addon->cleanup);
  InitPtrace(env, exports);
  InitWait(env, exports);
  InitMemory(env, exports);
  InitSched(env, exports);
  InitDoorbell(env, exports);
  InitTracees(env, exports);
  InitSpawn(env, exports);
  InitStdio(env, exports);
  InitScript(env, exports);
  return exports;
}

NODE_API_MODULE(linux_ptrace, Init)

}  // namespace linux_ptrace
