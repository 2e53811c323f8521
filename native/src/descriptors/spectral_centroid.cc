#include "../block.h"

namespace em {
namespace EM_ARCH {

void spectral_centroid(Block &block, vf *out) {
  const Tables &t = block.tables;
  vf weighted{};
  for (size_t k = 0; k < t.bins; ++k) weighted += block.magnitude[k] * static_cast<float>(k);
  const vf sum = block.magnitude_sum;
  const vf centre = weighted / (sum > 0.0f ? sum : splat(1.0f)) * (t.sample_rate / static_cast<float>(t.fft.n));
  *out = minimum(centre, splat(t.sample_rate * 0.5f));
}

}  // namespace EM_ARCH
}  // namespace em
