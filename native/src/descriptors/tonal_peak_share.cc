#include "../block.h"

namespace em {
namespace EM_ARCH {

void tonal_peak_share(Block &block, vf *out) {
  const Tonal &tonal = block.tonal;
  vf power{}, peaks{};
  for (size_t k = 0; k < block.tables.tonal.count; ++k) power += tonal.power[k];
  for (size_t i = 0; i < tonal.peaks; ++i) peaks += tonal.amplitude[i] * tonal.amplitude[i];
  *out = minimum(peaks / maximum(power, splat(1e-12f)), splat(1.0f));
}

}  // namespace EM_ARCH
}  // namespace em
