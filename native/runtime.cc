// What the C++ library would bring along to throw exceptions with. The addon is built without exceptions: where the library
// throws, it must end the process anyway. Ended here, none of the unwinder is linked, which on a new system asks for a newer
// glibc (_dl_find_object 2.35, arc4random 2.36) than Node itself does, and the addon stays small.
#include <sched.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace {
[[noreturn]] void Die() { std::abort(); }

void* Allocate(std::size_t size) {
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) Die();
  return memory;
}
}  // namespace

void* operator new(std::size_t size) { return Allocate(size); }
void* operator new[](std::size_t size) { return Allocate(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return std::malloc(size == 0 ? 1 : size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return std::malloc(size == 0 ? 1 : size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

// A call of a pure virtual function.
extern "C" [[noreturn]] void __cxa_pure_virtual() { Die(); }

// The locks of function-local statics, which Workers may reach at once. Of the guard's eight bytes the first belongs to the
// compiler (not 0: initialised), the second is ours (not 0: somebody is at it).
extern "C" int __cxa_guard_acquire(std::uint64_t* guard) {
  auto* bytes = reinterpret_cast<unsigned char*>(guard);
  while (__atomic_load_n(&bytes[0], __ATOMIC_ACQUIRE) == 0) {
    if (__atomic_exchange_n(&bytes[1], 1, __ATOMIC_ACQUIRE) == 0) {
      // Whoever had it may have finished between our two looks.
      if (__atomic_load_n(&bytes[0], __ATOMIC_ACQUIRE) == 0) return 1;
      __atomic_store_n(&bytes[1], 0, __ATOMIC_RELEASE);
      return 0;
    }
    sched_yield();
  }
  return 0;
}

extern "C" void __cxa_guard_release(std::uint64_t* guard) {
  auto* bytes = reinterpret_cast<unsigned char*>(guard);
  __atomic_store_n(&bytes[0], 1, __ATOMIC_RELEASE);
  __atomic_store_n(&bytes[1], 0, __ATOMIC_RELEASE);
}

// Only an initialiser that throws would come here.
extern "C" void __cxa_guard_abort(std::uint64_t*) { Die(); }

// The throwers that the headers of libstdc++ call out of line.
namespace std {
void __throw_bad_alloc() { Die(); }
void __throw_bad_array_new_length() { Die(); }
void __throw_bad_function_call() { Die(); }
void __throw_bad_optional_access() { Die(); }
void __throw_invalid_argument(const char*) { Die(); }
void __throw_length_error(const char*) { Die(); }
void __throw_logic_error(const char*) { Die(); }
void __throw_out_of_range(const char*) { Die(); }
void __throw_out_of_range_fmt(const char*, ...) { Die(); }
void __throw_runtime_error(const char*) { Die(); }
void __throw_system_error(int) { Die(); }
}  // namespace std
