// Mel filters over a power spectrum.
#pragma once
#include "block.h"

namespace em {
namespace EM_ARCH {

// Natural logarithm of what the first `count` filters pass.
EM_INLINE void log_mel_spectrum(const Tables &t, const vf *power, size_t count, vf *log_mel) {
  for (size_t j = 0; j < count; ++j) {
    const MelFilter filter = t.mel[j];
    const vf *bins = power + filter.first;
    const float *weights = filter.weights, *const end = weights + filter.count;
    vf even{}, odd{};  // two sums: each addition waits for the one before
    for (; weights < end; weights += 2, bins += 2) {
      even += bins[0] * weights[0];
      odd += bins[1] * weights[1];
    }
    log_mel[j] = natural_log(maximum(even + odd, splat(1e-10f)));
  }
}

}  // namespace EM_ARCH
}  // namespace em
