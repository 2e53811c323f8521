#include "../block.h"

namespace em {
namespace EM_ARCH {

void mel_envelope(Block &block, vf *out) {
  const uint32_t n_mels = block.tables.n_mels;
  uint32_t j = 0;
  for (uint32_t g = 0; g < kMelGroups; ++g) {
    const uint32_t start = j;
    vf sum{};
    for (; j < n_mels && j * kMelGroups / n_mels == g; ++j) sum += block.log_mel[j];
    out[g] = j > start ? sum * (1.0f / static_cast<float>(j - start)) : splat(-23.0258509f);  // none of few filters
  }
}

}  // namespace EM_ARCH
}  // namespace em
