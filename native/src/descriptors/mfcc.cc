#include "../block.h"

namespace em {
namespace EM_ARCH {

namespace {

// DCT-II, four coefficients at a time. The cosines of even coefficients are symmetric about the middle of the filters
// and those of odd ones antisymmetric: sums and differences of mirrored filters halve the products.
EM_INLINE void cosine_transform(const Tables &t, const vf *log_mel, vf *folded, vf *out) {
  const size_t n_mels = t.n_mels, half = (n_mels + 1) / 2, count = t.n_mfcc;
  for (size_t j = 0; j < n_mels / 2; ++j) {
    const vf a = log_mel[j], b = log_mel[n_mels - 1 - j];
    folded[j] = a + b;
    folded[n_mels - 1 - j] = a - b;
  }
  if (n_mels % 2) folded[n_mels / 2] = log_mel[n_mels / 2];
  for (size_t i = 0; i < count; i += 4) {
    const float *cosines = t.dct + i * half;
    vf sums[4] = {};
    for (size_t j = 0; j < half; ++j, cosines += 4) {
      const vf even = folded[j], odd = folded[n_mels - 1 - j];
      sums[0] += even * cosines[0], sums[1] += odd * cosines[1];
      sums[2] += even * cosines[2], sums[3] += odd * cosines[3];
    }
    for (size_t c = 0; c < 4 && i + c < count; ++c) out[i + c] = sums[c];
  }
}

}  // namespace

void mfcc(Block &block, vf *out) { cosine_transform(block.tables, block.log_mel, block.scratch, out); }

}  // namespace EM_ARCH
}  // namespace em
