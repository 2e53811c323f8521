#include "../block.h"

namespace em {
namespace EM_ARCH {

void chroma_change(Block &block, vf *out) {
  const Tonal &tonal = block.tonal;
  vf product{}, here{}, before{};
  for (size_t c = 0; c < kPitchClasses; ++c) {
    product += tonal.chroma[c] * tonal.before[c];
    here += tonal.chroma[c] * tonal.chroma[c];
    before += tonal.before[c] * tonal.before[c];
  }
  const vf norm = square_root(here * before);
  const vi both = norm > 0.0f;
  *out = both ? clamp(1.0f - product / (both ? norm : splat(1.0f)), 0.0f, 1.0f) : vf{};
}

}  // namespace EM_ARCH
}  // namespace em
