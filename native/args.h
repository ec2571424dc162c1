// Reading arguments without an exception or an allocation in sight. TypeScript has checked ranges before; what is checked here is only
// what would crash: the shape.
#pragma once

#include <napi.h>

#include <cstdint>

namespace linux_ptrace {

struct Bytes {
  uint8_t* data = nullptr;
  size_t length = 0;
};

inline int64_t Int64Of(napi_env env, napi_value value) {
  int64_t out = 0;
  napi_get_value_int64(env, value, &out);
  return out;
}

inline int32_t Int32Of(napi_env env, napi_value value) {
  int32_t out = 0;
  napi_get_value_int32(env, value, &out);
  return out;
}

// A machine word given as number or bigint; negative numbers become their two's complement.
inline uint64_t WordOf(napi_env env, napi_value value) {
  int64_t small = 0;
  if (napi_get_value_int64(env, value, &small) == napi_ok) return static_cast<uint64_t>(small);
  uint64_t word = 0;
  bool lossless = false;
  napi_get_value_bigint_uint64(env, value, &word, &lossless);
  return word;
}

// The bytes of any typed array or DataView; null and everything else give an empty range.
inline Bytes BytesOf(napi_env env, napi_value value) {
  Bytes bytes;
  napi_typedarray_type type;
  size_t elements = 0;
  void* data = nullptr;
  if (napi_get_typedarray_info(env, value, &type, &elements, &data, nullptr, nullptr) == napi_ok) {
    size_t width = 1;
    switch (type) {
      case napi_int16_array:
      case napi_uint16_array:
        width = 2;
        break;
      case napi_int32_array:
      case napi_uint32_array:
      case napi_float32_array:
        width = 4;
        break;
      case napi_float64_array:
      case napi_bigint64_array:
      case napi_biguint64_array:
        width = 8;
        break;
      default:
        break;
    }
    bytes.data = static_cast<uint8_t*>(data);
    bytes.length = elements * width;
    return bytes;
  }
  if (napi_get_dataview_info(env, value, &bytes.length, &data, nullptr, nullptr) == napi_ok) {
    bytes.data = static_cast<uint8_t*>(data);
    return bytes;
  }
  bytes.length = 0;
  return bytes;
}

inline napi_value NumberOf(napi_env env, int64_t value) {
  napi_value out = nullptr;
  if (value >= INT32_MIN && value <= INT32_MAX) {
    napi_create_int32(env, static_cast<int32_t>(value), &out);
  } else {
    napi_create_int64(env, value, &out);
  }
  return out;
}

// The arguments of one call. Missing ones are undefined, which every reader above takes for 0 or nothing.
template <size_t N>
struct Arguments {
  napi_value at[N];
  Arguments(napi_env env, napi_callback_info info) {
    size_t count = N;
    napi_get_cb_info(env, info, &count, at, nullptr, nullptr);
  }
  napi_value operator[](size_t index) const { return at[index]; }
};

inline void Export(Napi::Env env, Napi::Object exports, const char* name, napi_callback callback) {
  napi_value function = nullptr;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &function);
  exports.Set(name, Napi::Value(env, function));
}

// A system call's result as the kernel gives it: negative errno on failure. glibc's ptrace() is not used: it turns PEEK results into
// return values and can report an error as errno 0.
inline int64_t Result(int64_t result, int error) { return result == -1 ? -error : result; }

}  // namespace linux_ptrace
