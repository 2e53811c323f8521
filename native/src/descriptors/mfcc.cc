#include "../mel.h"

namespace em {
namespace EM_ARCH {

namespace {

// DCT-II, four coefficients at a time. The cosines of even coefficients are symmetric about the middle of the filters
// and those of odd ones antisymmetric: sums and differences of mirrored filters halve the products.
EM_INLINE void cosine_transform(const Tables &t, vf *log_mel, vf *out) {
  const size_t n_mels = t.n_mels, half = (n_mels + 1) / 2, count = t.n_mfcc;
  for (size_t j = 0; j < n_mels / 2; ++j) {
    const vf a = log_mel[j], b = log_mel[n_mels - 1 - j];
    log_mel[j] = a + b;
    log_mel[n_mels - 1 - j] = a - b;
  }
  for (size_t i = 0; i < count; i += 4) {
    const float *cosines = t.dct + i * half;
    vf sums[4] = {};
    for (size_t j = 0; j < half; ++j, cosines += 4) {
      const vf even = log_mel[j], odd = log_mel[n_mels - 1 - j];
      sums[0] += even * cosines[0], sums[1] += odd * cosines[1];
      sums[2] += even * cosines[2], sums[3] += odd * cosines[3];
    }
    for (size_t c = 0; c < 4 && i + c < count; ++c) out[i + c] = sums[c];
  }
}

}  // namespace

void mfcc(Block &block, vf *out) {
  const Tables &t = block.tables;
  log_mel_spectrum(t, block.emphasised, t.n_mels, block.scratch);
  cosine_transform(t, block.scratch, out);
}

}  // namespace EM_ARCH
}  // namespace em
