#include "../block.h"

namespace em {
namespace EM_ARCH {

void hnr(Block &block, vf *out) {
  constexpr float kDbPerNeper = 4.342944819f;  // 10 / ln 10
  const vf h = block.pitch.height;
  const vf ratio = (natural_log(h) - natural_log(1.0f - h)) * kDbPerNeper;
  *out = block.pitch.lag > 0.0f ? clamp(ratio, -40.0f, 40.0f) : splat(-40.0f);
}

}  // namespace EM_ARCH
}  // namespace em
