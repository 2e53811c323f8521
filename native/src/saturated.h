// Counts that stop at the largest number where they would wrap round.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace em {

inline uint64_t saturated_sum(uint64_t a, uint64_t b) { return a > UINT64_MAX - b ? UINT64_MAX : a + b; }
inline size_t saturated(uint64_t count) { return static_cast<size_t>(std::min<uint64_t>(count, SIZE_MAX)); }

}  // namespace em
