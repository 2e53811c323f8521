#include "../block.h"

namespace em {
namespace EM_ARCH {

namespace {

EM_INLINE void log_mel_spectrum(const Tables &t, const vf *power, vf *log_mel) {
  for (uint32_t j = 0; j < t.n_mels; ++j) {
    const MelFilter filter = t.mel[j];
    const vf *bins = power + filter.first;
    vf even{}, odd{};  // two sums: each addition waits for the one before
    for (uint32_t k = 0; k < filter.count; k += 2) {
      even += bins[k] * filter.weights[k];
      odd += bins[k + 1] * filter.weights[k + 1];
    }
    log_mel[j] = natural_log(maximum(even + odd, splat(1e-10f)));
  }
}

// DCT-II, four coefficients at a time. The cosines of even coefficients are symmetric about the middle of the filters
// and those of odd ones antisymmetric: sums and differences of mirrored filters halve the products.
EM_INLINE void cosine_transform(const Tables &t, vf *log_mel, vf *out) {
  const uint32_t half = (t.n_mels + 1) / 2;
  for (uint32_t j = 0; j < t.n_mels / 2; ++j) {
    const vf a = log_mel[j], b = log_mel[t.n_mels - 1 - j];
    log_mel[j] = a + b;
    log_mel[t.n_mels - 1 - j] = a - b;
  }
  for (uint32_t i = 0; i < t.n_mfcc; i += 4) {
    const float *cosines = t.dct + static_cast<size_t>(i) * half;
    vf sums[4] = {};
    for (uint32_t j = 0; j < half; ++j) {
      const vf even = log_mel[j], odd = log_mel[t.n_mels - 1 - j];
      sums[0] += even * cosines[4 * j], sums[1] += odd * cosines[4 * j + 1];
      sums[2] += even * cosines[4 * j + 2], sums[3] += odd * cosines[4 * j + 3];
    }
    for (uint32_t c = 0; c < 4 && i + c < t.n_mfcc; ++c) out[i + c] = sums[c];
  }
}

}  // namespace

void mfcc(Block &block, vf *out) {
  const Tables &t = block.tables;
  log_mel_spectrum(t, block.emphasised, block.scratch);
  cosine_transform(t, block.scratch, out);
}

}  // namespace EM_ARCH
}  // namespace em
