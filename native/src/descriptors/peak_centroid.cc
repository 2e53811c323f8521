#include "../strongest.h"

namespace em {
namespace EM_ARCH {

void peak_centroid(Block &block, vf *out) {
  const Tonal &tonal = block.tonal;
  vf weighted{}, total{};
  for (size_t i = 0; i < kStrongest; ++i) {
    weighted += tonal.strong_frequency[i] * tonal.strong_amplitude[i];
    total += tonal.strong_amplitude[i];
  }
  *out = minimum(ratio_or_zero(weighted, total), splat(2400.0f));
}

}  // namespace EM_ARCH
}  // namespace em
