// Vectors of floats on a cache line's boundary, as the kernels read and write them.
#pragma once
#include <cstddef>
#include <new>
#include <vector>

namespace em {

template <typename T>
struct AlignedAllocator {
  using value_type = T;
  static constexpr std::align_val_t kAlignment{64};

  AlignedAllocator() = default;
  template <typename U>
  explicit AlignedAllocator(const AlignedAllocator<U> &) {}

  T *allocate(size_t n) { return static_cast<T *>(::operator new(n * sizeof(T), kAlignment)); }
  void deallocate(T *p, size_t) { ::operator delete(p, kAlignment); }
  bool operator==(const AlignedAllocator &) const { return true; }
  bool operator!=(const AlignedAllocator &) const { return false; }
};

using AlignedFloats = std::vector<float, AlignedAllocator<float>>;

}  // namespace em
