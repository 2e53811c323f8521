// Sums over the strongest peaks of the tonal frame.
#pragma once
#include "block.h"

namespace em {
namespace EM_ARCH {

EM_INLINE vf strongest_energy(const Tonal &tonal) {
  vf energy{};
  for (const vf a : tonal.strong_amplitude) energy += a * a;
  return energy;
}

// x / y, 0 where y is.
EM_INLINE vf ratio_or_zero(vf x, vf y) { return y > 0.0f ? x / (y > 0.0f ? y : splat(1.0f)) : vf{}; }

// Calls use(i, j, how much they beat) for all pairs; j is the stronger.
template <typename Use>
EM_INLINE void each_pair(const Tonal &tonal, Use use) {
  const vf *beating = tonal.beating;
  for (size_t i = 0; i < kStrongest; ++i)
    for (size_t j = 0; j < i; ++j) use(i, j, *beating++);
}

}  // namespace EM_ARCH
}  // namespace em
