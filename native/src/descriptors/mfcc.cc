#include "../block.h"

namespace em {
namespace EM_ARCH {

void mfcc(Block &block, vf *out) {
  const Tables &t = block.tables;
  vf *log_mel = block.scratch;
  for (uint32_t j = 0; j < t.n_mels; ++j) {
    const MelFilter filter = t.mel[j];
    const vf *power = block.emphasised + filter.first;
    vf sum{};
    for (uint32_t k = 0; k < filter.count; ++k) sum += power[k] * filter.weights[k];
    log_mel[j] = natural_log(maximum(sum, splat(1e-10f)));
  }
  for (uint32_t i = 0; i < t.n_mfcc; ++i) {
    const float *row = t.dct + static_cast<size_t>(i) * t.n_mels;
    vf sum{};
    for (uint32_t j = 0; j < t.n_mels; ++j) sum += log_mel[j] * row[j];
    out[i] = sum;
  }
}

}  // namespace EM_ARCH
}  // namespace em
