#include "../block.h"

namespace em {
namespace EM_ARCH {

void spectral_flux(Block &block, vf *out) {
  const Tables &t = block.tables;
  const vf sum = block.magnitude_sum;
  const vf scale = sum > 0.0f ? 1.0f / (sum > 0.0f ? sum : splat(1.0f)) : vf{};
  vf distance{};
  for (size_t k = 0; k < t.bins; ++k) {
    const vf share = block.magnitude[k] * scale;
    const vf step = share - shift_in(block.previous[k], share);
    distance += step * step;
    block.previous[k] = share[kLanes - 1];
  }
  const uint32_t last = block.frames - 1;
  if (last < kLanes - 1)
    for (size_t k = 0; k < t.bins; ++k) block.previous[k] = block.magnitude[k][last] * scale[last];
  *out = square_root(distance);
  if (block.first) (*out)[0] = 0.0f;
}

}  // namespace EM_ARCH
}  // namespace em
