// What the fuzz targets hold the library to their words with.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

// A broken promise ends the process, whatever the build: the fuzzer and the replay count on it.
#define PROMISE(condition)                                                                 \
  do {                                                                                     \
    if (!(condition)) {                                                                    \
      std::fprintf(stderr, "%s:%d: promise broken: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                        \
    }                                                                                      \
  } while (0)

namespace fuzz {

// Room for floats, each of them and some behind their end known not to have been written yet.
class Guarded {
 public:
  explicit Guarded(size_t size) : size_(size), bits_(size + kGuard, kUntouched) {}
  float *data() { return reinterpret_cast<float *>(bits_.data()); }
  float at(size_t i) const {
    float value = 0;
    std::memcpy(&value, &bits_[i], sizeof value);
    return value;
  }
  size_t size() const { return size_; }
  bool untouched_from(size_t i) const {
    for (; i < bits_.size(); ++i)
      if (bits_[i] != kUntouched) return false;
    return true;
  }
  bool operator==(const Guarded &other) const { return bits_ == other.bits_; }

 private:
  static constexpr size_t kGuard = 64;
  static constexpr uint32_t kUntouched = 0xa5c3f00d;
  size_t size_;
  std::vector<uint32_t> bits_;
};

}  // namespace fuzz
