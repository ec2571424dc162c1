// What one Node environment (the main thread or one Worker) keeps of the addon: its doorbell, its tracees, its pending spawns.
//
// The kernel ties a tracee to the thread that attached it, and an environment has exactly one thread, so everything here belongs to
// one thread and needs no lock. The only state shared by the whole process is in process_state.h.
#pragma once

#include <napi.h>

#include <cstdint>

#include "doorbell.h"
#include "spawn.h"
#include "tracees.h"

namespace linux_ptrace {

struct AddonData {
  explicit AddonData(napi_env env) : env(env) {}
  napi_env env;
  napi_async_cleanup_hook_handle cleanup = nullptr;
  Doorbell doorbell;
  TraceeTable tracees;
  SpawnState spawn;
};

AddonData* AddonDataOf(Napi::Env env);

void InitPtrace(Napi::Env env, Napi::Object exports);
void InitWait(Napi::Env env, Napi::Object exports);
void InitMemory(Napi::Env env, Napi::Object exports);
void InitSched(Napi::Env env, Napi::Object exports);
void InitDoorbell(Napi::Env env, Napi::Object exports);
void InitTracees(Napi::Env env, Napi::Object exports);
void InitSpawn(Napi::Env env, Napi::Object exports);
void InitStdio(Napi::Env env, Napi::Object exports);
void InitScript(Napi::Env env, Napi::Object exports);

}  // namespace linux_ptrace
